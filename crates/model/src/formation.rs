//! The formation: how many dynos of which size run each process type.

use std::fmt;
use std::str::FromStr;

/// Longest process type name, in characters (CNB launch spec; Heroku has no lower limit).
pub const TYPE_CHARS_MAX: usize = 63;
/// Most dynos of one app, all types together (Heroku: 100).
pub const DYNOS_PER_APP_MAX: u32 = 100;

/// A process type: `web`, `worker`, `release`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessType(String);

/// The text is not a process type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a process type (letters, digits, `-` and `_`, at most 63)")]
pub struct NotAProcessType {
    /// What was given.
    pub text: String,
}

impl ProcessType {
    /// The type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The type that receives HTTP.
    #[must_use]
    pub fn web() -> Self {
        Self(crate::procfile::WEB.to_owned())
    }

    /// Whether it receives HTTP.
    #[must_use]
    pub fn is_web(&self) -> bool {
        self.0 == crate::procfile::WEB
    }

    /// Whether it is the release phase, which is never scaled.
    #[must_use]
    pub fn is_release(&self) -> bool {
        self.0 == crate::procfile::RELEASE
    }
}

impl fmt::Display for ProcessType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProcessType {
    type Err = NotAProcessType;

    fn from_str(text: &str) -> Result<Self, NotAProcessType> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if text.is_empty() || text.len() > TYPE_CHARS_MAX || !text.chars().all(fits) {
            return Err(NotAProcessType { text: text.to_owned() });
        }
        Ok(Self(text.to_owned()))
    }
}

/// A dyno size: what one dyno may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DynoSize {
    /// 512 MB.
    Eco,
    /// 512 MB; what new apps get.
    Basic,
    /// 512 MB.
    Standard1X,
    /// 1 GB.
    Standard2X,
    /// 2.5 GB.
    PerformanceM,
    /// 14 GB.
    PerformanceL,
}

/// The text names no dyno size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Unrecognized dyno size `{text}`. Sizes are: Eco, Basic, Standard-1X, Standard-2X, Performance-M, Performance-L."
)]
pub struct NotADynoSize {
    /// What was given.
    pub text: String,
}

impl DynoSize {
    /// All sizes, smallest first.
    pub const ALL: [Self; 6] =
        [Self::Eco, Self::Basic, Self::Standard1X, Self::Standard2X, Self::PerformanceM, Self::PerformanceL];

    /// The name that clients show; the official CLI's price table is keyed by it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eco => "Eco",
            Self::Basic => "Basic",
            Self::Standard1X => "Standard-1X",
            Self::Standard2X => "Standard-2X",
            Self::PerformanceM => "Performance-M",
            Self::PerformanceL => "Performance-L",
        }
    }

    /// Memory quota in MiB; R14 above it, killed above twice that.
    #[must_use]
    pub const fn memory_mib(self) -> u64 {
        match self {
            Self::Eco | Self::Basic | Self::Standard1X => 512,
            Self::Standard2X => 1024,
            Self::PerformanceM => 2560,
            Self::PerformanceL => 14_336,
        }
    }

    /// Most processes and threads together.
    #[must_use]
    pub const fn threads_max(self) -> u32 {
        match self {
            Self::Eco | Self::Basic | Self::Standard1X => 256,
            Self::Standard2X => 512,
            Self::PerformanceM => 16_384,
            Self::PerformanceL => 32_768,
        }
    }

    /// Relative CPU weight (cgroup v1 `cpu.shares`; 1024 is one part).
    #[must_use]
    pub const fn cpu_shares(self) -> u64 {
        match self {
            Self::Eco | Self::Basic | Self::Standard1X => 1024,
            Self::Standard2X => 2048,
            Self::PerformanceM => 4096,
            Self::PerformanceL => 8192,
        }
    }
}

impl fmt::Display for DynoSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DynoSize {
    type Err = NotADynoSize;

    /// Accepts any letter case, and Heroku's old short forms `1X` and `2X`.
    fn from_str(text: &str) -> Result<Self, NotADynoSize> {
        let lower = text.to_ascii_lowercase();
        let lower = match lower.as_str() {
            "1x" => "standard-1x",
            "2x" => "standard-2x",
            other => other,
        };
        Self::ALL
            .into_iter()
            .find(|size| size.as_str().eq_ignore_ascii_case(lower))
            .ok_or_else(|| NotADynoSize { text: text.to_owned() })
    }
}

/// A requested quantity: absolute, or relative to the present one (`+1`, `-2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// This many.
    Exactly(u32),
    /// So many more or fewer.
    By(i32),
}

/// The text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a quantity (a number, or one with + or - before it)")]
pub struct NotAQuantity {
    /// What was given.
    pub text: String,
}

impl Quantity {
    /// The new quantity when `present` dynos run now; never below zero.
    #[must_use]
    pub fn applied_to(self, present: u32) -> u32 {
        match self {
            Self::Exactly(count) => count,
            Self::By(change) => present.saturating_add_signed(change),
        }
    }
}

impl FromStr for Quantity {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let refuse = || NotAQuantity { text: text.to_owned() };
        if text.starts_with(['+', '-']) {
            text.parse().map(Self::By).map_err(|_| refuse())
        } else {
            text.parse().map(Self::Exactly).map_err(|_| refuse())
        }
    }
}

/// One line of an app's formation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formation {
    /// Its id.
    pub id: crate::id::FormationId,
    /// The process type.
    pub kind: ProcessType,
    /// The command of the newest slug.
    pub command: String,
    /// How many dynos are wanted.
    pub quantity: u32,
    /// Their size.
    pub size: DynoSize,
    /// When it was made.
    pub created_at: crate::time::Timestamp,
    /// When it last changed.
    pub updated_at: crate::time::Timestamp,
}

#[cfg(test)]
mod tests;
