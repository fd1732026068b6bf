//! Collaborators: who may work on an app.

use serde::{Deserialize, Serialize};

use crate::lenient::{Flag, Named};
use crate::reference::Ref;

/// Someone who may work on an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collaborator {
    /// The app.
    pub app: Ref,
    /// Since when.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// `owner` or `collaborator`.
    pub role: Option<String>,
    /// When it last changed.
    pub updated_at: String,
    /// Who.
    pub user: Collaborating,
}

/// The account of a collaborator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collaborating {
    /// Its address.
    pub email: String,
    /// Always false: there is no single sign-on.
    pub federated: bool,
    /// Its id.
    pub id: String,
}

/// Lets somebody work on an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollaboratorRequest {
    /// Who, by address or id.
    pub user: Named,
    /// Accepted; no mail is sent anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent: Option<Flag>,
}
