//! Backups, restores and copies of databases, as the data API (a host of its own on Heroku) shows them.
//!
//! Times are written as Heroku's data API writes them: `2026-11-22 18:24:49 +0000`.

use serde::{Deserialize, Serialize};

use crate::Empty;
use crate::lenient::Text;

/// A transfer of a database's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its id.
    pub uuid: String,
    /// Its number, counted for each app; clients make its name of it (`b001`).
    pub num: u32,
    /// What the source is called.
    pub from_name: String,
    /// `pg_dump` (a database), `gof3r` (a backup) or `htcat` (an address).
    pub from_type: String,
    /// Where the source is; only said where it is no secret.
    pub from_url: Option<String>,
    /// What the target is called.
    pub to_name: String,
    /// `gof3r` (a backup) or `pg_restore` (a database).
    pub to_type: String,
    /// Names the backup in a restore; it is no permission.
    pub to_url: Option<String>,
    /// Of old.
    pub options: Empty,
    /// The schedule that asked for it.
    pub schedule: Option<ScheduleRef>,
    /// Size of the source, in bytes.
    pub source_bytes: u64,
    /// Bytes written or read so far.
    pub processed_bytes: u64,
    /// Whether it is done; none while it is not over.
    pub succeeded: Option<bool>,
    /// What was left out, told in the log.
    pub warnings: u32,
    /// When it was asked for.
    pub created_at: String,
    /// When it was begun.
    pub started_at: Option<String>,
    /// When it was over.
    pub finished_at: Option<String>,
    /// When a user did not want it any more.
    pub canceled_at: Option<String>,
    /// When it last changed.
    pub updated_at: String,
    /// What happened; only told when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Vec<TransferLog>>,
}

/// A line of a transfer's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferLog {
    /// When.
    pub created_at: String,
    /// What.
    pub message: String,
}

/// A schedule's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRef {
    /// Its id.
    pub uuid: String,
}

/// Asks for a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRequest {
    /// A backup's `to_url` or public URL, or the address of a dump elsewhere.
    pub backup_url: String,
    /// Extensions to make beforehand (`hstore`, `myschema.hstore`).
    pub extensions: Option<Vec<String>>,
}

/// Asks for a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyRequest {
    /// What the source is called.
    pub from_name: Option<String>,
    /// The source's URL.
    pub from_url: String,
    /// What the target is called.
    pub to_name: Option<String>,
    /// The target's URL.
    pub to_url: String,
}

/// Where a backup can be downloaded by whoever knows the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicUrl {
    /// Until when.
    pub expires_at: String,
    /// The address.
    pub url: String,
}

/// A daily backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferSchedule {
    /// Its id.
    pub uuid: String,
    /// The config var of the database.
    pub name: String,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// Of which time zone.
    pub timezone: String,
    /// When it was set up.
    pub created_at: String,
}

/// Sets up a daily backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferScheduleRequest {
    /// The hour; the official CLI sends a text.
    pub hour: Text,
    /// The time zone's name.
    pub timezone: Option<String>,
    /// The config var of the database.
    pub schedule_name: Option<String>,
}
