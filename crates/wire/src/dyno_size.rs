//! Dyno sizes.

use serde::{Deserialize, Serialize};

use crate::reference::Ref;

/// A dyno size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DynoSize {
    /// The processor's kind.
    pub architecture: String,
    /// Share of processor time, in Heroku's units.
    pub compute: u64,
    /// Nothing costs anything.
    pub cost: Option<Ref>,
    /// Whether it has a machine of its own.
    pub dedicated: bool,
    /// `cedar`.
    pub generation: Ref,
    /// Its id.
    pub id: String,
    /// Memory in GB.
    pub memory: f64,
    /// Its name, such as `Standard-1X`.
    pub name: String,
    /// What it would be billed by.
    pub precise_dyno_units: f64,
    /// There are no spaces.
    pub private_space_only: bool,
}
