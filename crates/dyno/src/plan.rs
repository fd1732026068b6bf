//! What to do next about every dyno, decided from one picture. No clock, no I/O.
//!
//! Words used here: the *target* of an app is the release being rolled out, else the current one. A formation dyno is
//! *fresh* when it is what the target wants in its place (release, size, number) and is not marked for replacement;
//! every other one is *stale*. Stale web dynos go on serving until their fresh namesake is up, and during a rollout
//! until all of them are.

use std::collections::BTreeMap;
use std::time::Duration;

use model::dyno::{Dyno, DynoKind, DynoName, DynoState, Exit, ExitReason};
use model::formation::{DynoSize, Formation, ProcessType};
use model::id::{AppId, DynoId, ReleaseId};
use model::procfile::Procfile;
use model::time::Timestamp;
use store::Served;

use crate::engine::LastWords;

/// The whole picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) apps: BTreeMap<AppId, AppSeen>,
    /// Dynos the engine has, but no row speaks of.
    pub(crate) orphans: Vec<DynoId>,
    /// Certificates that users brought or that were got for a host.
    pub(crate) certificates: Vec<Served>,
    /// What the router answers to certificate authorities.
    pub(crate) challenges: BTreeMap<String, String>,
}

/// One app.
#[derive(Debug, Clone)]
pub(crate) struct AppSeen {
    pub(crate) name: String,
    pub(crate) maintenance: bool,
    pub(crate) hosts: Vec<String>,
    pub(crate) error_page_url: Option<String>,
    pub(crate) maintenance_page_url: Option<String>,
    /// The newest succeeded release, if it has code.
    pub(crate) current: Option<Target>,
    /// The release being rolled out.
    pub(crate) rolling: Option<Target>,
    /// The release whose command is being run.
    pub(crate) commanding: Option<ReleaseId>,
    pub(crate) formation: Vec<Formation>,
    pub(crate) dynos: Vec<Dyno>,
}

/// A release with code.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) release: ReleaseId,
    pub(crate) processes: Procfile,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Write down a dyno that is wanted and not there.
    Create { app: AppId, release: ReleaseId, name: DynoName, command: String, size: DynoSize },
    /// Start a dyno's process: for the first time, or again after a crash.
    Start(DynoId),
    /// All fresh web dynos are up: give them the traffic and make the release current.
    Switch { app: AppId, release: ReleaseId },
    /// A fresh web dyno failed at its start; the release before goes on serving.
    Fail { release: ReleaseId, dyno: DynoId },
    /// A fresh web dyno failed at its start and nothing else serves, so the release stays and is retried.
    Keep { release: ReleaseId, dyno: DynoId },
    /// Stop a web dyno that gets no new requests any more, once its last ones are answered.
    Drain(DynoId),
    /// Stop a dyno now.
    Stop(DynoId),
    /// Make sure that a dyno which was told to stop does.
    KeepStopping(DynoId),
    /// A dyno ran for its day: put a fresh one in its place. A one-off is stopped.
    Cycle(DynoId),
    /// Forget a dyno that is over.
    Forget(DynoId),
    /// Remove what is left of a dyno that no row speaks of.
    Discard(DynoId),
}

/// Decides.
pub(crate) fn plan(seen: &Seen, now: Timestamp) -> Vec<Action> {
    let apps = seen.apps.iter().flat_map(|(id, app)| plan_app(*id, app, now));
    apps.chain(seen.orphans.iter().copied().map(Action::Discard)).collect()
}

/// When a cool-off ends next, if one is running.
pub(crate) fn next_retry(seen: &Seen) -> Option<Timestamp> {
    let dynos = seen.apps.values().flat_map(|app| &app.dynos);
    dynos.filter(|dyno| dyno.state == DynoState::Crashed).map(|dyno| dyno.not_before).min()
}

fn plan_app(id: AppId, app: &AppSeen, now: Timestamp) -> Vec<Action> {
    let wanted = app.wanted();
    let mut actions = plan_rollout(id, app, &wanted);
    actions.extend(plan_wanted(id, app, &wanted, now));
    actions.extend(app.dynos.iter().filter_map(|dyno| plan_rest(app, &wanted, dyno)));
    actions.extend(
        app.dynos.iter().filter(|dyno| is_old(app, &wanted, dyno, now)).map(|it| Action::Cycle(it.id)),
    );
    actions
}

