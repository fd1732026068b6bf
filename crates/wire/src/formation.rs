//! Formations.

use serde::{Deserialize, Serialize};

use crate::lenient::{Named, Text};
use crate::reference::Ref;

/// How many dynos run a process type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formation {
    /// Its app.
    pub app: Ref,
    /// The type's command.
    pub command: String,
    /// When it was made.
    pub created_at: String,
    /// The size, by id and name.
    pub dyno_size: Ref,
    /// Its id.
    pub id: String,
    /// How many.
    pub quantity: u32,
    /// The size's name.
    pub size: String,
    /// The process type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Changes one process type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormationChange {
    /// The process type; in the path when only one is changed.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How many, or how many more or fewer (`+1`, `-1`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Text>,
    /// Another size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Another size, as Heroku's schema has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dyno_size: Option<Named>,
}

/// Changes several process types at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormationBatch {
    /// All or none of them are made.
    pub updates: Vec<FormationChange>,
}
