//! How the platform is, as Heroku's status site says it.

use serde::{Deserialize, Serialize};

/// How the platform is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformStatus {
    /// Its parts.
    pub status: Vec<SystemStatus>,
    /// What is wrong; always empty, because a platform that answers works.
    pub incidents: Vec<String>,
    /// What is planned; always empty.
    pub scheduled: Vec<String>,
}

/// How a part of the platform is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemStatus {
    /// Which part.
    pub system: String,
    /// `green`.
    pub status: String,
}
