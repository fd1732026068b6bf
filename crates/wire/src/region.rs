//! Regions.

use serde::{Deserialize, Serialize};

/// A place where apps run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Its country.
    pub country: String,
    /// When it appeared.
    pub created_at: String,
    /// What people call it.
    pub description: String,
    /// Its id.
    pub id: String,
    /// Where in the country.
    pub locale: String,
    /// Its name.
    pub name: String,
    /// There are no spaces.
    pub private_capable: bool,
    /// Whose machines.
    pub provider: Provider,
    /// When it last changed.
    pub updated_at: String,
}

/// Whose machines a region has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Its own name of the region.
    pub region: String,
}
