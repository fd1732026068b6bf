//! Certificates of an app (Heroku calls them SNI endpoints), and their automatic management (ACM).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lenient::Flag;
use crate::reference::Ref;

/// A certificate of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SniEndpoint {
    /// Its app.
    pub app: Ref,
    /// The chain in PEM.
    pub certificate_chain: String,
    /// Long out of use; `domains` have targets of their own.
    pub cname: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// Certificates have no other names.
    pub display_name: Option<String>,
    /// Ids of the domains that are served with it.
    pub domains: Vec<String>,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it says.
    pub ssl_cert: SslCert,
    /// When it last changed.
    pub updated_at: String,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SslCert {
    /// Whether it was got automatically.
    pub acm: bool,
    /// Whether an authority that is trusted everywhere has signed it.
    #[serde(rename = "ca_signed?")]
    pub ca_signed: bool,
    /// The host names it is for.
    pub cert_domains: Vec<String>,
    /// Until when it is valid.
    pub expires_at: String,
    /// Its id.
    pub id: String,
    /// Who vouches for it.
    pub issuer: String,
    /// Whether only it itself does.
    #[serde(rename = "self_signed?")]
    pub self_signed: bool,
    /// From when it is valid.
    pub starts_at: String,
    /// Whom it is for.
    pub subject: String,
}

/// Adds or replaces a certificate. The key is not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SniEndpointRequest {
    /// The chain in PEM, the host's own certificate first.
    pub certificate_chain: String,
    /// The private key in PEM.
    pub private_key: String,
}

impl fmt::Debug for SniEndpointRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { certificate_chain, private_key: _ } = self;
        f.debug_struct("SniEndpointRequest")
            .field("certificate_chain_bytes", &certificate_chain.len())
            .field("private_key", &"[redacted]")
            .finish()
    }
}

/// Has failed automatic certificates tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmChange {
    /// Whether to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acm_refresh: Option<Flag>,
}
