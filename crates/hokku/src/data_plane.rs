//! The router as a process of its own: started, taken up again after a restart, restarted when it dies.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use router::{Control, Limits, Listen, RouterConfig, Table};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::layout::Layout;

/// How long a router may take until it answers at its control socket.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// How often is looked whether it answers while it starts, and whether it still lives.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const WATCH_EVERY: Duration = Duration::from_millis(500);
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
    // Not part of the terminal session of whoever started the server. It fails only if we lead one already.
    let _ = nix::unistd::setsid();
    let text = fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let RouterFile { listen, control_socket, table_file, spool_dir } =
        serde_json::from_str(&text).with_context(|| format!("{} is broken", file.display()))?;
    let listen = listen.into_iter().map(Listen::Address).collect();
    let config =
        RouterConfig { listen, control_socket, table_file, spool_dir, workers: 0, limits: Limits::default() };
    router::serve(config, crate::clock::wall()).context("the router could not start")
}

/// The router that serves this data folder.
#[derive(Debug, Clone)]
pub struct DataPlane {
    exe: PathBuf,
    file: PathBuf,
    log: PathBuf,
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
        Self { exe, file: layout.path("router/router.json"), log: layout.path("router/router.log"), config }
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
        let known: Option<RouterFile> =
            fs::read_to_string(&self.file).ok().and_then(|text| serde_json::from_str(&text).ok());
        if let Ok(mut control) = Control::connect(&self.config.control_socket).await {
            if known.as_ref() == Some(&self.config) {
                info!("the router of the run before still serves");
                return Ok(());
            }
            info!("the router of the run before has other addresses; it ends");
            control.drain(DRAIN_WITHIN).await.context("could not end the router of the run before")?;
            self.wait_until_gone().await;
        }
        self.start().await
    }

    async fn start(&self) -> anyhow::Result<()> {
        fs::write(&self.file, serde_json::to_vec_pretty(&self.config)?)
            .context("could not write router.json")?;
        let log = File::create(&self.log).context("could not make the router's log")?;
        let mut child = Command::new(&self.exe)
            .arg("router")
            .arg(&self.file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("could not start the router")?;
        let ready = async {
            loop {
                if let Some(status) = child.try_wait()? {
                    return Ok(Some(status));
                }
                if Control::connect(&self.config.control_socket).await.is_ok() {
                    return Ok::<_, io::Error>(None);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let ready = tokio::time::timeout(READY_WITHIN, ready).await;
        let said = || fs::read_to_string(&self.log).unwrap_or_default().trim().to_owned();
        match ready {
            Ok(Ok(None)) => {
                // Reaps it when it ends while we are here; later it is init's.
                tokio::spawn(async move { child.wait().await });
                Ok(())
            }
            Ok(Ok(Some(status))) => bail!("the router ended at its start ({status}): {}", said()),
            Ok(Err(error)) => Err(error).context("could not wait for the router"),
            Err(_) => {
                let _ = child.kill().await;
                bail!("the router did not start within {} s: {}", READY_WITHIN.as_secs(), said())
            }
        }
    }

    /// Starts the router again whenever it is gone, until `stop`.
    pub async fn watch(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(WATCH_EVERY) => {}
            }
            if Control::connect(&self.config.control_socket).await.is_err() {
                warn!("the router is gone; starting it again");
                if let Err(error) = self.start().await {
                    error!(error = format!("{error:#}"), "could not start the router again");
                }
            }
        }
    }

    /// Ends the router: no new connections, requests in flight finish.
    ///
    /// # Errors
    /// When it does not take the request.
    pub async fn drain(&self) -> anyhow::Result<()> {
        let mut control = Control::connect(&self.config.control_socket).await?;
        control.drain(DRAIN_WITHIN).await?;
        self.wait_until_gone().await;
        Ok(())
    }

    async fn wait_until_gone(&self) {
        let gone = async {
            while Control::connect(&self.config.control_socket).await.is_ok() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(DRAIN_WITHIN + READY_WITHIN, gone).await.is_err() {
            warn!("the router takes longer to end than its requests may");
        }
    }
}
