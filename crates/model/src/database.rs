//! What is being done to a database besides making and removing it: new credentials, an emptying, its plan's limits.
//!
//! ```text
//!  rotation   Settled ──Ask──► Wanted ──Switched──► Overlap ──Retired──► Settled
//!                                └─Ask (forced)       └─Ask (forced)
//!  reset      None ──Ask──► Wanted ──Found──► Begun ──Done──► None
//!  standing   Within ──Exceeded──► Over ──GraceEnded──► Restricted
//!                ▲◄────────────────Complied──┴───────────────┘
//! ```
//! In the overlap of a rotation the old credentials and the new ones both work.

use std::time::Duration;

use crate::addon::Plan;
use crate::config_var::Secret;
use crate::id::AddonId;
use crate::time::Timestamp;

/// How long a database may be over its plan's limits before nothing can be added to it (Heroku: 7 days).
pub const GRACE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How far a change of credentials is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// There is one pair of credentials, and it is to stay.
    Settled,
    /// Others are to be made.
    Wanted {
        /// Whether the old ones end at once, and not only when no dyno uses them.
        forced: bool,
    },
    /// Apps have been told the new ones; the old ones still work.
    Overlap {
        /// Whether the old ones end at once.
        forced: bool,
    },
}

/// What can happen to a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationEvent {
    /// Somebody asks for one.
    Ask {
        /// Whether the old credentials are to end at once.
        forced: bool,
    },
    /// The new credentials work, and apps have been told.
    Switched,
    /// The old credentials are gone.
    Retired,
}

/// An event that cannot happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rotation that is {from:?} cannot take {event:?}")]
pub struct IllegalRotationEvent {
    /// The state it met.
    pub from: Rotation,
    /// The event.
    pub event: RotationEvent,
}

impl Rotation {
    /// The state after `event`. Who asks again changes nothing, or makes it a forced one.
    ///
    /// # Errors
    /// [`IllegalRotationEvent`] when the drawing above has no such arrow.
    pub const fn on(self, event: RotationEvent) -> Result<Self, IllegalRotationEvent> {
        match (self, event) {
            (Self::Settled, RotationEvent::Ask { forced }) => Ok(Self::Wanted { forced }),
            (Self::Wanted { forced: before }, RotationEvent::Ask { forced }) => {
                Ok(Self::Wanted { forced: before || forced })
            }
            (Self::Overlap { forced: before }, RotationEvent::Ask { forced }) => {
                Ok(Self::Overlap { forced: before || forced })
            }
            (Self::Wanted { forced }, RotationEvent::Switched) => Ok(Self::Overlap { forced }),
            (Self::Overlap { .. }, RotationEvent::Retired) => Ok(Self::Settled),
            (from, event) => Err(IllegalRotationEvent { from, event }),
        }
    }

    const ALL: [Self; 5] = [
        Self::Settled,
        Self::Wanted { forced: false },
        Self::Wanted { forced: true },
        Self::Overlap { forced: false },
        Self::Overlap { forced: true },
    ];

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Wanted { forced: false } => "wanted",
            Self::Wanted { forced: true } => "wanted-at-once",
            Self::Overlap { forced: false } => "overlap",
            Self::Overlap { forced: true } => "overlap-ends",
        }
    }

    /// The reverse of [`Rotation::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// How far an emptying is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reset {
    /// None is wanted.
    None,
    /// The database is to be replaced by an empty one.
    Wanted,
    /// It is known which one is to be replaced, so that after a kill no newer one is taken for it.
    Begun {
        /// What tells the server's databases apart, whatever they are called.
        identity: u32,
    },
}

/// What can happen to an emptying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetEvent {
    /// Somebody asks for it.
    Ask,
    /// The database that is there was looked up.
    Found {
        /// Which it is.
        identity: u32,
    },
    /// There is an empty one in its place.
    Done,
}

/// An event that cannot happen now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reset that is {from:?} cannot take {event:?}")]
pub struct IllegalResetEvent {
    /// The state it met.
    pub from: Reset,
    /// The event.
    pub event: ResetEvent,
}

