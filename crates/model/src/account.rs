//! Accounts: the people who own apps.

use std::fmt;
use std::str::FromStr;

/// Longest e-mail address accepted, in bytes (RFC 5321's path limit).
pub const EMAIL_BYTES_MAX: usize = 254;

/// Shortest password, in characters (Heroku: 8).
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Longest password, in bytes: hashing is slow on purpose, and needs a limit.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// What somebody may do with an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but what cannot be undone or concerns whose it is: to destroy, rename or transfer it, or to destroy
    /// its add-ons. (Heroku's rule for apps of people; there, add-ons that cost are meant.)
    Collaborator,
}

/// Why a text cannot be a password; the texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Under [`PASSWORD_CHARS_MIN`].
    #[error("Password is too short (minimum is 8 characters)")]
    TooShort,
    /// Over [`PASSWORD_BYTES_MAX`].
    #[error("Password is too long (maximum is 1024 bytes)")]
    TooLong,
    /// The account's own address.
    #[error("Password must not be the e-mail address")]
    Email,
}

/// Whether a text can be an account's password.
///
/// # Errors
/// [`BadPassword`].
pub fn check_password(password: &str, email: &Email) -> Result<(), BadPassword> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        Err(BadPassword::TooShort)
    } else if password.len() > PASSWORD_BYTES_MAX {
        Err(BadPassword::TooLong)
    } else if password.eq_ignore_ascii_case(email.as_str()) {
        Err(BadPassword::Email)
    } else {
        Ok(())
    }
}

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
