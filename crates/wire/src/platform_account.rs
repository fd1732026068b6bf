//! The people of a platform, for its owner. Hokku's own: Heroku has no such resource.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lenient::Named;

/// Somebody who may use the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformAccount {
    /// How many apps the account owns.
    pub apps: u64,
    /// When it was made.
    pub created_at: String,
    /// Its address.
    pub email: String,
    /// Its id.
    pub id: String,
    /// The person's name.
    pub name: Option<String>,
    /// Whether it owns the platform.
    pub owner: bool,
    /// `active`, or `invited` while no password was chosen yet.
    pub state: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Adds somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformAccountRequest {
    /// Their address.
    pub email: String,
}

/// A link by which a password is chosen, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Whose.
    pub email: String,
    /// When the link stops working.
    pub expires_at: String,
    /// Whether there is a password already, which the link replaces.
    pub reset: bool,
    /// The link; only in the answer to the request that made it.
    pub url: Option<String>,
}

/// Chooses a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChoice {
    /// The password.
    pub password: String,
}

impl fmt::Debug for PasswordChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordChoice").finish_non_exhaustive()
    }
}

/// Removes somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformAccountRemoval {
    /// Who gets the apps of the account; without it an account that owns apps stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apps_to: Option<Named>,
}
