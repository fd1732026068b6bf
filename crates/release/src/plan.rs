//! What to do next, decided from one picture of the store. No clock, no I/O.

use std::collections::BTreeMap;

use model::build::Build;
use model::dyno::ExitReason;
use model::id::AppId;
use model::release::{Release, ReleaseStatus};

/// The whole picture.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Builds that have a slug but no release.
    pub(crate) unreleased: Vec<Build>,
    /// Apps that have releases which are not over.
    pub(crate) apps: BTreeMap<AppId, AppSeen>,
}

/// One app's open releases, oldest first.
#[derive(Debug, Default)]
pub(crate) struct AppSeen {
    pub(crate) open: Vec<Open>,
}

/// A release that is not over.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) release: Release,
    /// The release command of its slug.
    pub(crate) command: Option<String>,
    /// How its command dyno is doing, once there is one.
    pub(crate) command_end: Option<CommandEnd>,
}

/// How a release command is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandEnd {
    Running,
    Exited {
        status: i32,
        reason: ExitReason,
    },
    /// Its dyno is not there any more.
    Lost,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Make a release of a finished build.
    MakeRelease(Build),
    /// A release without code has nothing to run.
    Settle(Release),
    /// Its turn has come, and it has no release command to run.
    Begin(Release),
    /// Its turn has come: run its release command first.
    BeginCommand(Release, String),
    /// Its release command ended well.
    EndCommand(Release),
    /// Its release command failed.
    FailCommand(Release, CommandEnd),
    /// A newer release takes its place before its dynos were up.
    Supersede(Release),
}

/// Decides. At most one step per app and scan: each step's commit wakes the next scan.
pub(crate) fn plan(seen: &Seen) -> Vec<Action> {
    let builds = seen.unreleased.iter().cloned().map(Action::MakeRelease);
    builds.chain(seen.apps.values().filter_map(next_step)).collect()
}

fn next_step(app: &AppSeen) -> Option<Action> {
    let Open { release, command, command_end } = app.open.first()?;
    let release = release.clone();
    match release.status {
        ReleaseStatus::Queued if release.slug.is_none() => Some(Action::Settle(release)),
        ReleaseStatus::Queued => match command {
            Some(command) if release.runs_command => Some(Action::BeginCommand(release, command.clone())),
            _ => Some(Action::Begin(release)),
        },
        ReleaseStatus::Command => match command_end {
            Some(CommandEnd::Running) => None,
            Some(CommandEnd::Exited { status: 0, reason: ExitReason::OwnAccord }) => {
                Some(Action::EndCommand(release))
            }
            Some(end) => Some(Action::FailCommand(release, *end)),
            None => Some(Action::FailCommand(release, CommandEnd::Lost)),
        },
        ReleaseStatus::RollingOut => (app.open.len() > 1).then_some(Action::Supersede(release)),
        ReleaseStatus::Succeeded | ReleaseStatus::Failed | ReleaseStatus::Superseded => None,
    }
}

#[cfg(test)]
mod tests;
