//! Logging in a command line by way of a browser. This is not of the Platform API: the official CLI speaks so to the
//! server that `HEROKU_LOGIN_HOST` names.

use serde::{Deserialize, Serialize};

/// Asks for a login.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRequest {
    /// Who asks (`Heroku CLI login from HOST`).
    #[serde(default)]
    pub description: Option<String>,
}

/// A login that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginStarted {
    /// Path to open in a browser.
    pub browser_url: String,
    /// Path at which the command line waits for the outcome.
    pub cli_url: String,
    /// The command line's permission to wait there.
    pub token: String,
}

/// How a login ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginOutcome {
    /// A token of the Platform API.
    pub access_token: Option<String>,
    /// Why there is none, for people.
    pub error: Option<String>,
}
