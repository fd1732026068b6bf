//! Transfers: a database's data on its way into a backup, out of one, or into another database.
//!
//! ```text
//!            ┌───Interrupt────┐                  (the server or Postgres died; it is simply done again)
//!            ▼                │
//!  Pending ──Start──► Running ┴──Settle──► Settling ──Succeed──► Succeeded
//!     │                 ├─────────────Succeed────────────────────►│
//!     ├──────Fail───────┴────────────Fail───┴───────────────────► Failed
//!     └──────Cancel─────┴──────────────────────────────────────► Canceled
//! ```
//! A restore *settles* when its data stand verified beside the database and are about to take its place: from then on
//! it is carried through, so that who cancels is never told so while it happens nevertheless.

use std::fmt;
use std::time::Duration;

use crate::addon::Plan;
use crate::config_var::Secret;
use crate::id::{AddonId, AppId, ScheduleId, TransferId};
use crate::time::Timestamp;

/// Most transfers of one add-on that wait or run.
pub const OPEN_MAX: usize = 5;
/// How often a transfer is begun before it is given up.
pub const ATTEMPTS_MAX: u32 = 3;
/// How long the public URL of a backup is good (Heroku's: 60 minutes).
pub const PUBLIC_URL_VALID: Duration = Duration::from_secs(60 * 60);
/// Most extensions that a restore is asked to make beforehand.
pub const EXTENSIONS_MAX: usize = 50;

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferState {
    /// Waits for its turn.
    Pending,
    /// Is being done; what it leaves when it is broken off is thrown away.
    Running,
    /// Its data are verified and take the database's place.
    Settling,
    /// Done.
    Succeeded,
    /// Not done; its log says why, and nothing was changed.
    Failed,
    /// Broken off by a user; nothing was changed.
    Canceled,
}

/// What can happen to a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferEvent {
    /// It is its turn.
    Start,
    /// What did it is gone.
    Interrupt,
    /// Its data are verified.
    Settle,
    /// It is done.
    Succeed,
    /// It cannot be done.
    Fail,
    /// A user does not want it any more.
    Cancel,
}

/// An event that cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a transfer that is {from:?} cannot take {event:?}")]
pub struct IllegalTransferEvent {
    /// The state it met.
    pub from: TransferState,
    /// The event.
    pub event: TransferEvent,
}

impl TransferState {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Settling, Self::Succeeded, Self::Failed, Self::Canceled];

    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalTransferEvent`] when the drawing above has no such arrow.
    pub const fn on(self, event: TransferEvent) -> Result<Self, IllegalTransferEvent> {
        match (self, event) {
            (Self::Pending, TransferEvent::Start) => Ok(Self::Running),
            (Self::Running, TransferEvent::Interrupt) => Ok(Self::Pending),
            (Self::Running, TransferEvent::Settle) => Ok(Self::Settling),
            (Self::Running | Self::Settling, TransferEvent::Succeed) => Ok(Self::Succeeded),
            (Self::Pending | Self::Running | Self::Settling, TransferEvent::Fail) => Ok(Self::Failed),
            (Self::Pending | Self::Running, TransferEvent::Cancel) => Ok(Self::Canceled),
            (from, event) => Err(IllegalTransferEvent { from, event }),
        }
    }

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Settling => "settling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The reverse of [`TransferState::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// What a transfer does with its add-on's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// Writes it to a file.
    Backup,
    /// Replaces it by what a file holds.
    Restore,
    /// Replaces it by what another database holds.
    Copy,
}

impl TransferKind {
    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Copy => "copy",
        }
    }

    /// The reverse of [`TransferKind::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Backup, Self::Restore, Self::Copy].into_iter().find(|it| it.as_str() == word)
    }
}

/// Where the data of a restore or copy come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferSource {
    /// The add-on's own database: a backup.
    Own,
    /// A backup that is kept here.
    Backup(TransferId),
    /// The database of an add-on that is kept here.
    Addon(AddonId),
    /// A dump behind an address (`https://…`), or a database elsewhere (`postgres://…`). The address may be a secret.
    Url(Secret),
}

