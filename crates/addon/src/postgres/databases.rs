//! The add-ons' databases in a server: made, removed and measured by SQL that works on our own server and on one
//! that somebody else runs.
//!
//! Names come from [`Credentials`], which has no characters that need quoting.

use std::fmt;
use std::time::Duration;

use model::addon::{POSTGRES, Plan, config_keys};
use model::config_var::Secret;
use postgres_protocol::password::scram_sha_256;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Row};

use crate::credentials::Credentials;
use crate::postgres::admin::{Admin, Session};
use crate::postgres::tls::Tls;
use crate::postgres::{restriction, rotation, rows};
use crate::service::{
    BadResource, DataService, DatabaseInfo, DatabaseService, Endpoint, Restriction, ServiceError, Values,
    Work,
};

/// How long a session may sit in a transaction without a word: it keeps the database from tidying up.
const IDLE_IN_TRANSACTION: &str = "1h";
const PORT: u16 = 5432;
/// Longest wait for all of a piece of work.
const WORK_MAX: Duration = Duration::from_secs(120);

/// The databases of one server.
#[derive(Debug)]
pub struct Databases {
    admin: Admin,
    endpoint: Endpoint,
}

/// A server that somebody else runs.
#[derive(Clone)]
pub struct Outside {
    /// `postgres://user:password@host:port/database` of a role that may make roles and databases, with
    /// `?sslmode=disable` where the server has no TLS.
    pub admin_url: Secret,
    /// Certificates (PEM) of the authority that vouches for the server; none believes any server.
    pub authority_pem: Option<Vec<u8>>,
    /// The host name that apps use, where it is not that of the URL.
    pub public_host: Option<String>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("public_host", &self.public_host).finish_non_exhaustive()
    }
}

/// Why an outside server cannot be used as it is described.
#[derive(Debug, thiserror::Error)]
pub enum BadOutside {
    /// The URL is none. It is not shown, for it holds a password.
    #[error("the URL of the outside Postgres is not of the form postgres://user:password@host:port/database")]
    Url,
    /// The authority's certificates cannot be read.
    #[error("the certificate file for the outside Postgres holds no usable certificate")]
    Authority,
}

/// What makes an add-on usable, in order. Each step completes what an interrupted one left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Role,
    Database,
    Ownership,
}

impl Step {
    pub(crate) const ALL: [Self; 3] = [Self::Role, Self::Database, Self::Ownership];
}

impl Databases {
    /// Those of our own server.
    pub(crate) const fn of_cluster(admin: Admin, endpoint: Endpoint) -> Self {
        Self { admin, endpoint }
    }

    /// Where apps reach it.
    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Those of a server elsewhere. It is not contacted yet.
    ///
    /// # Errors
    /// [`BadOutside`].
    pub fn outside(outside: Outside) -> Result<Self, BadOutside> {
        let mut config: Config = outside.admin_url.expose_secret().parse().map_err(|_| BadOutside::Url)?;
        let Some(Host::Tcp(host)) = config.get_hosts().first() else { return Err(BadOutside::Url) };
        let port = config.get_ports().first().copied().unwrap_or(PORT);
        let at = Endpoint { host: host.clone(), port };
        let tls = Tls::new(outside.authority_pem.as_deref()).map_err(|_| BadOutside::Authority)?;
        if outside.authority_pem.is_some() {
            // Whoever stands in between could otherwise say that the server has no TLS.
            config.ssl_mode(SslMode::Require);
        }
        let endpoint = Endpoint { host: outside.public_host.unwrap_or_else(|| at.host.clone()), port };
        Ok(Self { admin: Admin::outside(config, tls, at.to_string()), endpoint })
    }

    /// Does one step; doing it again changes nothing.
    pub(crate) async fn take(
        &self,
        step: Step,
        credentials: &Credentials,
        plan: &Plan,
    ) -> Result<(), ServiceError> {
        match step {
            Step::Role => self.make_role(credentials, plan).await,
            Step::Database => self.make_database(credentials).await,
            Step::Ownership => self.hand_over(credentials).await,
        }
    }

