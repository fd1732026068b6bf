//! A process of ours that outlives the server, as the router does: started with a file that tells it everything, waited
//! for until it answers, and started again when it is gone.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::layout::write_secret;

/// How long it may take until it answers.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(10);
/// How often is looked whether it answers while it starts, or is gone while it ends.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often is looked whether it still lives.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// How to start one.
#[derive(Debug, Clone)]
pub(crate) struct Daemon {
    /// What people call it.
    pub(crate) name: &'static str,
    /// The command of this program that it runs.
    pub(crate) command: &'static str,
    /// This program.
    pub(crate) exe: PathBuf,
    /// What it reads at its start.
    pub(crate) file: PathBuf,
    /// What it says.
    pub(crate) log: PathBuf,
    /// It is meant to end: who watches does not start it again.
    pub(crate) ending: CancellationToken,
}

/// Reads what the server wrote for this process, and leaves the terminal session of whoever started the server.
pub(crate) fn settings<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    // It fails only if we lead a session already.
    let _ = nix::unistd::setsid();
    let text = fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is broken", file.display()))
}

/// Waits until it holds; false when it does not in time.
pub(crate) async fn holds<F: Future<Output = bool>>(within: Duration, is_so: impl Fn() -> F) -> bool {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(within, waiting).await.is_ok()
}

impl Daemon {
    /// What the one of the run before was told; none if there is nothing to be read.
    pub(crate) fn known<T: DeserializeOwned>(&self) -> Option<T> {
        fs::read_to_string(&self.file).ok().and_then(|text| serde_json::from_str(&text).ok())
    }

    /// Starts one, and waits until it answers.
    pub(crate) async fn start<F: Future<Output = bool>>(
        &self,
        settings: &impl Serialize,
        answers: impl Fn() -> F,
    ) -> anyhow::Result<()> {
        let Self { name, command, exe, file, log, ending: _ } = self;
        write_secret(file, &serde_json::to_vec_pretty(settings)?)
            .with_context(|| format!("could not write {}", file.display()))?;
        let said = File::create(log).with_context(|| format!("could not make {}", log.display()))?;
        let mut child = Command::new(exe)
            .arg(command)
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let ready = tokio::time::timeout(READY_WITHIN, ready(&mut child, answers)).await;
        let said = || fs::read_to_string(log).unwrap_or_default().trim().to_owned();
        match ready {
            Ok(Ok(None)) => {
                // Reaps it when it ends while we are here; later it is init's.
                tokio::spawn(async move { child.wait().await });
                Ok(())
            }
            Ok(Ok(Some(status))) => bail!("{name} ended at its start ({status}): {}", said()),
            Ok(Err(error)) => Err(error).with_context(|| format!("could not wait for {name}")),
            Err(_) => {
                let _ = child.kill().await;
                bail!("{name} did not start within {} s: {}", READY_WITHIN.as_secs(), said())
            }
        }
    }

    /// Starts it again whenever it is gone, until `stop`, or until it is meant to end.
    pub(crate) async fn watch<F: Future<Output = bool>>(
        &self,
        settings: &impl Serialize,
        answers: impl Fn() -> F,
        stop: &CancellationToken,
    ) {
        let name = self.name;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.ending.cancelled() => return,
                () = tokio::time::sleep(WATCH_EVERY) => {}
            }
            if !answers().await && !self.ending.is_cancelled() {
                warn!("{name} is gone; starting it again");
                if let Err(error) = self.start(settings, &answers).await {
                    error!(error = format!("{error:#}"), "could not start {name} again");
                }
            }
        }
    }
}

/// Its status, when it ended before it answered.
async fn ready<F: Future<Output = bool>>(
    child: &mut Child,
    answers: impl Fn() -> F,
) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if answers().await {
            return Ok(None);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
