//! Apps and their names.

use std::fmt;
use std::str::FromStr;

/// Shortest app name, in characters.
pub const NAME_CHARS_MIN: usize = 3;
/// Longest app name, in characters (Heroku: 30).
pub const NAME_CHARS_MAX: usize = 30;

/// Names that would collide with the platform's own host names.
const RESERVED: [&str; 8] = ["api", "git", "dashboard", "registry", "data", "login", "status", "www"];

/// An app's name: `^[a-z][a-z0-9-]{1,28}[a-z0-9]$`, not one of the platform's own host names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppName(String);

/// Why a text cannot be an app's name; the texts are what API clients show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAppName {
    /// Under [`NAME_CHARS_MIN`].
    #[error("Name is too short (minimum is 3 characters)")]
    TooShort,
    /// Over [`NAME_CHARS_MAX`].
    #[error("Name is too long (maximum is 30 characters)")]
    TooLong,
    /// A character that a host name label cannot have, or a bad first or last one.
    #[error(
        "Name must start with a letter, end with a letter or digit and can only contain lowercase letters, \
         digits, and dashes."
    )]
    BadCharacter,
    /// One of the platform's own host names.
    #[error("Name is reserved")]
    Reserved,
}

impl AppName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes a name like `quiet-harbor-40213` from any number (the caller's randomness).
    #[must_use]
    pub fn generated(seed: u64) -> Self {
        let (adjective, noun) = (adjective(seed), pick(&NOUNS, seed >> 20));
        Self(format!("{adjective}-{noun}-{}", five_digits(seed)))
    }
}

/// A word for a generated name.
pub(crate) fn adjective(seed: u64) -> &'static str {
    pick(&ADJECTIVES, seed >> 40)
}

/// A number for a generated name.
pub(crate) const fn five_digits(seed: u64) -> u64 {
    10_000 + seed % 90_000
}

fn pick(words: &[&'static str], at: u64) -> &'static str {
    words[(at % words.len() as u64) as usize]
}

const ADJECTIVES: [&str; 32] = [
    "amber", "brisk", "calm", "clear", "crisp", "dappled", "distant", "early", "fading", "gentle", "glowing",
    "hidden", "hushed", "idle", "late", "light", "lively", "mild", "misty", "mossy", "open", "pale",
    "patient", "plain", "quiet", "ripe", "silver", "slow", "still", "sunlit", "tidal", "warm",
];
const NOUNS: [&str; 32] = [
    "bay", "birch", "brook", "cedar", "cliff", "cloud", "cove", "creek", "dune", "field", "fjord", "frost",
    "garden", "grove", "harbor", "heron", "island", "lake", "lantern", "leaf", "meadow", "moon", "orchard",
    "path", "pebble", "pond", "rain", "reed", "ridge", "shore", "stone", "valley",
];

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AppName {
    type Err = BadAppName;

    fn from_str(text: &str) -> Result<Self, BadAppName> {
        let bytes = text.as_bytes();
        let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        let starts = bytes.first().is_some_and(u8::is_ascii_lowercase);
        let ends = bytes.last().is_some_and(|byte| *byte != b'-');
        if text.chars().count() < NAME_CHARS_MIN {
            Err(BadAppName::TooShort)
        } else if text.chars().count() > NAME_CHARS_MAX {
            Err(BadAppName::TooLong)
        } else if !(starts && ends && bytes.iter().all(inner)) {
            Err(BadAppName::BadCharacter)
        } else if RESERVED.contains(&text) {
            Err(BadAppName::Reserved)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests;
