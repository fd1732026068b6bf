//! Certificates: those that users bring (Heroku calls them SNI endpoints), and those that are got automatically (ACM).
//!
//! An automatic certificate belongs to one host name, and this is its life:
//!
//! ```text
//!            ┌──────────────── Refresh ────────────────────────────┐
//!            ▼                                                     │
//!  ──► Waiting ──Validate──► Verified ──Issue──► Issued            │
//!            └──Refuse──┐        │               │   ▲             │
//!                       ▼        ▼               ▼   │             │
//!                     Failing ◄──┴────Refuse─────┘  Issue (any time)
//!                       └──Refuse, often──► Failed ────────────────┘
//! ```
//! A certificate that is there goes on serving while the next one fails.

use std::time::Duration;

use crate::config_var::Secret;
use crate::domain::Hostname;
use crate::id::{AppId, SniEndpointId};
use crate::time::Timestamp;

/// Longest certificate chain, in bytes of PEM.
pub const CHAIN_BYTES_MAX: usize = 128 * 1024;
/// Longest private key, in bytes of PEM.
pub const KEY_BYTES_MAX: usize = 32 * 1024;
/// Most certificates that users bring to one app.
pub const ENDPOINTS_MAX: usize = 100;
/// Longest reason for a refusal, in characters.
pub const REASON_CHARS_MAX: usize = 300;
/// After this many refusals in a row a host without a certificate is said to have failed; it is still tried daily.
pub const REFUSALS_MAX: u32 = 6;

/// First pause after a refusal; it doubles. A public authority allows five failed validations per host and hour.
const RETRY_FIRST: Duration = Duration::from_secs(15 * 60);
/// Longest pause.
const RETRY_LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What can be read in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The host names it is for, in lower case; `*.` stands for one label.
    pub names: Vec<String>,
    /// Who vouches for it (`/C=US/O=…/CN=…`).
    pub issuer: String,
    /// Whom it is for, in the same form.
    pub subject: String,
    /// From when it is valid.
    pub starts_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// Whether an authority that this machine trusts has signed it.
    pub trusted: bool,
}

impl CertificateFacts {
    /// Whether clients accept it for this host. Only a wildcard's own name covers a wildcard.
    #[must_use]
    pub fn covers(&self, host: &Hostname) -> bool {
        let host = host.as_str();
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names.iter().any(|name| {
            let wild = name.strip_prefix("*.");
            name == host || (wild.is_some() && wild == parent && !host.starts_with("*."))
        })
    }

    /// When its successor should be there: with a third of its life left.
    #[must_use]
    pub fn renew_at(&self) -> Timestamp {
        self.starts_at.plus(self.expires_at.since(self.starts_at) / 3 * 2)
    }
}

/// A certificate chain with its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The chain in PEM, the host's own certificate first.
    pub chain_pem: String,
    /// The private key in PEM.
    pub key_pem: Secret,
    /// What the first certificate says.
    pub facts: CertificateFacts,
}

/// A certificate that a user brought to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SniEndpoint {
    /// Its id.
    pub id: SniEndpointId,
    /// Its app.
    pub app: AppId,
    /// Its name, unique in the app.
    pub name: String,
    /// What is served.
    pub certificate: Certificate,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where an automatic certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcmState {
    /// It is wanted.
    Waiting,
    /// The authority has seen that the host is ours.
    Verified,
    /// It is there.
    Issued,
    /// The authority refused; it will be asked again.
    Failing,
    /// It refused often; it will be asked again once a day, or when a user says so.
    Failed,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcmEvent {
    /// The authority has seen that the host is ours.
    Validate,
    /// The certificate came.
    Issue,
    /// The authority refused, for the how manieth time in a row.
    Refuse {
        /// Refusals in a row, this one counted.
        times: u32,
    },
    /// A user wants it tried again now.
    Refresh,
}

impl AcmState {
    /// The state after `event`. Everything can happen at any time: an order that a killed server left may be taken
    /// up at any step.
    #[must_use]
    pub const fn on(self, event: AcmEvent) -> Self {
        match (self, event) {
            // While it is renewed it is still there.
            (Self::Issued, AcmEvent::Validate | AcmEvent::Refresh) | (_, AcmEvent::Issue) => Self::Issued,
            (_, AcmEvent::Validate) => Self::Verified,
            (_, AcmEvent::Refresh) => Self::Waiting,
            (_, AcmEvent::Refuse { times }) if times >= REFUSALS_MAX => Self::Failed,
            (_, AcmEvent::Refuse { .. }) => Self::Failing,
        }
    }

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Verified => "verified",
            Self::Issued => "issued",
            Self::Failing => "failing",
            Self::Failed => "failed",
        }
    }

    /// The reverse of [`AcmState::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Verified, Self::Issued, Self::Failing, Self::Failed]
            .into_iter()
            .find(|it| it.as_str() == word)
    }

    /// Heroku's word in `acm_status`; none while it waits. The official CLI's `--wait` ends with `cert issued`.
    #[must_use]
    pub const fn acm_status(self) -> Option<&'static str> {
        match self {
            Self::Waiting => None,
            Self::Verified => Some("verified"),
            Self::Issued => Some("cert issued"),
            Self::Failing => Some("failing"),
            Self::Failed => Some("failed"),
        }
    }
}

/// The automatic certificate of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Automatic {
    /// The host.
    pub hostname: Hostname,
    /// Where it stands.
    pub state: AcmState,
    /// Why it is failing.
    pub reason: Option<String>,
    /// Refusals in a row.
    pub refusals: u32,
    /// It is not tried before.
    pub not_before: Timestamp,
    /// What is served; an older one may be there although the next one fails.
    pub certificate: Option<Certificate>,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

/// How long to wait after so many refusals in a row.
#[must_use]
pub fn retry_after(refusals: u32) -> Duration {
    let doubled = RETRY_FIRST.saturating_mul(1 << refusals.saturating_sub(1).min(16));
    doubled.min(RETRY_LONGEST)
}

#[cfg(test)]
mod tests;
