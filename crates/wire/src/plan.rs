//! Plans of add-on services.

use serde::{Deserialize, Serialize};

use crate::reference::Ref;

/// What an add-on service offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The service.
    pub addon_service: Ref,
    /// Certificates it has; none.
    pub compliance: Option<Vec<String>>,
    /// When it appeared.
    pub created_at: String,
    /// Whether it is taken when no plan is named.
    pub default: bool,
    /// What it gives.
    pub description: String,
    /// What people call it.
    pub human_name: String,
    /// Its id.
    pub id: String,
    /// There are no private networks.
    pub installable_inside_private_network: bool,
    /// Always true.
    pub installable_outside_private_network: bool,
    /// Its name with its service (`heroku-postgresql:mini`).
    pub name: String,
    /// What it costs: nothing.
    pub price: Price,
    /// Always false.
    pub space_default: bool,
    /// `ga`.
    pub state: String,
    /// When it last changed.
    pub updated_at: String,
    /// Always true.
    pub visible: bool,
}

/// A price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Hundredths of a dollar.
    pub cents: u64,
    /// Whether a contract says otherwise.
    pub contract: bool,
    /// Per what time.
    pub unit: String,
}
