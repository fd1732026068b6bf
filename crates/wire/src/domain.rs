//! Domains.

use serde::{Deserialize, Serialize};

use crate::lenient::Named;
use crate::reference::Ref;

/// A host name of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// State of its automatic certificate.
    pub acm_status: Option<String>,
    /// Why it is so.
    pub acm_status_reason: Option<String>,
    /// Its app.
    pub app: Ref,
    /// What its DNS entry must point at.
    pub cname: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// The host name.
    pub hostname: String,
    /// Its id.
    pub id: String,
    /// `heroku` (the platform's own) or `custom`.
    pub kind: String,
    /// The certificate it is served with.
    pub sni_endpoint: Option<Ref>,
    /// `none`: it is ready.
    pub status: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Adds a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRequest {
    /// The host name.
    pub hostname: String,
    /// The certificate to serve it with; none is the platform's own.
    pub sni_endpoint: Option<Named>,
}

/// Serves a domain with another certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainChange {
    /// Which; `null` is the platform's own. It must be said.
    #[serde(deserialize_with = "Option::deserialize")]
    pub sni_endpoint: Option<Named>,
}
