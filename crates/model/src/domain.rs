//! Domains: the host names at which an app is reached.

use std::fmt;
use std::str::FromStr;

use crate::id::{AppId, DomainId, SniEndpointId};
use crate::time::Timestamp;

/// Longest host name, in bytes (RFC 1035).
pub const HOSTNAME_BYTES_MAX: usize = 253;

/// A DNS name, lower-cased, perhaps with a leading `*.` label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hostname(String);

/// The text is not a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Hostname is invalid: `{text}`")]
pub struct NotAHostname {
    /// What was given.
    pub text: String,
}

impl Hostname {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for every name one label below its own.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// What is left without the first label (`*.` included).
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.split_once('.').map(|(_, parent)| parent)
    }

    /// Whether one is a wildcard that also stands for the other, or they are the same.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let within = |wild: &Self, name: &Self| {
            wild.is_wildcard() && !name.is_wildcard() && wild.parent() == name.parent()
        };
        self == other || within(self, other) || within(other, self)
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Hostname {
    type Err = NotAHostname;

    fn from_str(text: &str) -> Result<Self, NotAHostname> {
        let lower = text.to_ascii_lowercase();
        let plain = lower.strip_prefix("*.").unwrap_or(&lower);
        let label = |label: &str| {
            let inner =
                label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
        };
        if lower.len() > HOSTNAME_BYTES_MAX || !plain.split('.').all(label) {
            return Err(NotAHostname { text: text.to_owned() });
        }
        Ok(Self(lower))
    }
}

/// Whether a domain is the platform's own or the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DomainKind {
    /// `<app>.<domain>`, made with the app.
    Platform,
    /// Added by a user.
    Custom,
}

/// A domain of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its id.
    pub id: DomainId,
    /// Its app.
    pub app: AppId,
    /// The host name.
    pub hostname: Hostname,
    /// Whose it is.
    pub kind: DomainKind,
    /// The certificate that a user chose for it.
    pub endpoint: Option<SniEndpointId>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests;
