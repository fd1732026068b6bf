//! The service of buckets as a process of its own: started, taken up again after a restart, restarted when it dies.
//!
//! ```text
//!  browsers ──► router (TLS, s3.<domain>) ──unix socket──► hokku buckets
//!  dynos ──gateway:PUBLIC PORT──(firewall)──► gateway:OWN PORT (TLS)──┘
//! ```
//! Dynos and browsers use one name and one port, because a signed URL holds both. A dyno finds the gateway under that
//! name; its public port is the router's, which dynos do not reach, so the firewall leads them to the service's own.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bucket::Client;
use model::site::Site;
use router::table::ControlRoute;
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::ca::Ca;
use crate::config::ServerArgs;
use crate::daemon::{Daemon, holds, settings};
use crate::layout::{Layout, write_secret};
use crate::outside_s3::OutsideFile;

/// How long the service may take until it has ended.
const GONE_WITHIN: Duration = Duration::from_secs(30);
/// How often its certificate is looked at; it is made anew long before it expires.
const RENEW_EVERY: Duration = Duration::from_secs(12 * 3600);

/// What the process reads at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketsFile {
    /// The folder of all buckets.
    pub dir: PathBuf,
    /// The data folder's key.
    pub key_file: PathBuf,
    /// The service's host name.
    pub host: String,
    /// Where the router brings requests.
    pub socket: PathBuf,
    /// Where the server asks.
    pub control_socket: PathBuf,
    /// Where dynos come, with TLS.
    pub listen: SocketAddr,
    /// The chain in PEM for those.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub private_key: PathBuf,
    /// Where the objects of new buckets are kept; none: in the folder.
    #[serde(default)]
    pub outside: Option<OutsideFile>,
}

/// Runs the service in this process until SIGTERM, or until the server asks for the end; what `hokku buckets FILE` does.
///
/// # Errors
/// When the file cannot be read or the service not start.
pub fn run(file: &Path) -> anyhow::Result<()> {
    let BucketsFile {
        dir,
        key_file,
        host,
        socket,
        control_socket,
        listen,
        certificate,
        private_key,
        outside,
    } = settings(file)?;
    let key =
        fs::read_to_string(&key_file).with_context(|| format!("could not read {}", key_file.display()))?;
    let key = STANDARD.decode(key.trim()).with_context(|| format!("{} is broken", key_file.display()))?;
    let listen = Some(listen);
    let outside = outside.as_ref().map(OutsideFile::open).transpose()?;
    let config =
        bucket::Config { dir, key, host, socket, control_socket, listen, certificate, private_key, outside };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let stop = CancellationToken::new();
        let told = stop.clone();
        tokio::spawn(async move {
            terminate.recv().await;
            told.cancel();
        });
        bucket::serve(config, crate::clock::wall(), stop).await.context("the buckets could not be served")
    })
}

/// The service that serves this data folder's buckets.
#[derive(Clone)]
pub(crate) struct Buckets {
    daemon: Daemon,
    config: BucketsFile,
    url: String,
    ca: Ca,
}

