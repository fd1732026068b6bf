//! The seam between the stage and whatever server holds the data.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use model::addon::Plan;

use crate::credentials::Credentials;

/// Where apps reach a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A host name or address that is right inside a dyno and on the user's machine alike; never `localhost`.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    /// As in a URL: an IPv6 address stands in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// What is measured of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// The server's version (`15.14`).
    pub version: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// Connections of its role at this moment.
    pub connections: u32,
    /// Tables that are not the server's own.
    pub tables: u32,
    /// Rows in them, as the server's statistics estimate.
    pub rows: u64,
}

/// Why a service did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The server cannot be reached, or refuses us.
    #[error("could not connect to {server}")]
    Connect {
        /// Where.
        server: String,
        /// What the client says.
        #[source]
        cause: tokio_postgres::Error,
    },
    /// A statement failed.
    #[error("could not {doing} of database {database}")]
    Statement {
        /// What was being done.
        doing: &'static str,
        /// For which database.
        database: String,
        /// What the server says.
        #[source]
        cause: tokio_postgres::Error,
    },
    /// The server does not hold this database.
    #[error("{server} has no database {database}")]
    Missing {
        /// Where.
        server: String,
        /// Which.
        database: String,
    },
    /// It took too long.
    #[error("no answer from {server} within {limit:?}")]
    TimedOut {
        /// Where.
        server: String,
        /// How long was waited.
        limit: Duration,
    },
}

/// A running piece of work of a service.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, ServiceError>> + Send + 'a>>;

/// A server that holds databases. Everything may be asked again after a kill, and then completes what is missing.
pub trait DataService: Send + Sync {
    /// Where apps reach it.
    fn endpoint(&self) -> &Endpoint;

    /// Makes the database and its role, with the plan's limits.
    fn create<'a>(&'a self, credentials: &'a Credentials, plan: &'a Plan) -> Work<'a, ()>;

    /// Removes the database with everything in it, whoever is connected, and its role.
    fn remove<'a>(&'a self, credentials: &'a Credentials) -> Work<'a, ()>;

    /// Looks at the database.
    fn measure<'a>(&'a self, credentials: &'a Credentials) -> Work<'a, DatabaseInfo>;
}
