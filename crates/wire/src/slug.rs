//! Slugs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::reference::Ref;

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slug {
    /// Where its archive is; there is no archive, slugs are layers.
    pub blob: SlugBlob,
    /// What its buildpack calls the language.
    pub buildpack_provided_description: Option<String>,
    /// Digest of an archive; none.
    pub checksum: Option<String>,
    /// The commit it was built from.
    pub commit: Option<String>,
    /// More about the commit; not kept.
    pub commit_description: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// Slugs are not deleted while their app lives.
    pub deleted_at: Option<String>,
    /// Its id.
    pub id: String,
    /// Process types and their commands.
    pub process_types: BTreeMap<String, String>,
    /// Bytes of its own layers.
    pub size: Option<u64>,
    /// The stack it runs on.
    pub stack: Ref,
    /// When it last changed.
    pub updated_at: String,
}

/// Where a slug's archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlugBlob {
    /// The HTTP method.
    pub method: String,
    /// The URL.
    pub url: String,
}
