//! Slugs: what a build makes and a release runs.

use crate::id::{AppId, SlugId};
use crate::procfile::Procfile;
use crate::time::Timestamp;

/// Largest slug, in bytes, its stack base not counted (Heroku: 1 GB compressed).
pub const BYTES_MAX: u64 = 1 << 30;

/// The one stack there is: Debian 12.
pub const STACK: &str = "hokku-12";

/// One slug: a manifest over layers, kept as text by the store and read by the `slug` crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slug {
    /// Its id.
    pub id: SlugId,
    /// The app it was built for.
    pub app: AppId,
    /// The stack it runs on.
    pub stack: String,
    /// The commit it was built from.
    pub commit: Option<String>,
    /// What the buildpack calls the language (`Python`).
    pub language: String,
    /// Bytes of its own layers.
    pub bytes: u64,
    /// Process types and their commands.
    pub processes: Procfile,
    /// The layers, as the `slug` crate writes them.
    pub manifest: String,
    /// When it was made.
    pub created_at: Timestamp,
}
