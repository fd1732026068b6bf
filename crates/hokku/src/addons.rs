//! The data services: which Postgres there is, its stage, and the desk at which the API asks for add-ons.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use addon::attach::{self, RequestError};
use addon::bucketeer;
use addon::info::InfoError;
use addon::postgres::{Cluster, ClusterConfig, Databases, Outside, TlsFiles};
use addon::{Credentials, DatabaseService, Services, Upkeep};
use anyhow::Context;
use api::{AddonDesk, AddonRefusal, AddonWish, AttachWish, DatabaseLogin, DoneFuture, FactsFuture};
use logs::Logs;
use model::addon::{Addon, Attachment};
use model::config_var::Secret;
use model::database::Database;
use model::release::Release;
use model::site::Site;
use oci::network::Network;
use store::{Account, App, Store, Tx};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::buckets::Buckets;
use crate::ca::Ca;
use crate::config::ServerArgs;
use crate::layout::{Layout, write_secret};

/// The system user that Debian's packages make for Postgres.
const POSTGRES_USER: &str = "postgres";

/// Every data service of this server.
#[derive(Clone)]
pub(crate) struct Addons {
    /// The server that we run; none when an outside one is used.
    cluster: Option<Cluster>,
    postgres: Arc<dyn DatabaseService>,
    upkeep: Upkeep,
    buckets: Buckets,
    tls: Option<PostgresTls>,
}

impl Addons {
    /// Starts or takes up the data services, and lets dynos reach them.
    pub(crate) async fn open(
        args: &ServerArgs,
        site: &Site,
        layout: &Layout,
        ca: &Ca,
        network: &Network,
        exe: PathBuf,
    ) -> anyhow::Result<Self> {
        let gateway = network.gateway();
        let buckets = Buckets::open(args, layout, exe, site, ca, gateway).await?;
        // Dynos find both services at the gateway; the buckets under the port that everybody else uses.
        let mut allowed = vec![(gateway, buckets.port())];
        let redirect = [(site.port, buckets.port())];
        let deny = "could not let dynos reach the data services";
        if let Some(url) = &args.postgres_url {
            let admin_url = Secret::new(url.clone());
            let outside = Outside { admin_url, authority_pem: None, public_host: None };
            network.allow_by_name(&allowed, &redirect).await.context(deny)?;
            return Ok(Self {
                cluster: None,
                postgres: Arc::new(Databases::outside(outside)?),
                upkeep: args.upkeep(),
                buckets,
                tls: None,
            });
        }
        let tls = PostgresTls::new(site, layout, network);
        tls.write(ca)?;
        let cluster = Cluster::open(cluster_config(args, site, layout, &tls, network)?).await?;
        let port = cluster.endpoint().port;
        info!("Postgres serves apps at {}", cluster.endpoint());
        allowed.push((gateway, port));
        network.allow_by_name(&allowed, &redirect).await.context(deny)?;
        let postgres = cluster.databases();
        Ok(Self { cluster: Some(cluster), postgres, upkeep: args.upkeep(), buckets, tls: Some(tls) })
    }

    /// Starts what runs all the time.
    pub(crate) fn start(
        &self,
        running: &mut JoinSet<anyhow::Result<()>>,
        store: &Store,
        logs: &Logs,
        stop: &CancellationToken,
    ) {
        let cx = addon::Context {
            store: store.clone(),
            logs: logs.clone(),
            services: self.services(),
            upkeep: self.upkeep,
        };
        let stage = addon::stage(cx, stop.clone());
        running.spawn(async move { stage.await.context("the stage `addon` failed") });
        let (buckets, ended) = (self.buckets.clone(), stop.clone());
        running.spawn(async move {
            buckets.watch(ended).await;
            Ok(())
        });
        if let Some(cluster) = self.cluster.clone() {
            let stop = stop.clone();
            running.spawn(async move {
                cluster.watch(stop).await;
                Ok(())
            });
        }
    }

    fn services(&self) -> Services {
        let buckets = bucketeer::Buckets::new(self.buckets.client(), self.buckets.url().to_owned());
        Services { postgres: Arc::clone(&self.postgres), others: vec![Arc::new(buckets)] }
    }

    /// Renews the certificate of the Postgres that we run, when its time has come; Postgres looks at it every hour.
    pub(crate) fn renew_certificate(&self, ca: &Ca) -> anyhow::Result<()> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.write(ca))
    }

    /// The Postgres that we run; none when an outside one is used.
    pub(crate) const fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// What the API asks.
    pub(crate) fn desk(&self) -> Arc<dyn AddonDesk> {
        Arc::new(Desk { services: self.services(), grace: self.upkeep.grace })
    }

    /// Stops what we run.
    pub(crate) async fn stop(&self) {
        self.buckets.stop().await;
        if let Some(cluster) = &self.cluster
            && let Err(error) = cluster.stop().await
        {
            error!(error = &error as &dyn std::error::Error, "Postgres did not stop");
        }
    }
}

/// The host name of our Postgres: one that is right inside a dyno and on the user's machine alike. On a laptop that is
/// the address of the dynos' bridge; the official CLI treats the name `localhost` in its own ways.
pub(crate) fn postgres_host(site: &Site, network: &Network) -> String {
    if site.is_local() { network.gateway().to_string() } else { format!("pg.{}", site.domain) }
}

/// The certificate of the Postgres that we run.
#[derive(Debug, Clone)]
struct PostgresTls {
    /// What clients may call it.
    names: BTreeSet<String>,
    files: TlsFiles,
}

