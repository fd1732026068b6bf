//! Sources: where a client puts an archive that it wants built.

use serde::{Deserialize, Serialize};

/// A place for an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its two addresses.
    pub source_blob: SourceUrls,
}

/// The addresses of a source; each is its own permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceUrls {
    /// What a build's `source_blob.url` is to be.
    pub get_url: String,
    /// Where to PUT the archive.
    pub put_url: String,
}
