//! How resources point at each other.

use serde::{Deserialize, Serialize};

/// A resource by id and name: an app, a stack, a region, a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ref {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A resource by id alone: a slug, a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRef {
    /// Its id.
    pub id: String,
}

/// An account by id and address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRef {
    /// Its address.
    pub email: String,
    /// Its id.
    pub id: String,
}
