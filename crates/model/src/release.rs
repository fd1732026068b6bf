//! Releases: a slug and a config, numbered.
//!
//! ```text
//!  Queued ──Begin──► Command ──CommandDone──► RollingOut ──Switched──► Succeeded
//!    │                  └──────Fail──┐            ├── Fail ──► Failed
//!    ├──Begin (no release command) ──┼──────────► │
//!    ├──Fail─────────────────────────┴► Failed    └─ Supersede ──► Superseded
//!    └──Settle (nothing to run) ─► Succeeded
//! ```
//! A failed release keeps its number; the release before it goes on serving.

use std::fmt;
use std::str::FromStr;

use crate::id::{AccountId, AppId, DynoId, ReleaseId, SlugId};
use crate::time::Timestamp;

/// A release's number within its app, from 1 without gaps; written `v12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReleaseVersion(pub u32);

/// The text is not a release version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a release version such as `v12`")]
pub struct NotAVersion {
    /// What was given.
    pub text: String,
}

impl fmt::Display for ReleaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl FromStr for ReleaseVersion {
    type Err = NotAVersion;

    /// Accepts `v12` and `12`.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let number = text.strip_prefix('v').unwrap_or(text);
        number.parse().map(Self).map_err(|_| NotAVersion { text: text.to_owned() })
    }
}

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReleaseStatus {
    /// Waits for the releases before it.
    Queued,
    /// Its release command runs.
    Command,
    /// Its dynos are being started; the old ones still serve.
    RollingOut,
    /// It is, or was, what the app runs.
    Succeeded,
    /// Its command or its dynos failed; it never served.
    Failed,
    /// A newer release came before its dynos were up; that one is rolled out instead.
    Superseded,
}

/// What can happen to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseEvent {
    /// Its turn has come. `command` tells whether it has a release command.
    Begin {
        /// Whether a release command must run first.
        command: bool,
    },
    /// The release command ended well.
    CommandDone,
    /// All its web dynos are up and take the traffic.
    Switched,
    /// There is nothing to run: no slug yet, or no dynos wanted.
    Settle,
    /// A newer release takes its place.
    Supersede,
    /// Its command or its dynos failed.
    Fail,
}

/// An event that cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a release that is {from:?} cannot take {event:?}")]
pub struct IllegalReleaseEvent {
    /// The state it met.
    pub from: ReleaseStatus,
    /// The event.
    pub event: ReleaseEvent,
}

impl ReleaseStatus {
    const ALL: [Self; 6] =
        [Self::Queued, Self::Command, Self::RollingOut, Self::Succeeded, Self::Failed, Self::Superseded];

    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalReleaseEvent`] when the drawing above has no such arrow.
    pub const fn on(self, event: ReleaseEvent) -> Result<Self, IllegalReleaseEvent> {
        match (self, event) {
            (Self::Queued, ReleaseEvent::Begin { command: true }) => Ok(Self::Command),
            (Self::Queued, ReleaseEvent::Begin { command: false }) => Ok(Self::RollingOut),
            (Self::Command, ReleaseEvent::CommandDone) => Ok(Self::RollingOut),
            (Self::RollingOut, ReleaseEvent::Switched) => Ok(Self::Succeeded),
            (Self::Queued | Self::RollingOut, ReleaseEvent::Settle) => Ok(Self::Succeeded),
            (Self::RollingOut, ReleaseEvent::Supersede) => Ok(Self::Superseded),
            (Self::Queued | Self::Command | Self::RollingOut, ReleaseEvent::Fail) => Ok(Self::Failed),
            (from, event) => Err(IllegalReleaseEvent { from, event }),
        }
    }

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Command => "command",
            Self::RollingOut => "rolling-out",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }

    /// The reverse of [`ReleaseStatus::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// The word that API clients know: `pending`, `succeeded` or `failed`. A superseded release counts as
    /// succeeded, because nothing was wrong with it and it can be rolled back to.
    #[must_use]
    pub const fn api_word(self) -> &'static str {
        match self {
            Self::Queued | Self::Command | Self::RollingOut => "pending",
            Self::Succeeded | Self::Superseded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Superseded)
    }
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// Its app.
    pub app: AppId,
    /// Its number.
    pub version: ReleaseVersion,
    /// Where it stands.
    pub status: ReleaseStatus,
    /// The code it runs; none before the first deploy.
    pub slug: Option<SlugId>,
    /// What made it, in Heroku's wording (`Deploy 954ab531`, `Set FOO config vars`).
    pub description: String,
    /// Who made it.
    pub user: AccountId,
    /// Whether its release command is run: not for changes that an add-on made to its own values.
    pub runs_command: bool,
    /// The one-off dyno that runs its release command.
    pub command_dyno: Option<DynoId>,
    /// Why it failed, in words for its maker; also set when it stays current though its dynos crashed,
    /// because there is no older release to keep serving.
    pub failure: Option<String>,
    /// Plans of the add-ons attached when it was made.
    pub addon_plans: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests;
