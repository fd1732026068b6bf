//! Services that offer add-ons.

use serde::{Deserialize, Serialize};

use crate::reference::Ref;

/// A kind of add-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonService {
    /// A plugin of the official CLI; none is needed.
    pub cli_plugin_name: Option<String>,
    /// When it appeared.
    pub created_at: String,
    /// What people call it.
    pub human_name: String,
    /// Its id.
    pub id: String,
    /// Its name, such as `heroku-postgresql`.
    pub name: String,
    /// `ga`.
    pub state: String,
    /// The generations of the platform it works on.
    pub supported_generations: Vec<Ref>,
    /// Whether an app can have several.
    pub supports_multiple_installations: bool,
    /// Whether apps can share one.
    pub supports_sharing: bool,
    /// When it last changed.
    pub updated_at: String,
}
