//! Stacks.

use serde::{Deserialize, Serialize};

/// The system that slugs run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// When it appeared.
    pub created_at: String,
    /// Whether new apps get it.
    pub default: bool,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `public`.
    pub state: String,
    /// When it last changed.
    pub updated_at: String,
}
