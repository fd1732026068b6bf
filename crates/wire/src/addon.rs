//! Add-ons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lenient::{Flag, Named, Text};
use crate::plan::Price;
use crate::reference::Ref;

/// A data service that an app was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addon {
    /// What its provider offers to do with it; always empty.
    pub actions: Vec<AddonAction>,
    /// The service it is of.
    pub addon_service: Ref,
    /// The app that owns it.
    pub app: Ref,
    /// What it costs: nothing. Clients show this one.
    pub billed_price: Option<BilledPrice>,
    /// Who would pay.
    pub billing_entity: BillingEntity,
    /// Config vars that it sets on its owner.
    pub config_vars: Vec<String>,
    /// When it was asked for.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// Its name, unique on the platform.
    pub name: String,
    /// Its plan; in full when asked for by `Accept-Expansion: plan`.
    pub plan: serde_json::Value,
    /// What its provider calls it.
    pub provider_id: String,
    /// What its provider says when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provision_message: Option<String>,
    /// `provisioning`, `provisioned` or `deprovisioned`.
    pub state: String,
    /// When it last changed.
    pub updated_at: String,
    /// A page about it; there is none.
    pub web_url: Option<String>,
}

/// Something that an add-on's provider offers to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonAction {
    /// Its id.
    pub id: String,
    /// What a button would say.
    pub label: String,
    /// What is done.
    pub action: String,
    /// Where.
    pub url: String,
    /// Whether only the owner may.
    pub requires_owner: bool,
}

/// A price as it is billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BilledPrice {
    /// Hundredths of a dollar.
    pub cents: u64,
    /// Whether a contract says otherwise.
    pub contract: bool,
    /// Per what time.
    pub unit: String,
}

impl From<Price> for BilledPrice {
    fn from(price: Price) -> Self {
        Self { cents: price.cents, contract: price.contract, unit: price.unit }
    }
}

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingEntity {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `app` or `team`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Asks for an add-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonRequest {
    /// Service and plan (`heroku-postgresql:mini`), or a service alone.
    pub plan: Named,
    /// How it is attached.
    pub attachment: Option<NewAttachmentName>,
    /// Its name.
    pub name: Option<String>,
    /// The app's name, where something would be overwritten.
    pub confirm: Option<String>,
    /// The service's own options.
    #[serde(default)]
    pub config: BTreeMap<String, Text>,
}

/// The name under which a new add-on is attached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAttachmentName {
    /// Such as `DATABASE`.
    pub name: Option<String>,
}

/// Changes an add-on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonChange {
    /// Another plan.
    pub plan: Option<Named>,
    /// Another name.
    pub name: Option<String>,
}

/// Destroys an add-on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonDestruction {
    /// Also when it is attached to other apps.
    pub force: Option<Flag>,
}

/// Asks which add-ons a text can mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonResolution {
    /// Name, id, service, attachment or config var.
    pub addon: String,
    /// The app it is attached to.
    pub app: Option<String>,
    /// The service it is of.
    pub addon_service: Option<String>,
}
