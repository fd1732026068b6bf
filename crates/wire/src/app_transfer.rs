//! Transfers of apps to another owner.

use serde::{Deserialize, Serialize};

use crate::lenient::{Flag, Named};
use crate::reference::{Ref, UserRef};

/// An app that is, or was, offered to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTransfer {
    /// The app.
    pub app: Ref,
    /// When it was offered.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// Who gives it.
    pub owner: UserRef,
    /// Who is to have it.
    pub recipient: UserRef,
    /// `pending`, `accepted` or `declined`.
    pub state: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Offers an app to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTransferRequest {
    /// The app.
    pub app: Named,
    /// Who is to have it.
    pub recipient: Named,
    /// Accepted; no mail is sent anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent: Option<Flag>,
}

/// Takes an offered app, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTransferChange {
    /// `accepted` or `declined`.
    pub state: String,
}