    /// The server gets a verifier instead of the password: statements may end up in a server's log.
    async fn make_role(&self, credentials: &Credentials, plan: &Plan) -> Result<(), ServiceError> {
        let on = self.on(credentials, None).await?;
        let user = credentials.user();
        let make = match on.role_exists(user).await? {
            true => String::new(),
            false => format!("CREATE ROLE \"{user}\";"),
        };
        let verifier = scram_sha_256(credentials.password().expose_secret().as_bytes());
        let connections = plan.connections;
        // Being its member lets us give it a database where we are no superuser.
        on.run(
            "make the role",
            &format!(
                "{make}
                 ALTER ROLE \"{user}\" LOGIN CONNECTION LIMIT {connections} PASSWORD '{verifier}';
                 ALTER ROLE \"{user}\" SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION}';
                 GRANT \"{user}\" TO CURRENT_USER"
            ),
        )
        .await
    }

    async fn make_database(&self, credentials: &Credentials) -> Result<(), ServiceError> {
        let on = self.on(credentials, None).await?;
        if on.database_exists().await? {
            return Ok(());
        }
        let (database, user) = (credentials.database(), credentials.user());
        let statement =
            format!("CREATE DATABASE \"{database}\" OWNER \"{user}\" TEMPLATE template0 ENCODING 'UTF8'");
        on.run("create", &statement).await
    }

    /// What is in it, and who may connect, is its owner's affair alone.
    async fn hand_over(&self, credentials: &Credentials) -> Result<(), ServiceError> {
        let (database, user) = (credentials.database(), credentials.user());
        let on = self.on(credentials, Some(database)).await?;
        let statement = format!(
            "REVOKE ALL ON DATABASE \"{database}\" FROM PUBLIC; ALTER SCHEMA public OWNER TO \"{user}\""
        );
        on.run("hand over", &statement).await
    }

    async fn drop_all(&self, credentials: &Credentials) -> Result<(), ServiceError> {
        let on = self.on(credentials, None).await?;
        let (database, user) = (credentials.database(), credentials.user());
        if on.role_exists(user).await? {
            // An app that reconnects in a loop would otherwise find the moment between two statements.
            on.run("lock out the role", &format!("ALTER ROLE \"{user}\" NOLOGIN")).await?;
        }
        if on.database_exists().await? {
            on.run("drop", &format!("DROP DATABASE \"{database}\" WITH (FORCE)")).await?;
        }
        on.run("drop the role", &format!("DROP ROLE IF EXISTS \"{user}\"")).await
    }

    /// Looks at a database; rows are counted if the plan asks for that.
    async fn look(
        &self,
        credentials: &Credentials,
        plan: Option<&Plan>,
    ) -> Result<DatabaseInfo, ServiceError> {
        let on = self.inside(credentials).await?;
        let user = credentials.user();
        let row = on.one(MEASURE, &[&user]).await?.ok_or_else(|| self.missing(credentials))?;
        let version: String = row.get("version");
        let mut info = DatabaseInfo {
            version: version.split(' ').next().unwrap_or_default().to_owned(),
            bytes: count(&row, "bytes"),
            connections: u32::try_from(count(&row, "connections")).unwrap_or(u32::MAX),
            tables: u32::try_from(count(&row, "tables")).unwrap_or(u32::MAX),
            rows: count(&row, "rows"),
        };
        if plan.and_then(|plan| plan.rows).is_some_and(|most| most <= rows::COUNTED_MAX)
            && let Some(rows) = rows::count(on.client()).await
        {
            info.rows = rows;
        }
        Ok(info)
    }

    async fn limit_connections(
        &self,
        credentials: &Credentials,
        connections: u32,
    ) -> Result<(), ServiceError> {
        let on = self.on(credentials, None).await?;
        let user = credentials.user();
        on.run("limit the connections", &format!("ALTER ROLE \"{user}\" CONNECTION LIMIT {connections}"))
            .await
    }