/// Whether a dyno's day is over. One that is to go anyway goes for that reason, and a rollout replaces all of them.
fn is_old(app: &AppSeen, wanted: &BTreeMap<DynoName, Place>, dyno: &Dyno, now: Timestamp) -> bool {
    let is_subject = match dyno.kind {
        DynoKind::Formation => app.rolling.is_none() && app.is_fresh(wanted, dyno),
        DynoKind::Run => true,
        DynoKind::Release => false, // its release would fail
    };
    is_subject && dyno.cycles_at().is_some_and(|at| at <= now)
}

/// What a place in the formation wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) command: String,
    pub(crate) size: DynoSize,
}

impl AppSeen {
    /// What the app's dynos are to run.
    pub(crate) fn target(&self) -> Option<&Target> {
        self.rolling.as_ref().or(self.current.as_ref())
    }

    /// Every place of the target's formation.
    pub(crate) fn wanted(&self) -> BTreeMap<DynoName, Place> {
        let Some(target) = self.target() else { return BTreeMap::new() };
        let entry = |kind: &ProcessType| self.formation.iter().find(|entry| entry.kind == *kind);
        let types = target.processes.commands.iter().filter(|(kind, _)| !kind.is_release());
        types
            .filter_map(|(kind, command)| entry(kind).map(|entry| (kind, command, entry)))
            .flat_map(|(kind, command, entry)| {
                (1..=entry.quantity).map(move |number| {
                    let place = Place { command: command.clone(), size: entry.size };
                    (DynoName { kind: kind.clone(), number }, place)
                })
            })
            .collect()
    }

    /// Whether a dyno is what the target wants in its place.
    pub(crate) fn is_fresh(&self, wanted: &BTreeMap<DynoName, Place>, dyno: &Dyno) -> bool {
        let current = self.target().is_some_and(|target| target.release == dyno.release);
        let alive = !matches!(dyno.state, DynoState::Stopping | DynoState::Down | DynoState::Complete);
        let fits = wanted.get(&dyno.name).is_some_and(|place| place.size == dyno.size);
        dyno.kind == DynoKind::Formation && current && alive && fits && !dyno.replace
    }

    /// The fresh dyno in a place.
    pub(crate) fn fresh<'a>(
        &'a self,
        wanted: &BTreeMap<DynoName, Place>,
        name: &DynoName,
    ) -> Option<&'a Dyno> {
        self.dynos.iter().find(|dyno| dyno.name == *name && self.is_fresh(wanted, dyno))
    }

    /// The web dynos that get requests. Until a rollout has `switched` these are the current release's; then the
    /// target's: the fresh ones that are up, and a stale one (restarted, resized) whose fresh namesake is not up yet.
    pub(crate) fn serving(&self, switched: bool) -> Vec<&Dyno> {
        let before_switch = self.rolling.is_some() && !switched;
        let source = if before_switch { self.current.as_ref() } else { self.target() };
        let Some(source) = source else { return Vec::new() };
        let wanted = self.wanted();
        let serves = |dyno: &&Dyno| {
            let waits = || {
                let namesake = self.fresh(&wanted, &dyno.name);
                wanted.contains_key(&dyno.name) && namesake.is_none_or(|fresh| fresh.state != DynoState::Up)
            };
            before_switch || self.is_fresh(&wanted, dyno) || waits()
        };
        let web =
            self.dynos.iter().filter(|dyno| dyno.kind == DynoKind::Formation && dyno.name.kind.is_web());
        let up = web.filter(|dyno| dyno.release == source.release && dyno.state == DynoState::Up);
        up.filter(serves).collect()
    }
}

/// Whether the release being rolled out may take over, or has failed.
fn plan_rollout(id: AppId, app: &AppSeen, wanted: &BTreeMap<DynoName, Place>) -> Vec<Action> {
    let Some(rolling) = &app.rolling else { return Vec::new() };
    let release = rolling.release;
    let web: Vec<_> =
        wanted.keys().filter(|name| name.kind.is_web()).map(|name| app.fresh(wanted, name)).collect();
    let failed = web.iter().flatten().find(|dyno| dyno.state == DynoState::Crashed && !was_interrupted(dyno));
    if let Some(dyno) = failed {
        // A dyno that serves can only be one of the release before: fresh ones get no traffic yet.
        let dyno = dyno.id;
        let action = match app.serving(false).is_empty() {
            true => Action::Keep { release, dyno },
            false => Action::Fail { release, dyno },
        };
        return vec![action];
    }
    let all_up = web.iter().all(|dyno| dyno.is_some_and(|dyno| dyno.state == DynoState::Up));
    if all_up { vec![Action::Switch { app: id, release }] } else { Vec::new() }
}

