//! Accounts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reference::Ref;

/// A person who uses the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Always false: nobody is tracked.
    pub allow_tracking: bool,
    /// Always false.
    pub beta: bool,
    /// Not kept.
    pub country_of_residence: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// There are no organizations.
    pub default_organization: Option<Ref>,
    /// There are no teams.
    pub default_team: Option<Ref>,
    /// Nobody pays, so nobody owes.
    pub delinquent_at: Option<String>,
    /// Its address.
    pub email: String,
    /// Always false: there is no single sign-on.
    pub federated: bool,
    /// Its id.
    pub id: String,
    /// There is no single sign-on.
    pub identity_provider: Option<Ref>,
    /// Not kept.
    pub last_login: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// Not kept.
    pub sms_number: Option<String>,
    /// Accounts are not suspended.
    pub suspended_at: Option<String>,
    /// Always false.
    pub two_factor_authentication: bool,
    /// When it last changed.
    pub updated_at: String,
    /// Always true: nothing needs a credit card here.
    pub verified: bool,
}

/// What can be changed of an account.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountChange {
    /// The person's name.
    pub name: Option<String>,
    /// Accepted and not kept.
    pub allow_tracking: Option<bool>,
    /// Accepted and not kept.
    pub beta: Option<bool>,
    /// The present password, to change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The password to have from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_password: Option<String>,
}

impl fmt::Debug for AccountChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountChange").field("name", &self.name).finish_non_exhaustive()
    }
}
