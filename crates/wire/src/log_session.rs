//! Log sessions.

use serde::{Deserialize, Serialize};

use crate::lenient::{Flag, Text};

/// A right to read an app's log for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSession {
    /// When it was made.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// Where to read; the URL itself is the permission.
    pub logplex_url: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Asks for a log session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSessionRequest {
    /// Only this dyno, or dynos of this process type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dyno: Option<String>,
    /// The same under the schema's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dyno_name: Option<String>,
    /// Only dynos of this process type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How many lines of history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Text>,
    /// Only `app` or `heroku`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether lines are sent as they come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<Flag>,
}
