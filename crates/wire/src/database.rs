//! Databases, as the data API (a host of its own on Heroku) shows them.

use serde::{Deserialize, Serialize};

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its add-on's id.
    pub id: String,
    /// Its add-on's name.
    pub name: String,
    /// What `pg:info` prints, in order.
    pub info: Vec<DatabaseFact>,
    /// Where it is reached, credentials included.
    pub resource_url: Option<String>,
    /// The database it follows; none.
    pub following: Option<String>,
    /// The database it was forked from; none.
    pub forked_from: Option<String>,
    /// Whether it is still being made.
    #[serde(rename = "waiting?")]
    pub waiting: bool,
}

/// One line of `pg:info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFact {
    /// What is told.
    pub name: String,
    /// The facts; a line without any is not shown.
    pub values: Vec<String>,
}

/// Whether a database can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitStatus {
    /// Whether it is still being made.
    #[serde(rename = "waiting?")]
    pub waiting: bool,
    /// What is waited for.
    pub message: String,
}
