//! What can go wrong in the store.

use std::path::PathBuf;

/// A failed store operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be opened or prepared.
    #[error("could not open the store at {path}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
    /// The key file could not be read or made.
    #[error("could not read or make the key file {path}")]
    Key {
        /// The key file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// The key file is not 32 bytes of base64.
    #[error("{path} holds no key; restore it from a backup, without it config vars cannot be read")]
    BadKey {
        /// The key file.
        path: PathBuf,
    },
    /// The file was written by a newer version of the program.
    #[error(
        "the store at {path} has schema {found}, this program knows up to {known}; start the newer version"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// The newest number known here.
        known: i64,
    },
    /// A statement failed.
    #[error("the store could not {doing}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
    /// A query failed.
    #[error("the store could not read a {what}")]
    Read {
        /// Which noun.
        what: &'static str,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
    /// A name is already taken.
    #[error("{what} is already taken")]
    Taken {
        /// What kind of name.
        what: &'static str,
    },
    /// Something is not there (any more).
    #[error("there is no such {what}")]
    Missing {
        /// What was looked for.
        what: &'static str,
    },
    /// Something still holds it.
    #[error("an {by} still needs this {what}")]
    InUse {
        /// What was to be removed.
        what: &'static str,
        /// What holds it.
        by: &'static str,
    },
    /// A row holds what it cannot hold.
    #[error("the store holds a broken {what}: {detail}")]
    Broken {
        /// Which noun.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalBuild(#[from] model::build::IllegalBuildEvent),
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalRelease(#[from] model::release::IllegalReleaseEvent),
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalDyno(#[from] model::dyno::IllegalDynoEvent),
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalTransfer(#[from] model::transfer::IllegalTransferEvent),
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalAppTransfer(#[from] model::app_transfer::IllegalAppTransferEvent),
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalDelivery(#[from] model::webhook::IllegalDeliveryStep),
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalRotation(#[from] model::database::IllegalRotationEvent),
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalReset(#[from] model::database::IllegalResetEvent),
    /// A state machine refused the change.
    #[error(transparent)]
    IllegalStanding(#[from] model::database::IllegalStandingEvent),
    /// The thread that ran the transaction died.
    #[error("the store's thread is gone")]
    Gone,
}

/// Turns SQLite's error into ours, keeping the operation's words.
pub(crate) fn sql(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
    move |cause| StoreError::Sql { doing, cause }
}

/// Like [`sql`], but a broken unique constraint means that a name is taken.
pub(crate) fn unique(what: &'static str, doing: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
    move |cause| match cause.sqlite_error().map(|error| error.extended_code) {
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE) => StoreError::Taken { what },
        _ => StoreError::Sql { doing, cause },
    }
}

/// Turns SQLite's error on a query into ours.
pub(crate) fn reading(what: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
    move |cause| StoreError::Read { what, cause }
}
