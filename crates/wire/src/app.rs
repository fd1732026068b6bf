//! Apps.

use serde::{Deserialize, Serialize};

use crate::lenient::{Flag, Named};
use crate::reference::{Ref, UserRef};

/// An app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Whether its custom domains get certificates by themselves.
    pub acm: bool,
    /// Apps are not archived.
    pub archived_at: Option<String>,
    /// The stack its next build is for.
    pub build_stack: Ref,
    /// What its buildpack calls the language.
    pub buildpack_provided_description: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// `cedar`: the official CLI behaves otherwise for others.
    pub generation: Ref,
    /// Where to push.
    pub git_url: String,
    /// Its id.
    pub id: String,
    /// There are no private networks.
    pub internal_routing: Option<bool>,
    /// Whether the maintenance page is shown.
    pub maintenance: bool,
    /// Its name.
    pub name: String,
    /// There are no organizations.
    pub organization: Option<Ref>,
    /// Whose it is.
    pub owner: UserRef,
    /// Where it runs.
    pub region: Ref,
    /// When it last got a release.
    pub released_at: Option<String>,
    /// Bytes of its git repository.
    pub repo_size: Option<u64>,
    /// Bytes of its slug.
    pub slug_size: Option<u64>,
    /// There are no spaces.
    pub space: Option<Ref>,
    /// The stack it runs on.
    pub stack: Ref,
    /// There are no teams.
    pub team: Option<Ref>,
    /// When it last changed.
    pub updated_at: String,
    /// Where it is reached.
    pub web_url: Option<String>,
}

/// Asks for an app; everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRequest {
    /// Its name; one is made up otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it should run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Named>,
    /// The stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<Named>,
}

/// Changes an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppChange {
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Turns the maintenance page on or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Flag>,
    /// Another stack for the next build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_stack: Option<Named>,
}

/// Asks for several apps at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppFilter {
    /// Which.
    #[serde(rename = "in", default)]
    pub within: AppSelection,
}

/// Names several apps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSelection {
    /// Their ids.
    #[serde(default)]
    pub id: Vec<String>,
}