    async fn find_identity(&self, credentials: &Credentials) -> Result<u32, ServiceError> {
        let on = self.on(credentials, None).await?;
        on.identity().await?.ok_or_else(|| self.missing(credentials))
    }

    /// Whoever is connected is thrown out; the empty database is as a new one.
    async fn empty(&self, credentials: &Credentials, identity: u32) -> Result<(), ServiceError> {
        let on = self.on(credentials, None).await?;
        if on.identity().await? == Some(identity) {
            let statement = format!("DROP DATABASE \"{}\" WITH (FORCE)", credentials.database());
            on.run("drop", &statement).await?;
        }
        self.make_database(credentials).await?;
        self.hand_over(credentials).await
    }

    async fn throw_out(&self, credentials: &Credentials) -> Result<(), ServiceError> {
        let on = self.on(credentials, None).await?;
        let query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = $1 AND pid <> pg_backend_pid()";
        on.one(query, &[&credentials.database()]).await.map(drop)
    }

    pub(crate) fn missing(&self, credentials: &Credentials) -> ServiceError {
        ServiceError::Missing {
            server: self.admin.server().to_owned(),
            database: credentials.database().to_owned(),
        }
    }

    /// The server's own limits end a slow statement; this one ends a server that is silent.
    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        timeout(WORK_MAX, work).await.unwrap_or_else(|_| {
            Err(ServiceError::TimedOut { server: self.admin.server().to_owned(), limit: WORK_MAX })
        })
    }

    /// A session in the add-on's database.
    pub(crate) async fn inside<'a>(&self, credentials: &'a Credentials) -> Result<On<'a>, ServiceError> {
        if !self.on(credentials, None).await?.database_exists().await? {
            return Err(self.missing(credentials));
        }
        self.on(credentials, Some(credentials.database())).await
    }

    /// A session for work on an add-on's database, in a database of the server.
    pub(crate) async fn on<'a>(
        &self,
        credentials: &'a Credentials,
        database: Option<&str>,
    ) -> Result<On<'a>, ServiceError> {
        Ok(On { session: self.admin.connect(database).await?, database: credentials.database() })
    }
}

/// Rows are estimated from statistics that the server keeps anyway. A crash loses them; then what the last vacuum found
/// stands in.
const MEASURE: &str = "
    SELECT current_setting('server_version') AS version,
           pg_database_size(current_database()) AS bytes,
           (SELECT count(*) FROM pg_stat_activity WHERE usename = $1) AS connections,
           (SELECT count(*) FROM pg_stat_user_tables) AS tables,
           (SELECT coalesce(sum(CASE WHEN n_live_tup > 0 THEN n_live_tup ELSE greatest(reltuples, 0) END), 0)::bigint
              FROM pg_stat_user_tables JOIN pg_class ON oid = relid) AS rows";

fn count(row: &Row, column: &str) -> u64 {
    u64::try_from(row.get::<_, i64>(column)).unwrap_or(0)
}

impl DataService for Databases {
    fn name(&self) -> &'static str {
        POSTGRES
    }

    fn address(&self) -> String {
        self.endpoint.to_string()
    }

    fn make_up(&self) -> Secret {
        Credentials::make_up(&self.endpoint).url()
    }

    fn create<'a>(&'a self, resource: &'a Secret, plan: &'a Plan) -> Work<'a, ()> {
        Box::pin(self.limited(async move {
            let credentials = Credentials::parse(resource)?;
            for step in Step::ALL {
                self.take(step, &credentials, plan).await?;
            }
            Ok(())
        }))
    }

    fn remove<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        Box::pin(self.limited(async move { self.drop_all(&Credentials::parse(resource)?).await }))
    }

    fn moved(&self, resource: &Secret) -> Result<Option<Secret>, BadResource> {
        let known = Credentials::parse(resource)?;
        Ok((*known.endpoint() != self.endpoint).then(|| known.at(&self.endpoint).url()))
    }

    fn find<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        Box::pin(self.limited(async move { self.look(&Credentials::parse(resource)?, None).await.map(drop) }))
    }

    fn values(&self, resource: &Secret, attachment: &str) -> Result<Values, BadResource> {
        let keys = config_keys(POSTGRES, attachment).unwrap_or_default();
        Ok(keys.into_iter().map(|key| (key, resource.clone())).collect())
    }
}

