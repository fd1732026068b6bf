//! Releases.

use serde::{Deserialize, Serialize};

use crate::reference::{IdRef, Ref, UserRef};

/// A slug and a config, numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Plans of the add-ons attached when it was made.
    pub addon_plan_names: Vec<String>,
    /// Its app.
    pub app: Ref,
    /// What it consists of besides the slug; always empty.
    pub artifacts: Vec<IdRef>,
    /// When it was made.
    pub created_at: String,
    /// Whether it is what the app runs.
    pub current: bool,
    /// What made it.
    pub description: String,
    /// Whether it can be rolled back to.
    pub eligible_for_rollback: bool,
    /// Its id.
    pub id: String,
    /// Where the output of its release command streams from; none when it has no such command.
    pub output_stream_url: Option<String>,
    /// The code it runs.
    pub slug: Option<IdRef>,
    /// `pending`, `succeeded` or `failed`.
    pub status: String,
    /// When it last changed.
    pub updated_at: String,
    /// Who made it.
    pub user: UserRef,
    /// Its number.
    pub version: u32,
}

/// Asks for a release: of a slug, or of an older release's slug and config.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    /// The release to go back to: its id or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The slug's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
