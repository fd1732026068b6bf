//! Collaborators: who may work on an app.

use serde::{Deserialize, Serialize};

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
    /// `owner`.
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
