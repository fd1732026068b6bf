//! Dynos: one running process of an app, its name, its states and its restarts.
//!
//! ```text
//!                    Ready                 Exited (formation)
//!   Starting ─────────────────► Up ──────────────────────────► Crashed
//!    │  │  └──── Exited, BootTimedOut ────────────────────────►  │  ▲
//!    │  └───── Stop ───┐         │ Stop                     Retry│  │
//!    │                 ▼         ▼                               ▼  │
//!    │               Stopping ───┴── Exited ──► Down          Starting
//!    └─ Exited (one-off: also from Up and Stopping) ─► Complete
//! ```

use std::fmt;
use std::net::SocketAddrV4;
use std::str::FromStr;
use std::time::Duration;

use crate::formation::{DynoSize, ProcessType};
use crate::id::{AppId, DynoId, ReleaseId};
use crate::time::Timestamp;

/// How long a web dyno may take to bind its port before R10 (Heroku: 60 s).
pub const BOOT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a dyno has between SIGTERM and SIGKILL (Heroku: 30 s).
pub const STOP_GRACE: Duration = Duration::from_secs(30);
/// How long an attached one-off dyno waits for its client before R13 (Heroku: 30 s).
pub const ATTACH_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a dyno runs before it is cycled, that is replaced by a fresh one (Heroku: a day, counted from its start).
pub const CYCLE_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Each dyno gets up to this much more, so that they do not all go at once (Heroku: 216 minutes).
pub const CYCLE_SPREAD: Duration = Duration::from_secs(216 * 60);

/// Cool-off before the restart that follows the n-th crash in a row (Heroku: at once, then up to 20, 40, 60,
/// 180, 320 minutes). Ours starts shorter, because a self-hosted owner watches, and ends at the same ceiling.
const BACKOFF_SECONDS: [u64; 9] = [0, 10, 30, 60, 300, 1_200, 3_600, 10_800, 19_200];

/// A dyno's name: process type and number, `web.1`, `run.4711`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DynoName {
    /// The process type.
    pub kind: ProcessType,
    /// Counts from 1 in a formation; random for one-off dynos.
    pub number: u32,
}

/// The text is not a dyno's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a dyno name such as `web.1`")]
pub struct NotADynoName {
    /// What was given.
    pub text: String,
}

impl fmt::Display for DynoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.number)
    }
}

impl FromStr for DynoName {
    type Err = NotADynoName;

    fn from_str(text: &str) -> Result<Self, NotADynoName> {
        let refuse = || NotADynoName { text: text.to_owned() };
        let (kind, number) = text.rsplit_once('.').ok_or_else(refuse)?;
        let kind = kind.parse().map_err(|_| refuse())?;
        let number = number.parse().map_err(|_| refuse())?;
        Ok(Self { kind, number })
    }
}

/// Why a dyno exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DynoKind {
    /// It is part of the formation: kept running.
    Formation,
    /// Someone asked for it (`heroku run`): runs once.
    Run,
    /// It runs a release's command: runs once.
    Release,
}

impl DynoKind {
    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Formation => "formation",
            Self::Run => "run",
            Self::Release => "release",
        }
    }

    /// The reverse of [`DynoKind::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Formation, Self::Run, Self::Release].into_iter().find(|it| it.as_str() == word)
    }
}

/// Where a dyno stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DynoState {
    /// Its process is being started, or has not bound its port yet.
    Starting,
    /// It runs; a web dyno listens.
    Up,
    /// Its process ended though it should run.
    Crashed,
    /// It was told to stop.
    Stopping,
    /// It was stopped on purpose.
    Down,
    /// A one-off dyno's process ended.
    Complete,
}

/// What can happen to a dyno.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DynoEvent {
    /// A web dyno's port is bound, or another dyno's process runs.
    Ready,
    /// The process ended.
    Exited,
    /// A web dyno did not bind in time and was killed.
    BootTimedOut,
    /// The crash's cool-off is over.
    Retry,
    /// It is no longer wanted.
    Stop,
}

/// An event that cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {kind:?} dyno that is {from:?} cannot take {event:?}")]
pub struct IllegalDynoEvent {
    /// The kind of dyno.
    pub kind: DynoKind,
    /// The state it met.
    pub from: DynoState,
    /// The event.
    pub event: DynoEvent,
}

