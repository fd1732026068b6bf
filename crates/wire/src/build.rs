//! Builds.

use serde::{Deserialize, Serialize};

use crate::reference::{IdRef, UserRef};

/// Source on its way to a slug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Its app.
    pub app: IdRef,
    /// The buildpacks it used.
    pub buildpacks: Option<Vec<BuildpackUsed>>,
    /// When it was asked for.
    pub created_at: String,
    /// `cedar`.
    pub generation: String,
    /// Its id.
    pub id: String,
    /// Where its output streams from.
    pub output_stream_url: String,
    /// The release made of it.
    pub release: Option<IdRef>,
    /// The slug it made.
    pub slug: Option<IdRef>,
    /// Its source.
    pub source_blob: SourceBlob,
    /// The stack it is for.
    pub stack: String,
    /// `pending`, `succeeded` or `failed`.
    pub status: String,
    /// When it last changed.
    pub updated_at: String,
    /// Who asked for it.
    pub user: UserRef,
}

/// A buildpack in a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildpackUsed {
    /// Its name.
    pub name: String,
    /// Where it is from.
    pub url: String,
}

/// An archive of source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceBlob {
    /// `SHA256:` and hex digits.
    pub checksum: Option<String>,
    /// Where it is.
    pub url: String,
    /// The commit, or what else names it.
    pub version: Option<String>,
    /// More about it.
    pub version_description: Option<String>,
}

/// Asks for a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRequest {
    /// The source.
    pub source_blob: SourceBlob,
    /// Buildpacks for this build alone; not supported.
    pub buildpacks: Option<Vec<BuildpackUsed>>,
}
