//! Points in time, as whole microseconds since the Unix epoch, UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp as Instant;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// There is no `now()` here: the clock is handed in by `hokku`, so that rules stay pure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an RFC 3339 time")]
pub struct NotATime {
    /// What was given.
    pub text: String,
}

impl Timestamp {
    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time that is `duration` later; saturates.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero if it is in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As the API writes times: whole seconds and `Z` (`2026-11-22T14:55:34Z`).
    #[must_use]
    pub fn to_api(self) -> String {
        let whole = Instant::from_second(self.0.div_euclid(1_000_000)).unwrap_or(Instant::UNIX_EPOCH);
        whole.to_string()
    }

    /// As log lines carry times: microseconds and `+00:00` (`2026-11-22T14:55:34.012345+00:00`).
    #[must_use]
    pub fn to_log(self) -> String {
        let whole = Instant::from_second(self.0.div_euclid(1_000_000)).unwrap_or(Instant::UNIX_EPOCH);
        let text = whole.to_string();
        format!("{}.{:06}+00:00", text.trim_end_matches('Z'), self.0.rem_euclid(1_000_000))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_log())
    }
}

impl FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        text.parse::<Instant>()
            .map(|at| Self(at.as_microsecond()))
            .map_err(|_| NotATime { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests;