impl DynoState {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalDynoEvent`] when the drawing above has no such arrow.
    pub const fn on(self, kind: DynoKind, event: DynoEvent) -> Result<Self, IllegalDynoEvent> {
        let formation = matches!(kind, DynoKind::Formation);
        match (self, event) {
            (Self::Starting, DynoEvent::Ready) => Ok(Self::Up),
            (Self::Starting | Self::Up, DynoEvent::Exited) if formation => Ok(Self::Crashed),
            (Self::Starting, DynoEvent::BootTimedOut) if formation => Ok(Self::Crashed),
            (Self::Crashed, DynoEvent::Retry) if formation => Ok(Self::Starting),
            (Self::Starting | Self::Up | Self::Stopping, DynoEvent::Stop) => Ok(Self::Stopping),
            (Self::Crashed, DynoEvent::Stop) => Ok(Self::Down),
            (Self::Stopping, DynoEvent::Exited | DynoEvent::BootTimedOut) if formation => Ok(Self::Down),
            (Self::Starting | Self::Up | Self::Stopping, DynoEvent::Exited) => Ok(Self::Complete),
            (from, event) => Err(IllegalDynoEvent { kind, from, event }),
        }
    }

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Crashed => "crashed",
            Self::Stopping => "stopping",
            Self::Down => "down",
            Self::Complete => "complete",
        }
    }

    /// The reverse of [`DynoState::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Starting, Self::Up, Self::Crashed, Self::Stopping, Self::Down, Self::Complete]
            .into_iter()
            .find(|it| it.as_str() == word)
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Down | Self::Complete)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exit {
    /// What a shell's `$?` would say: the exit code, or 128 plus the signal's number.
    pub status: i32,
    /// Why it ended.
    pub reason: ExitReason,
}

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitReason {
    /// By itself.
    OwnAccord,
    /// It was told to stop.
    Stopped,
    /// It did not bind its port in time (R10).
    BootTimeout,
    /// It used more memory than it may (R15, or the kernel's own limit).
    Memory,
    /// Its supervisor was lost, so it was ended.
    Lost,
    /// It could not be started at all.
    NotStarted,
    /// Nobody attached to it in time (R13).
    NotAttached,
}

impl ExitReason {
    const ALL: [Self; 7] = [
        Self::OwnAccord,
        Self::Stopped,
        Self::BootTimeout,
        Self::Memory,
        Self::Lost,
        Self::NotStarted,
        Self::NotAttached,
    ];

    /// The word in the store and in the shim's status file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnAccord => "own-accord",
            Self::Stopped => "stopped",
            Self::BootTimeout => "boot-timeout",
            Self::Memory => "memory",
            Self::Lost => "lost",
            Self::NotStarted => "not-started",
            Self::NotAttached => "not-attached",
        }
    }

    /// The reverse of [`ExitReason::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// How long to wait before the restart that follows the `crashes`-th crash in a row (1 is the first).
#[must_use]
pub fn backoff(crashes: u32) -> Duration {
    let at = (crashes.saturating_sub(1) as usize).min(BACKOFF_SECONDS.len() - 1);
    Duration::from_secs(BACKOFF_SECONDS[at])
}

/// One dyno. A crash restart keeps the row and counts [`Dyno::life`] up; a deploy or restart makes a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dyno {
    /// Its id.
    pub id: DynoId,
    /// Its app.
    pub app: AppId,
    /// Its name.
    pub name: DynoName,
    /// Why it exists.
    pub kind: DynoKind,
    /// The release it runs.
    pub release: ReleaseId,
    /// The command as written.
    pub command: String,
    /// Its size.
    pub size: DynoSize,
    /// Where it stands.
    pub state: DynoState,
    /// How often its process was started; 0 is never.
    pub life: u32,
    /// Crashes in a row.
    pub crashes: u32,
    /// A crashed dyno is not restarted before this time.
    pub not_before: Timestamp,
    /// It is to be replaced by a fresh one (`ps:restart`), and then stopped.
    pub replace: bool,
    /// Where its port is reached, once it was started.
    pub address: Option<SocketAddrV4>,
    /// How its last process ended.
    pub exit: Option<Exit>,
    /// What an attached one-off needs to know.
    pub attach: Option<Attach>,
    /// Extra environment of a one-off dyno.
    pub env: Vec<(String, String)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When [`Dyno::state`] last changed; what clients show as age.
    pub state_changed_at: Timestamp,
}

impl Dyno {
    /// A fresh one of the formation, whose process was never started: a `Basic` one, with no command yet.
    #[must_use]
    pub fn new(app: AppId, name: DynoName, release: ReleaseId, at: Timestamp) -> Self {
        Self {
            id: DynoId::new(),
            app,
            name,
            kind: DynoKind::Formation,
            release,
            command: String::new(),
            size: DynoSize::Basic,
            state: DynoState::Starting,
            life: 0,
            crashes: 0,
            not_before: at,
            replace: false,
            address: None,
            exit: None,
            attach: None,
            env: Vec::new(),
            created_at: at,
            state_changed_at: at,
        }
    }

    /// When it is to be cycled; none while it is not up. A dyno's share of [`CYCLE_SPREAD`] comes from its id, so it
    /// is the same whenever one looks.
    #[must_use]
    pub fn cycles_at(&self) -> Option<Timestamp> {
        let share = self.id.as_u128() % CYCLE_SPREAD.as_millis();
        let share = Duration::from_millis(u64::try_from(share).unwrap_or(0));
        (self.state == DynoState::Up).then(|| self.state_changed_at.plus(CYCLE_AFTER).plus(share))
    }
}

/// How a client attaches to a one-off dyno.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// The rendezvous secret (the last part of the attach URL).
    pub secret: String,
    /// Terminal size, if the client has one: columns and rows. None runs without a terminal.
    pub window: Option<(u16, u16)>,
}

#[cfg(test)]
mod tests;