/// One transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its id; also the name of its file.
    pub id: TransferId,
    /// The app that owns the add-on.
    pub app: AppId,
    /// The add-on whose database is read (backup) or replaced.
    pub addon: AddonId,
    /// Its number, from 1, counted for each app over all kinds.
    pub number: u32,
    /// What it does.
    pub kind: TransferKind,
    /// Where it stands.
    pub state: TransferState,
    /// The schedule that asked for it; none when a person did.
    pub schedule: Option<ScheduleId>,
    /// What the source is called (`DATABASE`).
    pub from_name: String,
    /// What the target is called (`DATABASE`).
    pub to_name: String,
    /// Where the data come from.
    pub source: TransferSource,
    /// Extensions to make before the data come (`hstore`, `myschema.hstore`).
    pub extensions: Vec<String>,
    /// How often it was begun.
    pub attempts: u32,
    /// Size of the source, in bytes; 0 while it is not known.
    pub source_bytes: u64,
    /// Bytes written to the file, or read from it.
    pub processed_bytes: u64,
    /// What was left out, in the words of the log.
    pub warnings: u32,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was begun first.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

impl Transfer {
    /// Its name as people type it: `b001` a backup, `a002` a scheduled one, `r003` a restore, `c004` a copy.
    #[must_use]
    pub fn name(&self) -> String {
        let letter = match self.kind {
            TransferKind::Backup if self.schedule.is_some() => 'a',
            TransferKind::Backup => 'b',
            TransferKind::Restore => 'r',
            TransferKind::Copy => 'c',
        };
        format!("{letter}{:03}", self.number)
    }

    /// The name of a backup's file in the folder of backups.
    #[must_use]
    pub fn file_name(id: TransferId) -> String {
        format!("{id}.dump")
    }

    /// Whether there is a file of it to be restored and downloaded.
    #[must_use]
    pub const fn is_kept_backup(&self) -> bool {
        matches!((self.kind, self.state), (TransferKind::Backup, TransferState::Succeeded))
    }
}

/// A line of a transfer's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferLine {
    /// When.
    pub at: Timestamp,
    /// What.
    pub message: String,
}

/// A daily backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The add-on whose database is backed up.
    pub addon: AddonId,
    /// The config var by which its user knows the database (`DATABASE_URL`).
    pub name: String,
    /// When.
    pub at: DailyAt,
    /// When it was set up.
    pub created_at: Timestamp,
    /// The day, in its time zone, for which it last asked for a backup (`2026-11-22`).
    pub last_day: Option<String>,
}

/// An hour of the day in a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyAt {
    hour: u8,
    timezone: String,
}

/// Why something is no time of the day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDailyAt {
    /// The hour is none.
    #[error("hour must be a whole number from 0 to 23, not `{hour}`")]
    Hour {
        /// What was given.
        hour: String,
    },
    /// Nobody knows the time zone.
    #[error(
        "timezone `{timezone}` is not known; use a name of the tz database such as `UTC` or `Europe/Paris`"
    )]
    Timezone {
        /// What was given.
        timezone: String,
    },
}

impl DailyAt {
    /// An hour (`02`, `2`) of a time zone of the tz database (`America/Los_Angeles`). The database is built in, so that
    /// an hour means the same on every machine.
    ///
    /// # Errors
    /// [`BadDailyAt`].
    pub fn new(hour: &str, timezone: &str) -> Result<Self, BadDailyAt> {
        let bad_hour = || BadDailyAt::Hour { hour: hour.to_owned() };
        let is_number = (1..=2).contains(&hour.len()) && hour.bytes().all(|byte| byte.is_ascii_digit());
        let number: u8 = hour.parse().ok().filter(|hour| is_number && *hour < 24).ok_or_else(bad_hour)?;
        let zone = zone(timezone).ok_or_else(|| BadDailyAt::Timezone { timezone: timezone.to_owned() })?;
        // As the database spells it.
        let timezone = zone.iana_name().unwrap_or(timezone).to_owned();
        Ok(Self { hour: number, timezone })
    }

    /// The hour, 0 to 23.
    #[must_use]
    pub const fn hour(&self) -> u8 {
        self.hour
    }

    /// The time zone's name.
    #[must_use]
    pub fn timezone(&self) -> &str {
        &self.timezone
    }

