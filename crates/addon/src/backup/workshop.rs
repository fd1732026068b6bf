//! A server where transfers are done, and how its programs and our own sessions get to a database of it.
//!
//! Whatever looks at a tenant's data does so as a [`Guest`](super::guest::Guest), which may do no more than the tenant:
//! a dump from elsewhere is a program that somebody else wrote.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::config_var::Secret;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};
use tokio_util::task::AbortOnDropHandle;

use crate::postgres::Outside;
use crate::postgres::admin::{Admin, Session};
use crate::postgres::programs::Programs;
use crate::postgres::tls::Tls;
use crate::service::ServiceError;

/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);
const PORT: u16 = 5432;
/// Our sessions find the server's own functions and nothing else, and wait for as long as the transfer may last.
const OPTIONS: &str = "-c search_path=pg_catalog -c statement_timeout=0 -c lock_timeout=60s \
                       -c idle_in_transaction_session_timeout=0";

/// A server with its programs.
#[derive(Clone)]
pub struct Workshop {
    pub(crate) admin: Admin,
    reach: Reach,
    programs: PathBuf,
    /// Begins the names of all that transfers make in the server: another platform may use the same one.
    tag: String,
}

/// How sessions that are not the manager's get to a server.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) host: String,
    /// The address to connect to, where the host's name is not to be looked up again.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
    pub(crate) ssl_mode: SslMode,
}

/// Who opens a database, and which.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) reach: Reach,
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) database: String,
}

impl fmt::Debug for Workshop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workshop").field("reach", &self.reach).field("tag", &self.tag).finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// Why there is no workshop.
#[derive(Debug, thiserror::Error)]
pub enum NoWorkshop {
    /// The URL of the outside server is none; it is not shown, for it holds a password.
    #[error("the URL of the outside Postgres is not of the form postgres://user:password@host:port/database")]
    Url,
    /// There are no programs.
    #[error("backups need the programs of Postgres")]
    Programs(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Workshop {
    pub(crate) fn of_cluster(admin: Admin, host: String, port: u16, programs: &Programs, tag: &str) -> Self {
        let reach = Reach { host, address: None, port, ssl_mode: SslMode::Require };
        Self { admin, reach, programs: programs.dir().to_owned(), tag: tag.to_owned() }
    }

    /// On a server that somebody else runs, with the programs of this machine. `tag` is as in
    /// [`Cluster::workshop`](crate::postgres::Cluster::workshop).
    ///
    /// # Errors
    /// [`NoWorkshop`].
    pub async fn outside(outside: &Outside, bin_dir: Option<&Path>, tag: &str) -> Result<Self, NoWorkshop> {
        let config: Config = outside.admin_url.expose_secret().parse().map_err(|_| NoWorkshop::Url)?;
        let Some(Host::Tcp(host)) = config.get_hosts().first() else { return Err(NoWorkshop::Url) };
        let port = config.get_ports().first().copied().unwrap_or(PORT);
        let reach = Reach { host: host.clone(), address: None, port, ssl_mode: config.get_ssl_mode() };
        let tls = Tls::new(outside.authority_pem.as_deref()).map_err(|_| NoWorkshop::Url)?;
        let programs =
            Programs::find(bin_dir, None).await.map_err(|error| NoWorkshop::Programs(Box::new(error)))?;
        let server = format!("{host}:{port}");
        let admin = Admin::outside(config, tls, server);
        Ok(Self { admin, reach, programs: programs.dir().to_owned(), tag: tag.to_owned() })
    }

    /// One of the server's programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// How to get to a database here.
    pub(crate) fn login(&self, user: &str, password: &Secret, database: &str) -> Login {
        Login {
            reach: self.reach.clone(),
            user: user.to_owned(),
            password: password.clone(),
            database: database.to_owned(),
        }
    }

    /// A name for something of a transfer's: `hokku_TAG_KIND_ID`.
    pub(crate) fn name(&self, kind: &str, id: model::id::TransferId) -> String {
        let hex: String = id.to_string().chars().filter(|c| *c != '-').collect();
        format!("{}{kind}_{hex}", self.prefix())
    }

    /// What all these names begin with.
    pub(crate) fn prefix(&self) -> String {
        format!("hokku_{}_", self.tag)
    }
}

impl Login {
    /// A database elsewhere, by its URL; none when it is not one.
    pub(crate) fn parse(url: &Secret) -> Option<Self> {
        let config: Config = url.expose_secret().parse().ok()?;
        let Some(Host::Tcp(host)) = config.get_hosts().first() else { return None };
        let password = String::from_utf8(config.get_password().unwrap_or_default().to_vec()).ok()?;
        let user = config.get_user()?.to_owned();
        Some(Self {
            reach: Reach {
                host: host.clone(),
                address: None,
                port: config.get_ports().first().copied().unwrap_or(PORT),
                ssl_mode: config.get_ssl_mode(),
            },
            database: config.get_dbname().unwrap_or(&user).to_owned(),
            user,
            password: Secret::new(password),
        })
    }

    /// A session of ours, with more settings than [`OPTIONS`] in `options`.
    pub(crate) async fn connect(&self, options: &str) -> Result<Session, ServiceError> {
        let Reach { host, address, port, ssl_mode } = &self.reach;
        let server = format!("{host}:{port}");
        let mut config = Config::new();
        config
            .host(host)
            .port(*port)
            .ssl_mode(*ssl_mode)
            .user(&self.user)
            .password(self.password.expose_secret())
            .dbname(&self.database)
            .application_name("hokku")
            .options(format!("{OPTIONS} {options}"))
            .connect_timeout(CONNECT_MAX);
        if let Some(address) = address {
            config.hostaddr(*address);
        }
        let open = async {
            // Any certificate will do, as with every client's `sslmode=require`.
            let tls = Tls::new(None)
                .map_err(|cause| ServiceError::Other { doing: "prepare TLS", cause: Box::new(cause) })?;
            let failed = |cause| ServiceError::Connect { server: server.clone(), cause };
            let (client, connection): (Client, _) = config.connect(tls).await.map_err(failed)?;
            let driver = tokio::spawn(async move { drop(connection.await) });
            Ok(Session::new(client, AbortOnDropHandle::new(driver)))
        };
        timeout(CONNECT_MAX, open)
            .await
            .map_err(|_| ServiceError::TimedOut { server: server.clone(), limit: CONNECT_MAX })?
    }

    /// The environment by which a program of Postgres gets there; nothing of it stands on its command line.
    pub(crate) fn environment(&self, options: &str) -> Vec<(&'static str, String)> {
        let ssl_mode = match self.reach.ssl_mode {
            SslMode::Disable => "disable",
            SslMode::Require => "require",
            _ => "prefer",
        };
        let mut all = vec![
            ("PGHOST", self.reach.host.clone()),
            ("PGPORT", self.reach.port.to_string()),
            ("PGUSER", self.user.clone()),
            ("PGPASSWORD", self.password.expose_secret().to_owned()),
            ("PGDATABASE", self.database.clone()),
            ("PGSSLMODE", ssl_mode.to_owned()),
            ("PGCONNECT_TIMEOUT", CONNECT_MAX.as_secs().to_string()),
            ("PGAPPNAME", "hokku".to_owned()),
            ("PGOPTIONS", options.to_owned()),
        ];
        all.extend(self.reach.address.map(|address| ("PGHOSTADDR", address.to_string())));
        all
    }
}
