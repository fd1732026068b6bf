//! Config vars: an app's settings, most of them secret.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Most bytes of all keys and values of one app together (Heroku: 64 kB).
pub const BYTES_MAX: usize = 64 * 1024;

/// A text that must not be printed: `Debug` and `Display` show `[redacted]`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. The name is long so that each use is looked at.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A config var's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConfigKey(String);

/// Why a text cannot be a config var's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadConfigKey {
    /// It is empty, or has a character that a shell variable cannot have.
    #[error("Invalid config var name: `{key}`. Use letters, digits and _, not starting with a digit.")]
    Invalid {
        /// What was given.
        key: String,
    },
    /// Its prefix is kept for the platform.
    #[error("Config var names starting with `{prefix}` are reserved: `{key}`")]
    Reserved {
        /// What was given.
        key: String,
        /// The prefix.
        prefix: &'static str,
    },
}

impl ConfigKey {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that the platform sets itself (`HEROKU_POSTGRESQL_BLUE_URL`), so prefixes are not checked.
    ///
    /// # Errors
    /// [`BadConfigKey::Invalid`] when a shell variable cannot be called so.
    pub fn of_platform(key: &str) -> Result<Self, BadConfigKey> {
        let starts = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(BadConfigKey::Invalid { key: key.to_owned() });
        }
        Ok(Self(key.to_owned()))
    }
}

impl fmt::Display for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConfigKey {
    type Err = BadConfigKey;

    fn from_str(key: &str) -> Result<Self, BadConfigKey> {
        for prefix in ["HEROKU_", "__"] {
            if key.starts_with(prefix) {
                return Err(BadConfigKey::Reserved { key: key.to_owned(), prefix });
            }
        }
        Self::of_platform(key)
    }
}

/// An app's config vars, sorted by name.
pub type ConfigVars = BTreeMap<ConfigKey, Secret>;

/// Bytes of all keys and values together; compare with [`BYTES_MAX`].
#[must_use]
pub fn bytes(vars: &ConfigVars) -> usize {
    vars.iter().map(|(key, value)| key.as_str().len() + value.expose_secret().len()).sum()
}

#[cfg(test)]
mod tests;
