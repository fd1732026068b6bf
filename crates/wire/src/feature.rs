//! Features of accounts and apps (`heroku labs`).

use serde::{Deserialize, Serialize};

/// Something that can be switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// When it appeared.
    pub created_at: String,
    /// What it does.
    pub description: String,
    /// What people call it.
    pub display_name: String,
    /// Where to read more.
    pub doc_url: String,
    /// Whether it is on.
    pub enabled: bool,
    /// Whom to write to.
    pub feedback_email: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `general` or `beta`.
    pub state: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Switches a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureChange {
    /// On or off.
    pub enabled: bool,
}
