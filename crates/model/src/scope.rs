//! Scopes: what a token allows. They are Heroku's.
//!
//! ```text
//!  global ─► everything          identity ─► who its account is
//!  write-protected ─► write ─► read ─────────► apps, without their secrets
//!         └─► read-protected ──► read          apps, with their config vars
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One scope. Also used for what a request needs: the least scope that allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everything, the account itself included.
    Global,
    /// To see who the account is.
    Identity,
    /// To see apps and what they have, without secrets.
    Read,
    /// To change them as well.
    Write,
    /// To see apps with their config vars and credentials.
    ReadProtected,
    /// To change these as well.
    WriteProtected,
}

/// The text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Scope `{text}` is not known. Use global, identity, read, write, read-protected or write-protected.")]
pub struct NotAScope {
    /// What was given.
    pub text: String,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] =
        [Self::Global, Self::Identity, Self::Read, Self::Write, Self::ReadProtected, Self::WriteProtected];

    /// Its word in the API and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Identity => "identity",
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadProtected => "read-protected",
            Self::WriteProtected => "write-protected",
        }
    }

    /// Whether a token with this scope may do what needs `needed`.
    #[must_use]
    pub const fn allows(self, needed: Self) -> bool {
        match (self, needed) {
            (Self::Global, _) | (Self::Identity, Self::Identity) => true,
            (Self::Read, needed) => matches!(needed, Self::Read),
            (Self::Write, needed) => matches!(needed, Self::Read | Self::Write),
            (Self::ReadProtected, needed) => matches!(needed, Self::Read | Self::ReadProtected),
            (Self::WriteProtected, needed) => !matches!(needed, Self::Global | Self::Identity),
            (Self::Identity, _) => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| NotAScope { text: text.to_owned() })
    }
}

/// The scopes of a token, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Everything: what a login gets.
    #[must_use]
    pub fn global() -> Self {
        Self(BTreeSet::from([Scope::Global]))
    }

    /// These scopes; none means everything, as on Heroku.
    #[must_use]
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let scopes: BTreeSet<_> = scopes.into_iter().collect();
        if scopes.is_empty() { Self::global() } else { Self(scopes) }
    }

    /// Whether any of them allows what needs `needed`.
    #[must_use]
    pub fn allow(&self, needed: Scope) -> bool {
        self.0.iter().any(|scope| scope.allows(needed))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = NotAScope;

    /// Scopes with spaces between.
    fn from_str(text: &str) -> Result<Self, NotAScope> {
        text.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>().map(Self::of)
    }
}

#[cfg(test)]
mod tests;
