//! Features of apps that can be switched (`heroku labs`, `heroku features`). Each has an effect; there are no others.

/// Something an app can have switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AppFeature {
    /// Dynos know their app, release and commit (`HEROKU_APP_NAME`, `HEROKU_RELEASE_VERSION` …).
    DynoMetadata,
    /// Dynos know the commit that their slug was built of (`HEROKU_BUILD_COMMIT` …).
    DynoBuildMetadata,
    /// New web dynos are up before old ones stop. Always on: it is how this platform releases (ADR 8).
    Preboot,
}

impl AppFeature {
    /// Every feature, by name.
    pub const ALL: [Self; 3] = [Self::Preboot, Self::DynoBuildMetadata, Self::DynoMetadata];

    /// Its name, which is Heroku's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DynoMetadata => "runtime-dyno-metadata",
            Self::DynoBuildMetadata => "runtime-dyno-build-metadata",
            Self::Preboot => "preboot",
        }
    }

    /// The reverse of [`AppFeature::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::DynoMetadata => "Dyno metadata",
            Self::DynoBuildMetadata => "Build metadata",
            Self::Preboot => "Preboot",
        }
    }

    /// What it does, in a line.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::DynoMetadata => "Tell dynos their app, release and commit in HEROKU_* variables",
            Self::DynoBuildMetadata => "Tell dynos the commit of their build in HEROKU_BUILD_* variables",
            Self::Preboot => "Start new web dynos before old ones stop (always on here)",
        }
    }

    /// Whether it belongs to `heroku features`; the others belong to `heroku labs`.
    #[must_use]
    pub const fn is_general(self) -> bool {
        matches!(self, Self::Preboot)
    }

    /// Whether it cannot be switched off.
    #[must_use]
    pub const fn is_always_on(self) -> bool {
        matches!(self, Self::Preboot)
    }
}
