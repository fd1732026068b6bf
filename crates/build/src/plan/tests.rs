use model::build::{Build, BuildStatus};
use model::id::{AccountId, AppId, BuildId};
use model::time::Timestamp;

use super::{Action, Seen, plan};

fn build(id: u128, app: u128, status: BuildStatus) -> Build {
    Build {
        id: BuildId::from_u128(id),
        app: AppId::from_u128(app),
        user: AccountId::from_u128(1),
        status,
        generation: 1,
        commit: None,
        source: String::new(),
        buildpacks: Vec::new(),
        slug: None,
        release: None,
        stack: "hokku-12".to_owned(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}

/// The plan in words. Builds are `number/app`, `*` those being built, `!` those being built here.
fn planned(builders: usize, open: &str) -> String {
    let mut seen = Seen { open: Vec::new(), mine: std::collections::BTreeSet::new(), builders };
    for word in open.split_whitespace() {
        let (id, app) = word.trim_end_matches(['*', '!']).split_once('/').expect("number/app");
        let number = |text: &str| text.parse().expect("a number");
        let status = if word.ends_with(['*', '!']) { BuildStatus::Running } else { BuildStatus::Pending };
        let build = build(number(id), number(app), status);
        if word.ends_with('!') {
            seen.mine.insert(build.id);
        }
        seen.open.push(build);
    }
    let number = |id: BuildId| u32::from_str_radix(&id.to_string()[28..], 16).expect("a number");
    let words = plan(&seen).into_iter().map(|action| match action {
        Action::Interrupt(build) => format!("interrupt {}", number(build.id)),
        Action::Start(build) => format!("start {}", number(build.id)),
    });
    words.collect::<Vec<_>>().join(", ")
}

#[test]
fn builds_of_one_app_wait_for_each_other_and_builders_are_limited() {
    let table = [
        (2, ""),
        (2, "1/1"),
        (2, "1/1 2/1"),
        (2, "1/1 2/2 3/3"),
        (2, "1/1! 2/2 3/3"),
        (2, "1/1! 2/1 3/2"),
        (2, "1/1! 2/2! 3/3"),
        (1, "1/1 2/2"),
        (0, "1/1"),
    ];
    let text: String = table
        .map(|(builders, open)| format!("{builders} {open:<16} > {}\n", planned(builders, open)))
        .concat();
    insta::assert_snapshot!(text, @r"
    2                  > 
    2 1/1              > start 1
    2 1/1 2/1          > start 1
    2 1/1 2/2 3/3      > start 1, start 2
    2 1/1! 2/2 3/3     > start 2
    2 1/1! 2/1 3/2     > start 3
    2 1/1! 2/2! 3/3    > 
    1 1/1 2/2          > start 1
    0 1/1              > 
    ");
}

#[test]
fn what_a_dead_server_was_building_is_given_back_and_keeps_its_place() {
    assert_eq!(planned(2, "1/1*"), "interrupt 1");
    assert_eq!(planned(2, "1/1* 2/1 3/2"), "interrupt 1, start 3");
    assert_eq!(planned(2, "1/1! 2/2*"), "interrupt 2");
}