impl DatabaseService for Databases {
    fn measure<'a>(&'a self, resource: &'a Secret, plan: &'a Plan) -> Work<'a, DatabaseInfo> {
        Box::pin(self.limited(async move { self.look(&Credentials::parse(resource)?, Some(plan)).await }))
    }

    fn equip<'a>(&'a self, resource: &'a Secret, connections: u32) -> Work<'a, ()> {
        Box::pin(self.limited(async move {
            self.limit_connections(&Credentials::parse(resource)?, connections).await
        }))
    }

    fn renew(&self, resource: &Secret) -> Result<Secret, BadResource> {
        Ok(Credentials::parse(resource)?.renew().at(&self.endpoint).url())
    }

    fn switch<'a>(&'a self, old: &'a Secret, new: &'a Secret, plan: &'a Plan) -> Work<'a, ()> {
        Box::pin(self.limited(async move {
            let (old, new) = (Credentials::parse(old)?, Credentials::parse(new)?);
            rotation::switch(self, &old, &new, plan).await
        }))
    }

    fn retire<'a>(&'a self, old: &'a Secret, new: &'a Secret, plan: &'a Plan) -> Work<'a, ()> {
        Box::pin(self.limited(async move {
            let (old, new) = (Credentials::parse(old)?, Credentials::parse(new)?);
            rotation::retire(self, &old, &new, plan).await
        }))
    }

    fn identity<'a>(&'a self, resource: &'a Secret) -> Work<'a, u32> {
        Box::pin(self.limited(async move { self.find_identity(&Credentials::parse(resource)?).await }))
    }

    fn replace<'a>(&'a self, resource: &'a Secret, identity: u32) -> Work<'a, ()> {
        Box::pin(self.limited(async move { self.empty(&Credentials::parse(resource)?, identity).await }))
    }

    fn restrict<'a>(&'a self, resource: &'a Secret, restriction: Restriction) -> Work<'a, ()> {
        Box::pin(self.limited(async move {
            restriction::take(self, &Credentials::parse(resource)?, restriction).await
        }))
    }

    fn free<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        Box::pin(
            self.limited(async move { restriction::give_back(self, &Credentials::parse(resource)?).await }),
        )
    }

    fn disconnect<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        Box::pin(self.limited(async move { self.throw_out(&Credentials::parse(resource)?).await }))
    }
}

/// A session that works on one add-on's database.
pub(crate) struct On<'a> {
    session: Session,
    database: &'a str,
}

impl On<'_> {
    pub(crate) fn client(&self) -> &Client {
        &self.session.client
    }

    pub(crate) async fn run(&self, doing: &'static str, statement: &str) -> Result<(), ServiceError> {
        self.client().batch_execute(statement).await.map_err(|cause| self.failed(doing, cause))
    }

    pub(crate) async fn one(
        &self,
        query: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, ServiceError> {
        self.client().query_opt(query, values).await.map_err(|cause| self.failed("look for parts", cause))
    }

    async fn database_exists(&self) -> Result<bool, ServiceError> {
        Ok(self.identity().await?.is_some())
    }

    /// The number by which the server knows the database, whatever it is called; none when there is no such database.
    async fn identity(&self) -> Result<Option<u32>, ServiceError> {
        let found = self.one("SELECT oid FROM pg_database WHERE datname = $1", &[&self.database]).await?;
        Ok(found.map(|row| row.get("oid")))
    }

    pub(crate) async fn role_exists(&self, user: &str) -> Result<bool, ServiceError> {
        Ok(self.one("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&user]).await?.is_some())
    }

    fn failed(&self, doing: &'static str, cause: tokio_postgres::Error) -> ServiceError {
        ServiceError::Statement { doing, database: self.database.to_owned(), cause }
    }
}

#[cfg(test)]
mod tests;