/// Creates and starts what is wanted. During a rollout only web dynos: the others change over when it has succeeded.
fn plan_wanted(id: AppId, app: &AppSeen, wanted: &BTreeMap<DynoName, Place>, now: Timestamp) -> Vec<Action> {
    let Some(target) = app.target() else { return Vec::new() };
    let now_wanted = wanted.iter().filter(|(name, _)| app.rolling.is_none() || name.kind.is_web());
    now_wanted
        .filter_map(|(name, place)| match app.fresh(wanted, name) {
            None => Some(Action::Create {
                app: id,
                release: target.release,
                name: name.clone(),
                command: place.command.clone(),
                size: place.size,
            }),
            Some(dyno) if dyno.state == DynoState::Starting && dyno.life == 0 => Some(Action::Start(dyno.id)),
            Some(dyno) if dyno.state == DynoState::Crashed && dyno.not_before <= now => {
                (app.rolling.is_none() || was_interrupted(dyno)).then_some(Action::Start(dyno.id))
            }
            Some(_) => None,
        })
        .collect()
}

/// Whether the platform itself ended the dyno's last process, by being stopped or killed.
fn was_interrupted(dyno: &Dyno) -> bool {
    dyno.exit.is_some_and(|exit| matches!(exit.reason, ExitReason::Stopped | ExitReason::Lost))
}

/// What to do about a dyno that is not a wanted one: stale, one-off, stopping or over.
fn plan_rest(app: &AppSeen, wanted: &BTreeMap<DynoName, Place>, dyno: &Dyno) -> Option<Action> {
    match (dyno.kind, dyno.state) {
        (_, DynoState::Stopping) => Some(Action::KeepStopping(dyno.id)),
        (DynoKind::Release, DynoState::Complete) => {
            let awaited = app.commanding == Some(dyno.release);
            (!awaited).then_some(Action::Forget(dyno.id))
        }
        (_, DynoState::Down | DynoState::Complete) => Some(Action::Forget(dyno.id)),
        (DynoKind::Run | DynoKind::Release, DynoState::Starting) if dyno.life == 0 => {
            Some(Action::Start(dyno.id))
        }
        (DynoKind::Run | DynoKind::Release, _) => None,
        (DynoKind::Formation, _) if app.is_fresh(wanted, dyno) => None,
        (DynoKind::Formation, _) if app.rolling.is_some() => plan_stale_in_rollout(app, dyno),
        (DynoKind::Formation, DynoState::Up) if dyno.name.kind.is_web() => {
            let serves = app.serving(false).iter().any(|serving| serving.id == dyno.id);
            (!serves).then_some(Action::Drain(dyno.id))
        }
        (DynoKind::Formation, _) => Some(Action::Stop(dyno.id)),
    }
}

/// During a rollout the current release keeps what it has; what belongs to neither (dynos of a superseded release, or
/// ones that were being replaced) goes.
fn plan_stale_in_rollout(app: &AppSeen, dyno: &Dyno) -> Option<Action> {
    let of_current = app.current.as_ref().is_some_and(|current| current.release == dyno.release);
    match dyno.state {
        _ if of_current => None,
        DynoState::Up if dyno.name.kind.is_web() => Some(Action::Drain(dyno.id)),
        _ => Some(Action::Stop(dyno.id)),
    }
}

/// Why a dyno's start failed, in words for its developer.
pub(crate) fn failure(dyno: &Dyno, exit: Option<Exit>, words: &LastWords, boot_timeout: Duration) -> String {
    let name = &dyno.name;
    let what = match exit {
        Some(Exit { reason: ExitReason::BootTimeout, .. }) => {
            let seconds = boot_timeout.as_secs();
            format!("{name} did not bind to $PORT within {seconds} seconds (R10).")
        }
        Some(Exit { reason: ExitReason::Memory, .. }) => {
            format!("{name} was killed because it used more memory than a {} dyno has (R15).", dyno.size)
        }
        Some(Exit { reason: ExitReason::NotStarted, .. }) => format!("{name} could not be started."),
        Some(Exit { reason: ExitReason::Lost, .. }) => format!("{name} was lost while it started."),
        Some(Exit { status, .. }) => format!("{name} exited with status {status} before it served."),
        None => format!("{name} ended before it served."),
    };
    let command = format!("Command: {}", dyno.command);
    let printed = match words.lines.as_slice() {
        [] => "It printed nothing.".to_owned(),
        lines => format!("Its last lines:\n{}", lines.join("\n")),
    };
    let diagnosis = words.diagnosis.as_ref().map(|diagnosis| format!("\n{diagnosis}")).unwrap_or_default();
    format!("{what}\n{command}\n{printed}{diagnosis}")
}

#[cfg(test)]
mod tests;
