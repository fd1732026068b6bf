//! A slug as data: which layers, on which stack, with which process types. The store keeps it as JSON text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The most a slug may weigh, stack base excluded: 1 GiB compressed, Heroku's limit since March 2026.
pub const SLUG_BYTES_MAX: u64 = model::slug::BYTES_MAX;

/// One layer: where it is (its digest) and what it weighs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRef {
    /// The SHA-256 of the image file.
    pub digest: Digest,
    /// The size of the image file in bytes.
    pub bytes: u64,
}

/// What a slug is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name of the stack under it, as `hokku-12`.
    pub stack: String,
    /// The layers, lowest first: runtime, dependencies, app.
    pub layers: Vec<LayerRef>,
    /// Process types and their commands, from the Procfile or the buildpack's defaults.
    pub process_types: BTreeMap<String, String>,
}

/// A stored manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read a slug's manifest")]
pub struct BadManifest(#[source] serde_json::Error);

impl Manifest {
    /// Reads a manifest from its JSON text.
    pub fn from_json(text: &str) -> Result<Self, BadManifest> {
        serde_json::from_str(text).map_err(BadManifest)
    }

    /// The manifest as JSON text; equal manifests give equal text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and string-keyed maps always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The size of the slug in bytes: all its layers, the stack base excluded, as Heroku counts.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bytes).sum()
    }

    /// Whether the slug is heavier than [`SLUG_BYTES_MAX`].
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.total_bytes() > SLUG_BYTES_MAX
    }

    /// The slug's checksum as the Platform API prints it (`SHA256:<hex>`), over the JSON text.
    #[must_use]
    pub fn checksum(&self) -> String {
        format!("SHA256:{}", Digest::of(self.to_json().as_bytes()))
    }
}

#[cfg(test)]
mod tests;
