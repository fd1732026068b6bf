//! Databases, as the data API (a host of its own on Heroku) shows them.

use serde::{Deserialize, Serialize};

use crate::lenient::Flag;

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

/// What is done to a database while one waits for no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseMessage {
    /// What was done, for people.
    pub message: String,
}

/// Empties a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseReset {
    /// Extensions that the empty one is to have.
    pub extensions: Option<Vec<String>>,
}

/// A credential of a database: a name that stays while users and passwords change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseCredential {
    /// Its name; `default` is what apps get.
    pub name: String,
    /// `active`, or `rotating` while two users work.
    pub state: String,
    /// The database's name at its server.
    pub database: String,
    /// The server's host.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// Its users, the one to use first.
    pub credentials: Vec<DatabaseUser>,
}

/// One user of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseUser {
    /// Its name.
    pub user: String,
    /// Its password; lists are without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// `active`, or `revoking` when it ends as soon as no dyno uses it.
    pub state: String,
}

/// Changes a credential's user and password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRotation {
    /// Whether the old user ends at once, and not only when no dyno uses it.
    pub forced: Option<Flag>,
}
