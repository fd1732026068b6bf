//! Log drains.

use serde::{Deserialize, Serialize};

use crate::reference::Ref;

/// An address that gets a copy of an app's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDrain {
    /// The add-on it belongs to; always null here.
    pub addon: Option<Ref>,
    /// The app.
    pub app: Option<Ref>,
    /// When it was added.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// `d.<uuid>`: what names it to its receiver.
    pub token: String,
    /// When it last changed.
    pub updated_at: String,
    /// Where lines go, password included.
    pub url: String,
}

/// Adds a drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDrainRequest {
    /// Where lines are to go.
    pub url: String,
}
