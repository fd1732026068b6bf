//! The router as a process of its own: started, taken up again after a restart, restarted when it dies.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use router::{Control, Limits, Listen, RouterConfig, Table};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::daemon::{Daemon, READY_WITHIN, holds, settings};
use crate::layout::Layout;

/// How long an orderly end lets requests finish.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);

/// What a router process reads at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterFile {
    /// Public addresses.
    pub listen: Vec<SocketAddr>,
    /// Its control socket.
    pub control_socket: PathBuf,
    /// Where it keeps the last table.
    pub table_file: PathBuf,
    /// Log spools.
    pub spool_dir: PathBuf,
}

/// Runs a router in this process until it is drained; what `hokku router FILE` does.
///
/// # Errors
/// When the file cannot be read or the router not start.
pub fn run(file: &Path) -> anyhow::Result<()> {
    let RouterFile { listen, control_socket, table_file, spool_dir } = settings(file)?;
    let listen = listen.into_iter().map(Listen::Address).collect();
    let config =
        RouterConfig { listen, control_socket, table_file, spool_dir, workers: 0, limits: Limits::default() };
    router::serve(config, crate::clock::wall()).context("the router could not start")
}

/// The router that serves this data folder.
#[derive(Debug, Clone)]
pub struct DataPlane {
    daemon: Daemon,
    config: RouterFile,
}

impl DataPlane {
    /// Describes the router of a data folder.
    #[must_use]
    pub fn new(layout: &Layout, exe: PathBuf, listen: Vec<SocketAddr>) -> Self {
        let config = RouterFile {
            listen,
            control_socket: layout.router_socket(),
            table_file: layout.path("router/table.json"),
            spool_dir: layout.path("spool"),
        };
        let daemon = Daemon {
            name: "the router",
            command: "router",
            exe,
            file: layout.path("router/router.json"),
            log: layout.path("router/router.log"),
            ending: CancellationToken::new(),
        };
        Self { daemon, config }
    }

    /// Gives a router that never had a table its first one, so that it has a certificate before its first connection.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn prepare(&self, table: &Table) -> anyhow::Result<()> {
        table.save_first(&self.config.table_file).context("could not write the router's first table")
    }

    /// Takes up the router that runs, or starts one.
    ///
    /// # Errors
    /// When it does not come up; the text holds what it said.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let known: Option<RouterFile> = self.daemon.known();
        if let Ok(mut control) = Control::connect(&self.config.control_socket).await {
            if known.as_ref() == Some(&self.config) {
                info!("the router of the run before still serves");
                return Ok(());
            }
            info!("the router of the run before has other addresses; it ends");
            control.drain(DRAIN_WITHIN).await.context("could not end the router of the run before")?;
            self.wait_until_gone().await;
        }
        self.daemon.start(&self.config, || self.answers()).await
    }

    async fn answers(&self) -> bool {
        Control::connect(&self.config.control_socket).await.is_ok()
    }

    /// Starts the router again whenever it is gone, until `stop`.
    pub async fn watch(&self, stop: CancellationToken) {
        self.daemon.watch(&self.config, || self.answers(), &stop).await;
    }

    /// Ends the router for good: no new connections, requests in flight finish.
    ///
    /// # Errors
    /// When it does not take the request.
    pub async fn drain(&self) -> anyhow::Result<()> {
        self.daemon.ending.cancel();
        let mut control = Control::connect(&self.config.control_socket).await?;
        control.drain(DRAIN_WITHIN).await?;
        self.wait_until_gone().await;
        Ok(())
    }

    async fn wait_until_gone(&self) {
        let is_gone = || async { !self.answers().await };
        if !holds(DRAIN_WITHIN + READY_WITHIN, is_gone).await {
            warn!("the router takes longer to end than its requests may");
        }
    }
}
