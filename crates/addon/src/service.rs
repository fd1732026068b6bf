//! The seam between the stage and whatever server holds the data.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use model::addon::{POSTGRES, Plan};
use model::config_var::{ConfigKey, Secret};

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
    /// Rows in them: counted, or as the server's statistics estimate.
    pub rows: u64,
}

/// What the store keeps of an add-on is not what its service wrote. It is not shown, for it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the add-on's credentials are unreadable")]
pub struct BadResource;

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
    /// What is known of the add-on is unreadable.
    #[error(transparent)]
    Resource(#[from] BadResource),
    /// Something else, which the cause tells.
    #[error("could not {doing}")]
    Other {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A running piece of work of a service.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, ServiceError>> + Send + 'a>>;

/// The config vars of an attachment.
pub type Values = BTreeMap<ConfigKey, Secret>;

/// A service that makes what add-ons of one kind stand for. Everything may be asked again after a kill, and then
/// completes what is missing.
///
/// What it keeps of an add-on is a text of its own making, the *resource*, which the store seals; all it needs to find
/// the thing again is in there.
pub trait DataService: Send + Sync {
    /// Its name, as in the plans (`heroku-postgresql`).
    fn name(&self) -> &'static str;

    /// Where apps reach it, for messages.
    fn address(&self) -> String;

    /// Makes up names and keys for a new add-on. They are written down before anything is made.
    fn make_up(&self) -> Secret;

    /// Makes what the add-on stands for, with the plan's limits; what is there already gets those limits.
    fn create<'a>(&'a self, resource: &'a Secret, plan: &'a Plan) -> Work<'a, ()>;

    /// Removes it with everything in it, whoever uses it.
    fn remove<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()>;

    /// The resource as it has to be now that the service is reached elsewhere; none when it is where apps were told.
    ///
    /// # Errors
    /// [`BadResource`].
    fn moved(&self, resource: &Secret) -> Result<Option<Secret>, BadResource>;

    /// Looks whether the service holds it; [`ServiceError::Missing`] when not.
    fn find<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()>;

    /// The config vars that an attachment of this name sets: the keys are [`model::addon::config_keys`].
    ///
    /// # Errors
    /// [`BadResource`].
    fn values(&self, resource: &Secret, attachment: &str) -> Result<Values, BadResource>;
}

/// What a database that is over its plan's limits cannot do any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restriction {
    /// Take new rows.
    Insert,
    /// Take new rows, or change those it has, which makes it grow as well.
    InsertAndUpdate,
}

/// What only Postgres can be asked. As above, everything may be asked again after a kill.
pub trait DatabaseService: DataService {
    /// Looks at a database. Where the plan counts rows they are counted, and not only estimated, as long as they are few.
    fn measure<'a>(&'a self, resource: &'a Secret, plan: &'a Plan) -> Work<'a, DatabaseInfo>;

    /// Holds a database to so many connections.
    fn equip<'a>(&'a self, resource: &'a Secret, connections: u32) -> Work<'a, ()>;

    /// Makes up another user and password for a database.
    ///
    /// # Errors
    /// [`BadResource`].
    fn renew(&self, resource: &Secret) -> Result<Secret, BadResource>;

    /// Makes `new` what opens a database; `old` opens it as well until it is retired.
    fn switch<'a>(&'a self, old: &'a Secret, new: &'a Secret, plan: &'a Plan) -> Work<'a, ()>;

    /// Ends `old` and every connection that was made with it. What it made belongs to `new`.
    fn retire<'a>(&'a self, old: &'a Secret, new: &'a Secret, plan: &'a Plan) -> Work<'a, ()>;

    /// What tells the database that is there from one that takes its place later.
    fn identity<'a>(&'a self, resource: &'a Secret) -> Work<'a, u32>;

    /// Makes an empty database in place of the one with this identity; another one stays.
    fn replace<'a>(&'a self, resource: &'a Secret, identity: u32) -> Work<'a, ()>;

    /// Takes away the right to add to a database, such that its owner cannot give it back.
    fn restrict<'a>(&'a self, resource: &'a Secret, restriction: Restriction) -> Work<'a, ()>;

    /// Gives back what [`DatabaseService::restrict`] took.
    fn free<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()>;

    /// Ends every connection to a database.
    fn disconnect<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()>;
}

/// The services that a server has.
#[derive(Clone)]
pub struct Services {
    /// The server of Postgres databases.
    pub postgres: Arc<dyn DatabaseService>,
    /// The other ones.
    pub others: Vec<Arc<dyn DataService>>,
}

impl Services {
    /// The service of add-ons of a plan; none when this server does not offer it (any more).
    #[must_use]
    pub fn of(&self, plan: &Plan) -> Option<Arc<dyn DataService>> {
        if plan.service == POSTGRES {
            return Some(Arc::clone(&self.postgres) as Arc<dyn DataService>);
        }
        self.others.iter().find(|service| service.name() == plan.service).cloned()
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("postgres", &self.postgres.address()).finish_non_exhaustive()
    }
}
