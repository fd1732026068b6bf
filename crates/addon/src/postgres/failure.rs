//! What can go wrong with our own server, in words for whoever runs the platform.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::service::ServiceError;

/// Why our own server is not there.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such user to run it as.
    #[error("there is no user `{os_user}` on this machine to run Postgres as")]
    NoUser {
        /// Who was looked for.
        os_user: String,
    },
    /// The programs are missing, or of another version than the data.
    #[error("{0}")]
    NoPrograms(String),
    /// Its folders cannot be used; the cause says which and why.
    #[error("could not prepare the folders of Postgres")]
    Place(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file cannot be read or written.
    #[error("could not read or write {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// It cannot be reached at this address.
    #[error("Postgres cannot listen at {address}, port {port}")]
    Listen {
        /// The address.
        address: IpAddr,
        /// The port.
        port: u16,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// No port is free.
    #[error("no port from {first} to {last} is free for Postgres")]
    NoPort {
        /// The first one tried.
        first: u16,
        /// The last one tried.
        last: u16,
    },
    /// A program could not be run.
    #[error("could not run {program}")]
    Run {
        /// Which.
        program: &'static str,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// A program failed.
    #[error("{program} failed ({said}); see also {log}")]
    Failed {
        /// Which.
        program: &'static str,
        /// The last of what it said.
        said: String,
        /// Where the server's own log is.
        log: PathBuf,
    },
    /// A program took too long.
    #[error("{program} did not end within {limit:?}")]
    TimedOut {
        /// Which.
        program: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// Processes of a dead server cannot be killed.
    #[error("processes of an earlier Postgres do not go away")]
    Stuck,
    /// It runs but does not answer.
    #[error("Postgres does not answer")]
    Silent(#[source] Box<ServiceError>),
    /// [`Cluster::stop`] was called before.
    #[error("Postgres was stopped for good")]
    Stopped,
}

/// Processes of the server are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("processes of Postgres do not go away")]
pub struct StopError;