impl Buckets {
    /// Takes up the service that runs, or starts one. `gateway` is where dynos reach this machine.
    pub(crate) async fn open(
        args: &ServerArgs,
        layout: &Layout,
        exe: PathBuf,
        site: &Site,
        ca: &Ca,
        gateway: Ipv4Addr,
    ) -> anyhow::Result<Self> {
        let dir = layout.path("buckets");
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.context("could not make the folder of buckets")?;
        let daemon = Daemon {
            name: "the service of buckets",
            command: "buckets",
            exe,
            file: dir.join("buckets.json"),
            log: dir.join("buckets.log"),
            ending: CancellationToken::new(),
        };
        let known: Option<BucketsFile> = daemon.known();
        let outside = OutsideFile::of(args)?;
        let config = |port| BucketsFile {
            dir: dir.clone(),
            key_file: layout.path("hokku.key"),
            host: site.bucket_host(),
            socket: layout.path("run/buckets.sock"),
            control_socket: layout.path("run/buckets-control.sock"),
            listen: SocketAddr::new(gateway.into(), port),
            certificate: layout.path("tls/buckets.crt"),
            private_key: layout.path("tls/buckets.key"),
            outside: outside.clone(),
        };
        let known_port = known.as_ref().map_or(0, |known| known.listen.port());
        let mut buckets = Self { daemon, config: config(known_port), url: site.bucket_url(), ca: ca.clone() };
        buckets.write_certificate()?;
        if buckets.answers().await {
            if known.as_ref() == Some(&buckets.config) {
                info!("the buckets of the run before still serve");
                return Ok(buckets);
            }
            info!("the buckets of the run before were told otherwise; they end");
            buckets.client().end().await.context("could not end the buckets of the run before")?;
            buckets.wait_until_gone().await;
        }
        buckets.config = config(free_port(gateway, known_port)?);
        buckets.daemon.start(&buckets.config, || buckets.answers()).await?;
        Ok(buckets)
    }

    /// Asks the service.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.config.control_socket.clone())
    }

    /// Where everybody reaches it, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where the firewall has to lead dynos.
    pub(crate) fn port(&self) -> u16 {
        self.config.listen.port()
    }

    async fn answers(&self) -> bool {
        self.client().ping().await.is_ok()
    }

    /// Starts the service again whenever it is gone, and keeps its certificate fresh, until `stop`.
    pub(crate) async fn watch(&self, stop: CancellationToken) {
        let renewals = async {
            loop {
                tokio::time::sleep(RENEW_EVERY).await;
                if let Err(error) = self.write_certificate() {
                    error!(error = format!("{error:#}"), "could not renew the buckets' certificate");
                }
            }
        };
        tokio::select! {
            () = self.daemon.watch(&self.config, || self.answers(), &stop) => {}
            () = renewals => {}
        }
    }

    /// The orderly end.
    pub(crate) async fn stop(&self) {
        self.daemon.ending.cancel();
        match self.client().end().await {
            Ok(()) => self.wait_until_gone().await,
            Err(error) => warn!(error = &error as &dyn std::error::Error, "the buckets did not end"),
        }
    }

    async fn wait_until_gone(&self) {
        let lock = self.config.dir.join("lock");
        // Its lock is the last that it lets go of.
        let is_free = || async { File::open(&lock).is_ok_and(|file| file.try_lock().is_ok()) };
        if !holds(GONE_WITHIN, is_free).await {
            warn!("the buckets take longer to end than their requests may");
        }
    }

    /// For dynos, which trust the platform's own authority; the router has what browsers see.
    fn write_certificate(&self) -> anyhow::Result<()> {
        let names = BTreeSet::from([self.config.host.clone()]);
        let made = self.ca.certificate("buckets", &names)?;
        // Key and chain are two files; until both are there the service goes on with the old ones.
        for (path, text) in
            [(&self.config.private_key, &made.key_pem), (&self.config.certificate, &made.chain_pem)]
        {
            if fs::read_to_string(path).is_ok_and(|there| there == *text) {
                continue;
            }
            write_secret(path, text.as_bytes())
                .with_context(|| format!("could not write {}", path.display()))?;
        }
        Ok(())
    }
}

/// What the router needs to bring requests for buckets.
pub(crate) fn route(layout: &Layout, site: &Site) -> ControlRoute {
    let host = site.bucket_host();
    ControlRoute { hosts: vec![host.clone(), format!("*.{host}")], socket: layout.path("run/buckets.sock") }
}

/// The port of before if it is free, else another.
fn free_port(gateway: Ipv4Addr, wanted: u16) -> anyhow::Result<u16> {
    let tried = TcpListener::bind((gateway, wanted)).or_else(|_| TcpListener::bind((gateway, 0)));
    let listener = tried.with_context(|| format!("could not listen at {gateway}"))?;
    Ok(listener.local_addr()?.port())
}
