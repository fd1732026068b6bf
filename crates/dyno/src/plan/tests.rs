//! Situations in, action lists out, both as text.
//!
//! A situation is `current=vN rolling=vN | type=quantity … | dyno …`, a dyno `web.1 vN state` with `!` before the name
//! when it is to be replaced, `old` behind its state when it has been in it for more than a day.

use model::dyno::{Dyno, DynoKind, DynoName, DynoState};
use model::formation::{DynoSize, Formation};
use model::id::{AppId, DynoId, FormationId, ReleaseId};
use model::procfile::Procfile;
use model::time::Timestamp;

use super::{Action, AppSeen, Seen, Target, plan};

const NOW: Timestamp = Timestamp::from_micros(1_000_000);

fn release(version: u32) -> ReleaseId {
    ReleaseId::from_u128(u128::from(version))
}

fn target(version: u32) -> Target {
    let processes = Procfile::parse("web: serve\nworker: work\nrelease: migrate\n");
    Target { release: release(version), processes }
}

fn number(text: &str) -> u32 {
    text.trim_start_matches('v').parse().expect("a number")
}

fn formation(text: &str) -> Formation {
    let (kind, quantity) = text.split_once('=').expect("type=quantity");
    Formation {
        id: FormationId::from_u128(1),
        kind: kind.parse().expect("a type"),
        command: String::new(),
        quantity: number(quantity),
        size: DynoSize::Basic,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// The n-th dyno of a situation; `new` in place of a state is a dyno that was never started.
fn dyno(index: usize, text: &str) -> Dyno {
    let words: Vec<_> = text.split(' ').collect();
    let name: DynoName = words[0].trim_start_matches('!').parse().expect("a name");
    let state = if words[2] == "new" { "starting" } else { words[2] };
    let kind = match name.kind.as_str() {
        "run" => DynoKind::Run,
        "release" => DynoKind::Release,
        _ => DynoKind::Formation,
    };
    Dyno {
        id: DynoId::from_u128(index as u128),
        kind,
        command: "serve".to_owned(),
        state: DynoState::from_word(state).expect("a state"),
        life: u32::from(words[2] != "new"),
        not_before: if words.get(3) == Some(&"cooling") {
            NOW.plus(std::time::Duration::from_secs(9))
        } else {
            NOW
        },
        replace: words[0].starts_with('!'),
        state_changed_at: match words.get(3) {
            Some(&"old") => Timestamp::from_micros(NOW.as_micros() - 29 * 3_600_000_000),
            _ => NOW,
        },
        ..Dyno::new(AppId::from_u128(1), name, release(number(words[1])), NOW)
    }
}

fn app(situation: &str) -> AppSeen {
    let [releases, formations, dynos] = situation.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
        panic!("three parts: {situation}")
    };
    let find =
        |key: &str| releases.split(' ').find_map(|word| word.strip_prefix(key)).map(|it| target(number(it)));
    AppSeen {
        name: "shop".to_owned(),
        maintenance: false,
        hosts: Vec::new(),
        error_page_url: None,
        maintenance_page_url: None,
        current: find("current="),
        rolling: find("rolling="),
        commanding: releases
            .split(' ')
            .find_map(|word| word.strip_prefix("commanding="))
            .map(|it| release(number(it))),
        formation: formations.split_whitespace().map(formation).collect(),
        dynos: dynos
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .enumerate()
            .map(|(index, text)| dyno(index, text))
            .collect(),
    }
}

fn planned(situation: &str) -> String {
    let app = app(situation);
    let name = |id: &DynoId| {
        let dyno = app.dynos.iter().find(|dyno| dyno.id == *id).expect("a dyno of the situation");
        format!("{} v{}", dyno.name, (1..99).find(|version| release(*version) == dyno.release).unwrap_or(0))
    };
    let version =
        |id: &ReleaseId| format!("v{}", (1..99).find(|version| release(*version) == *id).unwrap_or(0));
    let seen = Seen { apps: [(AppId::from_u128(1), app.clone())].into(), ..Seen::default() };
    let words = plan(&seen, NOW).into_iter().map(|action| match action {
        Action::Create { release, name, .. } => format!("create {name} {}", version(&release)),
        Action::Start(dyno) => format!("start {}", name(&dyno)),
        Action::Switch { release, .. } => format!("switch to {}", version(&release)),
        Action::Fail { release, dyno } => format!("fail {} for {}", version(&release), name(&dyno)),
        Action::Keep { release, dyno } => format!("keep {} though {}", version(&release), name(&dyno)),
        Action::Drain(dyno) => format!("drain {}", name(&dyno)),
        Action::Stop(dyno) => format!("stop {}", name(&dyno)),
        Action::KeepStopping(dyno) => format!("keep stopping {}", name(&dyno)),
        Action::Cycle(dyno) => format!("cycle {}", name(&dyno)),
        Action::Forget(dyno) => format!("forget {}", name(&dyno)),
        Action::Discard(dyno) => format!("discard {dyno}"),
    });
    words.collect::<Vec<_>>().join("; ")
}

fn check(table: &[(&str, &str)]) {
    for (situation, wanted) in table {
        assert_eq!(planned(situation), *wanted, "{situation}");
    }
}

#[test]
fn a_first_deploy_starts_web_and_switches_when_it_is_up() {
    check(&[
        ("none | | ", ""),
        ("rolling=v3 | web=1 worker=0 | ", "create web.1 v3"),
        ("rolling=v3 | web=1 worker=1 | web.1 v3 new", "start web.1 v3"),
        ("rolling=v3 | web=1 | web.1 v3 starting", ""),
        ("rolling=v3 | web=1 worker=1 | web.1 v3 up", "switch to v3"),
        ("current=v3 | web=1 worker=1 | web.1 v3 up", "create worker.1 v3"),
        ("rolling=v3 | web=0 | ", "switch to v3"),
        ("rolling=v3 | web=1 | web.1 v3 crashed", "keep v3 though web.1 v3"),
        ("current=v3 | web=1 | web.1 v3 crashed", "start web.1 v3"),
        ("current=v3 | web=1 | web.1 v3 crashed cooling", ""),
    ]);
}

#[test]
fn a_deploy_keeps_the_old_until_all_the_new_are_up() {
    check(&[
        ("current=v3 rolling=v4 | web=2 | web.1 v3 up, web.2 v3 up", "create web.1 v4; create web.2 v4"),
        ("current=v3 rolling=v4 | web=2 | web.1 v3 up, web.2 v3 up, web.1 v4 up, web.2 v4 starting", ""),
        ("current=v3 rolling=v4 | web=1 worker=1 | web.1 v3 up, worker.1 v3 up, web.1 v4 up", "switch to v4"),
        (
            "current=v4 | web=1 worker=1 | web.1 v3 up, worker.1 v3 up, web.1 v4 up",
            "create worker.1 v4; drain web.1 v3; stop worker.1 v3",
        ),
        ("current=v4 | web=1 | web.1 v3 stopping, web.1 v4 up", "keep stopping web.1 v3"),
        ("current=v4 | web=1 | web.1 v3 down, web.1 v4 up", "forget web.1 v3"),
    ]);
}

#[test]
fn a_deploy_that_cannot_start_leaves_the_old_serving() {
    check(&[
        ("current=v3 rolling=v4 | web=1 | web.1 v3 up, web.1 v4 crashed", "fail v4 for web.1 v4"),
        ("current=v3 | web=1 | web.1 v3 up, web.1 v4 crashed", "stop web.1 v4"),
        (
            "current=v3 | web=2 | web.1 v3 up, web.2 v3 up, web.1 v4 up, web.2 v4 crashed",
            "drain web.1 v4; stop web.2 v4",
        ),
        ("current=v3 rolling=v4 | web=1 | web.1 v3 crashed, web.1 v4 crashed", "keep v4 though web.1 v4"),
    ]);
}

#[test]
fn a_superseded_release_never_gets_the_traffic() {
    let situation = "current=v3 rolling=v5 | web=1 | web.1 v3 up, web.1 v4 up, web.1 v5 starting";
    assert_eq!(planned(situation), "drain web.1 v4");
    let serving: Vec<_> = app(situation).serving(false).iter().map(|dyno| dyno.release).collect();
    assert_eq!(serving, [release(3)]);
}

#[test]
fn a_dynos_day_ends() {
    check(&[
        ("current=v3 | web=2 | web.1 v3 up old, web.2 v3 up", "cycle web.1 v3"),
        ("current=v3 | web=1 worker=1 | web.1 v3 up, worker.1 v3 up old", "cycle worker.1 v3"),
        ("current=v3 | web=1 | web.1 v3 up, run.7 v3 up old", "cycle run.7 v3"),
        // What is replaced or stopped already needs no second reason, and what does not run has no age.
        ("current=v3 | web=1 | !web.1 v3 up old, web.1 v3 starting", ""),
        ("current=v3 rolling=v4 | web=1 | web.1 v3 up old, web.1 v4 starting", ""),
        ("current=v3 | web=1 | web.1 v3 starting old", ""),
        ("current=v3 | web=1 | web.1 v3 up, release.7 v3 up old", ""),
    ]);
}

#[test]
fn restarts_and_scaling_replace_one_by_one() {
    check(&[
        ("current=v3 | web=2 | !web.1 v3 up, web.2 v3 up", "create web.1 v3"),
        ("current=v3 | web=2 | !web.1 v3 up, web.2 v3 up, web.1 v3 starting", ""),
        ("current=v3 | web=2 | !web.1 v3 up, web.2 v3 up, web.1 v3 up", "drain web.1 v3"),
        ("current=v3 | web=2 | !web.1 v3 up, web.2 v3 up, web.1 v3 crashed cooling", ""),
        ("current=v3 | worker=1 | !worker.1 v3 up", "create worker.1 v3; stop worker.1 v3"),
        ("current=v3 | web=1 | !web.1 v3 crashed cooling", "create web.1 v3; stop web.1 v3"),
        ("current=v3 | web=1 | web.1 v3 up, web.2 v3 up", "drain web.2 v3"),
        ("current=v3 | web=0 | web.1 v3 up", "drain web.1 v3"),
        ("current=v3 | web=3 | web.1 v3 up", "create web.2 v3; create web.3 v3"),
    ]);
}

#[test]
fn one_off_dynos_run_once() {
    check(&[
        ("current=v3 | | run.1 v3 new", "start run.1 v3"),
        ("current=v3 | | run.1 v3 up", ""),
        ("current=v3 | | run.1 v3 stopping", "keep stopping run.1 v3"),
        ("current=v3 | | run.1 v3 complete", "forget run.1 v3"),
        ("current=v3 commanding=v4 | web=1 | web.1 v3 up, release.2 v4 new", "start release.2 v4"),
        ("current=v3 commanding=v4 | web=1 | web.1 v3 up, release.2 v4 complete", ""),
        ("current=v3 rolling=v4 | web=0 | release.2 v4 complete", "switch to v4; forget release.2 v4"),
    ]);
}

proptest::proptest! {
    /// Whatever mix of dynos there is: a fresh dyno that is up is never stopped, and nothing is both started and ended.
    #[test]
    fn nothing_that_is_wanted_and_well_is_stopped(
        versions in proptest::collection::vec((1_u32..5, 0_usize..7, 1_u32..3), 0..6),
        rolling: bool,
        quantity in 0_u32..3,
    ) {
        const STATES: [&str; 7] = ["new", "starting", "up", "crashed", "stopping", "down", "up"];
        let dynos: Vec<_> = versions
            .iter()
            .map(|(version, state, number)| format!("web.{number} v{version} {}", STATES[*state]))
            .collect();
        let releases = if rolling { "current=v3 rolling=v4" } else { "current=v4" };
        let app = app(&format!("{releases} | web={quantity} | {}", dynos.join(", ")));
        let wanted = app.wanted();
        let seen = Seen { apps: [(AppId::from_u128(1), app.clone())].into(), ..Seen::default() };
        let ended: Vec<_> = plan(&seen, NOW)
            .into_iter()
            .filter_map(|action| match action {
                Action::Stop(dyno) | Action::Drain(dyno) | Action::Forget(dyno) => Some(dyno),
                _ => None,
            })
            .collect();
        for dyno in &app.dynos {
            let well = app.is_fresh(&wanted, dyno) && dyno.state == DynoState::Up;
            proptest::prop_assert!(!(well && ended.contains(&dyno.id)));
            let serves = app.serving(false).iter().any(|serving| serving.id == dyno.id);
            proptest::prop_assert!(!(serves && ended.contains(&dyno.id)));
        }
    }
}
