//! Dynos.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lenient::{Flag, Text};
use crate::reference::Ref;

/// A dyno.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dyno {
    /// Its app.
    pub app: Ref,
    /// Where to attach to it; only in the answer to the request that made it.
    pub attach_url: Option<String>,
    /// Its command.
    pub command: String,
    /// When it was made.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// Its name, such as `web.1`.
    pub name: String,
    /// The release it runs.
    pub release: DynoRelease,
    /// Its size.
    pub size: String,
    /// `starting`, `up`, `crashed`, `stopping`.
    pub state: String,
    /// Its process type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When its state last changed.
    pub updated_at: String,
}

/// The release of a dyno.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynoRelease {
    /// Its id.
    pub id: String,
    /// Its number.
    pub version: u32,
}

/// Asks for a one-off dyno.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynoRequest {
    /// What to run, read by a shell.
    pub command: String,
    /// Whether a client will attach to it.
    pub attach: Option<Flag>,
    /// Environment besides the config vars.
    #[serde(default)]
    pub env: BTreeMap<String, Text>,
    /// Runs it without a terminal.
    pub force_no_tty: Option<Flag>,
    /// Its size.
    pub size: Option<String>,
    /// Its process type, `run` otherwise.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Seconds until it is stopped.
    pub time_to_live: Option<u64>,
}
