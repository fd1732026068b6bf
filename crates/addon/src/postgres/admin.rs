//! Connections with which we manage a server.

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls};
use tokio_util::task::AbortOnDropHandle;

use crate::postgres::tls::Tls;
use crate::service::ServiceError;

/// The superuser of our own server.
pub(crate) const SUPERUSER: &str = "postgres";
/// The database in which nothing is kept.
const MAINTENANCE: &str = "postgres";
/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// What no tenant's database may change for us. A tenant owns its `public` schema: were it searched, a function
/// of the tenant could stand in for the server's own, and we would run it with our rights.
const OPTIONS: &str = "-c search_path=pg_catalog -c statement_timeout=60s -c lock_timeout=30s";

/// How a server is managed.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    config: Config,
    /// None on our own socket.
    tls: Option<Tls>,
    /// Its address without credentials, for messages.
    server: String,
}

/// An open connection; dropping it closes it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    driver: AbortOnDropHandle<()>,
}

impl Session {
    /// A session over a connection that `driver` drives.
    pub(crate) const fn new(client: Client, driver: AbortOnDropHandle<()>) -> Self {
        Self { client, driver }
    }

    /// Waits until the server is gone, or has thrown us out.
    pub(crate) async fn ended(self) {
        // The error would mean that the driver panicked or was aborted: the connection has ended then as well.
        let _ended = self.driver.await;
    }
}

impl Admin {
    /// Our own server, by the socket in `run`.
    pub(crate) fn socket(run: &Path, port: u16) -> Self {
        let mut config = Config::new();
        config.host_path(run).port(port).user(SUPERUSER).dbname(MAINTENANCE);
        Self { config: with_limits(config), tls: None, server: format!("{}:{port}", run.display()) }
    }

    /// A server elsewhere.
    pub(crate) fn outside(config: Config, tls: Tls, server: String) -> Self {
        Self { config: with_limits(config), tls: Some(tls), server }
    }

    /// Where the server is, for messages.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Connects to a database, else to the one in which nothing is kept.
    pub(crate) async fn connect(&self, database: Option<&str>) -> Result<Session, ServiceError> {
        let mut config = self.config.clone();
        if let Some(database) = database {
            config.dbname(database);
        }
        timeout(CONNECT_MAX, self.open(&config))
            .await
            .map_err(|_| ServiceError::TimedOut { server: self.server.clone(), limit: CONNECT_MAX })?
            .map_err(|cause| ServiceError::Connect { server: self.server.clone(), cause })
    }

    /// The driver's own error is not told: whoever waits for an answer gets it as well.
    async fn open(&self, config: &Config) -> Result<Session, tokio_postgres::Error> {
        let (client, driver) = match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                (client, tokio::spawn(async move { drop(connection.await) }))
            }
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                (client, tokio::spawn(async move { drop(connection.await) }))
            }
        };
        Ok(Session { client, driver: AbortOnDropHandle::new(driver) })
    }
}

fn with_limits(mut config: Config) -> Config {
    config.application_name("hokku").options(OPTIONS).connect_timeout(CONNECT_MAX);
    if config.get_dbname().is_none() {
        config.dbname(MAINTENANCE);
    }
    config
}
