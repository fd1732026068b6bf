//! An app's buildpacks, and the registry that knows them by name.

use serde::{Deserialize, Serialize};

/// A buildpack's place in an app's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildpackInstallation {
    /// The buildpack.
    pub buildpack: Buildpack,
    /// Its place, from 0.
    pub ordinal: usize,
}

/// A buildpack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buildpack {
    /// Its name in the registry, or its URL.
    pub name: String,
    /// Where it is from.
    pub url: String,
}

/// The whole new list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildpackInstallations {
    /// In the order they run.
    pub updates: Vec<BuildpackChoice>,
}

/// One entry of a new list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildpackChoice {
    /// A URL, or a name in the registry. None is what the official CLI sends of a name that the registry does not
    /// know.
    pub buildpack: Option<String>,
}

/// A buildpack in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredBuildpack {
    /// Its id.
    pub id: String,
    /// Whose it is (`heroku`).
    pub namespace: String,
    /// Its name there (`python`).
    pub name: String,
    /// What kind it is: `languages`.
    pub category: String,
    /// What it is for.
    pub description: String,
    /// Where its archive is said to be; the official CLI puts this URL into the list.
    pub blob_url: String,
}