impl PostgresTls {
    fn new(site: &Site, layout: &Layout, network: &Network) -> Self {
        let hosts = [postgres_host(site, network), network.gateway().to_string(), "127.0.0.1".to_owned()];
        let (cert_pem, key_pem) = (layout.path("tls/postgres.crt"), layout.path("tls/postgres.key"));
        Self { names: hosts.into(), files: TlsFiles { cert_pem, key_pem } }
    }

    /// Writes what our authority makes, if the files hold another one.
    fn write(&self, ca: &Ca) -> anyhow::Result<()> {
        let made = ca.certificate("postgres", &self.names)?;
        for (path, text) in [(&self.files.key_pem, &made.key_pem), (&self.files.cert_pem, &made.chain_pem)] {
            if fs::read_to_string(path).ok().as_ref() != Some(text) {
                write_secret(path, text.as_bytes())
                    .with_context(|| format!("could not write {}", path.display()))?;
            }
        }
        Ok(())
    }
}

fn cluster_config(
    args: &ServerArgs,
    site: &Site,
    layout: &Layout,
    tls: &PostgresTls,
    network: &Network,
) -> anyhow::Result<ClusterConfig> {
    let host = postgres_host(site, network);
    let gateway = network.gateway();
    let mut listen: BTreeSet<IpAddr> = BTreeSet::from([IpAddr::from([127, 0, 0, 1]), gateway.into()]);
    if !site.is_local() {
        listen.extend(args.listen.first().map(std::net::SocketAddr::ip));
    }
    fs::create_dir_all(layout.path("postgres")).context("could not make the folder of Postgres")?;
    Ok(ClusterConfig {
        dir: layout.path("postgres"),
        bin_dir: args.postgres_bin_dir.clone(),
        port: args.postgres_port.unwrap_or(0),
        listen: listen.into_iter().collect(),
        advertised_host: host,
        tls: tls.files.clone(),
        os_user: POSTGRES_USER.to_owned(),
    })
}

/// Joins the API's questions with the add-ons' answers.
struct Desk {
    services: Services,
    grace: Duration,
}

fn refusal(error: RequestError) -> AddonRefusal {
    match error {
        RequestError::Store(error) => AddonRefusal::Store(error),
        asks @ RequestError::NeedsConfirmation { .. } => AddonRefusal::NeedsConfirmation(asks.to_string()),
        other => AddonRefusal::Invalid(other.to_string()),
    }
}

impl AddonDesk for Desk {
    fn request(&self, tx: &Tx<'_>, wish: &AddonWish<'_>) -> Result<(Addon, Release), AddonRefusal> {
        let request = attach::Request {
            app: wish.app.id,
            plan: wish.plan,
            name: wish.name,
            attachment: wish.attachment,
            user: wish.user.id,
        };
        let made = attach::request(tx, &request).map_err(refusal)?;
        Ok((made.addon, made.release))
    }

    fn destroy(&self, tx: &Tx<'_>, addon: &Addon, user: &Account) -> Result<Vec<Release>, AddonRefusal> {
        Ok(attach::destroy(tx, addon, user.id)?)
    }

    fn destroy_all(&self, tx: &Tx<'_>, app: &App, user: &Account) -> Result<Vec<Release>, AddonRefusal> {
        Ok(attach::destroy_all(tx, app.id, user.id)?)
    }

    fn attach(&self, tx: &Tx<'_>, wish: &AttachWish<'_>) -> Result<(Attachment, Vec<Release>), AddonRefusal> {
        let AttachWish { addon, app, name, replaces, user } = *wish;
        let asked = attach::Attach { addon, app: app.id, name, replaces, user: user.id };
        let service = self.services.of(addon.plan).ok_or_else(|| {
            AddonRefusal::Invalid(format!("This server does not offer {} any more.", addon.plan.service))
        })?;
        attach::attach(tx, &asked, service.as_ref()).map_err(refusal)
    }

    fn detach(&self, tx: &Tx<'_>, attachment: &Attachment, user: &Account) -> Result<Release, AddonRefusal> {
        attach::detach(tx, attachment, user.id).map_err(refusal)
    }

    fn rename(&self, tx: &Tx<'_>, addon: &Addon, name: &str) -> Result<(), AddonRefusal> {
        attach::rename(tx, addon, name).map_err(refusal)
    }

    fn login(&self, resource: &Secret) -> Result<DatabaseLogin, AddonRefusal> {
        let known = Credentials::parse(resource).map_err(|error| AddonRefusal::Invalid(error.to_string()))?;
        Ok(DatabaseLogin {
            host: known.endpoint().host.clone(),
            port: known.endpoint().port,
            database: known.database().to_owned(),
            user: known.user().to_owned(),
            password: known.password().clone(),
        })
    }

    fn disconnect<'a>(&'a self, addon: &'a Addon) -> DoneFuture<'a> {
        Box::pin(async move {
            let Some(resource) = &addon.resource else { return Ok(()) };
            let done = self.services.postgres.disconnect(resource).await;
            done.map_err(|error| AddonRefusal::Unreachable(Box::new(error)))
        })
    }

    fn facts<'a>(&'a self, addon: &'a Addon, database: &'a Database) -> FactsFuture<'a> {
        Box::pin(async move {
            match addon::info::look(self.services.postgres.as_ref(), addon, database, self.grace).await {
                Ok(facts) => Ok(facts
                    .into_iter()
                    .map(|fact| wire::DatabaseFact { name: fact.name.to_owned(), values: fact.values })
                    .collect()),
                Err(InfoError::Service(error)) => Err(AddonRefusal::Unreachable(Box::new(error))),
                Err(refusal) => Err(AddonRefusal::Invalid(refusal.to_string())),
            }
        })
    }
}

#[cfg(test)]
mod tests;