    /// The day that it is at `now`, and the moment of the hour on that day. Where clocks skip the hour, it is the moment
    /// after it; where they repeat it, the first of both.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> (String, Timestamp) {
        let zone = zone(&self.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
        let instant = jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default();
        let day = instant.to_zoned(zone.clone()).date();
        let hour = i8::try_from(self.hour).unwrap_or(0);
        let moment = day.at(hour, 0, 0, 0).to_zoned(zone).map(|at| at.timestamp().as_microsecond());
        (day.to_string(), moment.map_or(now, Timestamp::from_micros))
    }
}

impl fmt::Display for DailyAt {
    /// `daily at 2:00 Europe/Paris`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "daily at {}:00 {}", self.hour, self.timezone)
    }
}

fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    jiff::tz::TimeZoneDatabase::bundled().get(name).ok()
}

impl Schedule {
    /// The day for which a backup is due at `now`: once a day, at its hour or as soon after it as there is somebody to do
    /// it, and never for an hour before it was set up.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<String> {
        let (day, moment) = self.at.today(now);
        let is_new = self.last_day.as_deref() != Some(day.as_str());
        (is_new && moment <= now && self.created_at <= moment).then_some(day)
    }
}

/// How many backups a plan keeps. Whatever is more goes away when a new one is there, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Backups that people asked for.
    pub manual: usize,
    /// Days of which the last scheduled backup is kept.
    pub days: usize,
    /// Weeks, from Monday, of which the first scheduled backup is kept besides.
    pub weeks: usize,
}

/// What a plan of Heroku's keeps, as far as is known: its tiers keep 7 daily and 1 weekly backups, the smallest one fewer
/// manual ones.
#[must_use]
pub fn retention(plan: &Plan) -> Retention {
    let (manual, weeks) = match plan.name {
        "mini" => (2, 1),
        "basic" => (5, 1),
        name if name.starts_with("essential-") => (5, 1),
        name if name.starts_with("standard-") => (25, 1),
        _ => (50, 1),
    };
    Retention { manual, days: 7, weeks }
}

/// Which of an add-on's backups are too many; `kept` are those that have files, in any order.
#[must_use]
pub fn too_many(retention: Retention, kept: &[Transfer]) -> Vec<TransferId> {
    let mut backups: Vec<&Transfer> = kept.iter().filter(|it| it.is_kept_backup()).collect();
    backups.sort_by_key(|it| std::cmp::Reverse((it.created_at, it.number)));
    let (scheduled, manual): (Vec<_>, Vec<_>) = backups.into_iter().partition(|it| it.schedule.is_some());
    let spare = manual.into_iter().skip(retention.manual);
    let days = firsts(scheduled.iter().copied(), retention.days, |day| day);
    // The oldest of a week stands for it: it stays the same while newer ones come and go.
    let weeks = firsts(scheduled.iter().rev().copied(), usize::MAX, |day| {
        day.checked_sub(jiff::ToSpan::days(i64::from(day.weekday().to_monday_zero_offset()))).unwrap_or(day)
    });
    let weeks: Vec<TransferId> = weeks.into_iter().rev().take(retention.weeks).collect();
    let old = scheduled.into_iter().filter(|it| !days.contains(&it.id) && !weeks.contains(&it.id));
    spare.chain(old).map(|it| it.id).collect()
}

/// The first of each period, at most so many.
fn firsts<'a>(
    backups: impl Iterator<Item = &'a Transfer>,
    at_most: usize,
    period: impl Fn(jiff::civil::Date) -> jiff::civil::Date,
) -> Vec<TransferId> {
    let mut last = None;
    let mut found = Vec::new();
    for backup in backups {
        let at = jiff::Timestamp::from_microsecond(backup.created_at.as_micros()).unwrap_or_default();
        let this = Some(period(at.to_zoned(jiff::tz::TimeZone::UTC).date()));
        if this != last && found.len() < at_most {
            found.push(backup.id);
        }
        last = this;
    }
    found
}

/// Whether a text names an extension, perhaps with the schema it is to be in (`hstore`, `myschema.uuid-ossp`).
#[must_use]
pub fn is_extension(text: &str) -> bool {
    let is_name = |name: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(inner) && name.len() < 64
    };
    let (schema, name) = text.split_once('.').map_or((None, text), |(schema, name)| (Some(schema), name));
    is_name(name) && schema.is_none_or(is_name)
}

#[cfg(test)]
mod tests;
