//! Authorizations: API tokens.

use serde::{Deserialize, Serialize};

use crate::lenient::Text;
use crate::reference::{IdRef, Ref};

/// An API token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The token itself.
    pub access_token: Option<AuthorizationToken>,
    /// There are no third-party clients.
    pub client: Option<Ref>,
    /// When it was made.
    pub created_at: String,
    /// What it is for.
    pub description: String,
    /// There are no grants.
    pub grant: Option<IdRef>,
    /// Its id.
    pub id: String,
    /// Tokens are not refreshed.
    pub refresh_token: Option<AuthorizationToken>,
    /// What it allows: `global`, or less.
    pub scope: Vec<String>,
    /// Sessions are not kept.
    pub session: Option<IdRef>,
    /// When it last changed.
    pub updated_at: String,
    /// Whose it is.
    pub user: AuthorizationUser,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationToken {
    /// Seconds until it stops working.
    pub expires_in: Option<u64>,
    /// Its id.
    pub id: String,
    /// The text; in full only in the answer to the request that made it, later its ends with asterisks between.
    pub token: String,
}

/// The account of an authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationUser {
    /// Its address.
    pub email: String,
    /// The person's name.
    pub full_name: Option<String>,
    /// Its id.
    pub id: String,
}

/// Asks for an authorization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// What it should allow; nothing means `global`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seconds until it stops working.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Text>,
}

/// Changes an authorization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationChange {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A client to give it to; there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<IdRef>,
}
