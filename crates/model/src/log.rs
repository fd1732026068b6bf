//! One line of an app's log, in Heroku's terms.

use std::fmt;

use crate::time::Timestamp;

/// Longest message kept in one line, in bytes; longer output is split (Heroku: 10,000).
pub const MESSAGE_BYTES_MAX: usize = 10_000;

/// Who speaks: the app (its dynos, and what its users did through the API) or the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Output of dynos, and `app[api]` events.
    App,
    /// Router, dyno manager and other platform parts.
    Heroku,
}

impl Source {
    /// The word in the line and in `--source`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Heroku => "heroku",
        }
    }

    /// The reverse of [`Source::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "app" => Some(Self::App),
            "heroku" => Some(Self::Heroku),
            _ => None,
        }
    }
}

/// One line: `2010-09-16T15:13:46.677020+00:00 app[web.1]: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub at: Timestamp,
    /// Who speaks.
    pub source: Source,
    /// Which process: `web.1`, `router`, `api`, `logplex`.
    pub process: String,
    /// The text, without line ends.
    pub message: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}[{}]: {}", self.at.to_log(), self.source.as_str(), self.process, self.message)
    }
}