impl Reset {
    /// The state after `event`. Who asks while one is under way waits for that one.
    ///
    /// # Errors
    /// [`IllegalResetEvent`] when the drawing above has no such arrow.
    pub fn on(self, event: ResetEvent) -> Result<Self, IllegalResetEvent> {
        match (self, event) {
            (Self::None, ResetEvent::Ask) => Ok(Self::Wanted),
            (other, ResetEvent::Ask) => Ok(other),
            (Self::Wanted, ResetEvent::Found { identity }) => Ok(Self::Begun { identity }),
            (Self::Begun { .. }, ResetEvent::Done) => Ok(Self::None),
            (from, event) => Err(IllegalResetEvent { from, event }),
        }
    }
}

/// Whether a database keeps to its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It does.
    Within,
    /// It does not, and is given time.
    Over {
        /// When that was found.
        since: Timestamp,
    },
    /// It did not for too long: nothing can be added to it.
    Restricted {
        /// When it was found to be over.
        since: Timestamp,
    },
}

/// What can happen to a standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingEvent {
    /// It was found to be over a limit.
    Exceeded {
        /// When.
        at: Timestamp,
    },
    /// It is over a limit and its time is up.
    GraceEnded,
    /// It was found to keep to its plan.
    Complied,
}

/// An event that cannot happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a database that is {from:?} cannot take {event:?}")]
pub struct IllegalStandingEvent {
    /// The state it met.
    pub from: Standing,
    /// The event.
    pub event: StandingEvent,
}

impl Standing {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalStandingEvent`] when the drawing above has no such arrow.
    pub const fn on(self, event: StandingEvent) -> Result<Self, IllegalStandingEvent> {
        match (self, event) {
            (Self::Within, StandingEvent::Exceeded { at }) => Ok(Self::Over { since: at }),
            (other, StandingEvent::Exceeded { .. }) => Ok(other),
            (Self::Over { since } | Self::Restricted { since }, StandingEvent::GraceEnded) => {
                Ok(Self::Restricted { since })
            }
            (_, StandingEvent::Complied) => Ok(Self::Within),
            (from, event) => Err(IllegalStandingEvent { from, event }),
        }
    }

    /// The word in the store; the time stands beside it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Over { .. } => "over",
            Self::Restricted { .. } => "restricted",
        }
    }

    /// When it was found to be over.
    #[must_use]
    pub const fn since(self) -> Option<Timestamp> {
        match self {
            Self::Within => None,
            Self::Over { since } | Self::Restricted { since } => Some(since),
        }
    }

    /// The reverse of [`Standing::as_str`] and [`Standing::since`].
    #[must_use]
    pub fn from_word(word: &str, since: Option<Timestamp>) -> Option<Self> {
        match (word, since) {
            ("within", _) => Some(Self::Within),
            ("over", Some(since)) => Some(Self::Over { since }),
            ("restricted", Some(since)) => Some(Self::Restricted { since }),
            _ => None,
        }
    }
}

/// What is kept of a database besides its add-on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its add-on.
    pub addon: AddonId,
    /// The plan whose limits its server holds it to; none when that is to be made sure of.
    pub equipped: Option<&'static Plan>,
    /// How far a change of its credentials is.
    pub rotation: Rotation,
    /// The credentials that the wanted rotation makes; written down before the server hears of them.
    pub next: Option<Secret>,
    /// The credentials that end with the overlap.
    pub retiring: Option<Secret>,
    /// When its credentials were last changed.
    pub rotated_at: Option<Timestamp>,
    /// How far an emptying is.
    pub reset: Reset,
    /// Whether it keeps to its plan.
    pub standing: Standing,
}

impl Database {
    /// One to which nothing is being done.
    #[must_use]
    pub const fn new(addon: AddonId) -> Self {
        Self {
            addon,
            equipped: None,
            rotation: Rotation::Settled,
            next: None,
            retiring: None,
            rotated_at: None,
            reset: Reset::None,
            standing: Standing::Within,
        }
    }
}

#[cfg(test)]
mod tests;
