//! Builds: source to slug.
//!
//! ```text
//! Pending ──Claim──► Running ──Succeed──► Succeeded
//!    │                  ├──────Fail─────► Failed
//!    │                  └─────Interrupt─► Pending      (the server died; it is simply built again)
//!    └──────Fail────────────────────────► Failed
//! ```

use crate::id::{AccountId, AppId, BuildId, ReleaseId, SlugId};
use crate::time::Timestamp;

/// Where a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuildStatus {
    /// Waits for a free builder.
    Pending,
    /// Is being built.
    Running,
    /// Has a slug.
    Succeeded,
    /// Ended without a slug; the transcript says why.
    Failed,
}

/// What can happen to a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildEvent {
    /// A builder takes it.
    Claim,
    /// The slug is stored.
    Succeed,
    /// A step failed, or the source is unusable.
    Fail,
    /// The server that built it is gone.
    Interrupt,
}

/// An event that cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a build that is {from:?} cannot take {event:?}")]
pub struct IllegalBuildEvent {
    /// The state it met.
    pub from: BuildStatus,
    /// The event.
    pub event: BuildEvent,
}

impl BuildStatus {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalBuildEvent`] when the drawing above has no such arrow.
    pub const fn on(self, event: BuildEvent) -> Result<Self, IllegalBuildEvent> {
        match (self, event) {
            (Self::Pending, BuildEvent::Claim) => Ok(Self::Running),
            (Self::Running, BuildEvent::Succeed) => Ok(Self::Succeeded),
            (Self::Pending | Self::Running, BuildEvent::Fail) => Ok(Self::Failed),
            (Self::Running, BuildEvent::Interrupt) => Ok(Self::Pending),
            (from, event) => Err(IllegalBuildEvent { from, event }),
        }
    }

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The reverse of [`BuildStatus::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Running, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|it| it.as_str() == word)
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// One build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Its id; also the name of its transcript.
    pub id: BuildId,
    /// The app it is for.
    pub app: AppId,
    /// Who asked for it.
    pub user: AccountId,
    /// Where it stands.
    pub status: BuildStatus,
    /// How often it was claimed; guards late writers.
    pub generation: u32,
    /// The commit (40 hex digits) or the version text that an API client gave.
    pub commit: Option<String>,
    /// File name of the source archive under the data folder's `sources/`.
    pub source: String,
    /// Buildpacks that were used, in order (`heroku/python`).
    pub buildpacks: Vec<String>,
    /// The slug, once it succeeded.
    pub slug: Option<SlugId>,
    /// The release made of it, once there is one.
    pub release: Option<ReleaseId>,
    /// The stack it is built on.
    pub stack: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests;
