//! Accounts: the people who own apps.

use std::fmt;
use std::str::FromStr;

/// Longest e-mail address accepted, in bytes (RFC 5321's path limit).
pub const EMAIL_BYTES_MAX: usize = 254;

/// An e-mail address, lower-cased. It names an account everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

/// The text is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Email is invalid: `{text}`")]
pub struct NotAnEmail {
    /// What was given.
    pub text: String,
}

impl Email {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = NotAnEmail;

    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        let refuse = || NotAnEmail { text: text.to_owned() };
        let (local, host) = text.rsplit_once('@').ok_or_else(refuse)?;
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
        if local.is_empty() || host.is_empty() || !printable || text.len() > EMAIL_BYTES_MAX {
            return Err(refuse());
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}
