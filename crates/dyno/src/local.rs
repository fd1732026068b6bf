//! Dynos on this machine: each under a shim, in a network namespace of its own.
//!
//! The engine keeps nothing in memory that it needs after a restart: what was started stands in the dyno's folder, and
//! the shim tells how it goes. One task per life follows its shim from start to end.

mod follow;
mod spec;

pub(crate) use follow::connect;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::dyno::{Exit, ExitReason, STOP_GRACE};
use model::id::DynoId;
use oci::layers::Layers;
use oci::network::Network;
use oci::spec::Bind;
use slug::Blobs;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

use crate::engine::{Engine, LastWords, Life, News, Report};
use crate::job;

/// Reports that may wait for the stage.
const REPORTS_MAX: usize = 1024;
/// How long an orderly shutdown waits for dynos beyond their own grace time.
const SHUTDOWN_SLACK: Duration = Duration::from_secs(10);

/// What dynos on this machine are made from.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// Folder of all dynos.
    pub dir: PathBuf,
    /// The `hokku` program, which is also the shim.
    pub exe: PathBuf,
    /// Log spools.
    pub spool_dir: PathBuf,
    /// Transcripts of release commands.
    pub transcripts_dir: PathBuf,
    /// Images of the stack, lowest first.
    pub stack_layers: Vec<PathBuf>,
    /// What mounts images for all containers.
    pub layers: Layers,
    /// Files of the host that every dyno sees: resolver, certificates.
    pub binds: Vec<Bind>,
    /// Environment that every dyno gets before its config vars.
    pub env: Vec<(String, String)>,
    /// Cgroup that holds all dynos of this server.
    pub cgroup_parent: String,
    /// How long a web dyno may take to bind its port.
    pub boot_timeout: Duration,
}

/// The engine of this machine.
#[derive(Clone)]
pub struct Local {
    inner: Arc<Inner>,
}

struct Inner {
    config: LocalConfig,
    blobs: Blobs,
    network: Arc<Network>,
    reports: mpsc::Sender<Report>,
    lives: Mutex<HashMap<DynoId, Followed>>,
    tasks: TaskTracker,
}

/// A life that a task follows.
struct Followed {
    life: u32,
    stop: CancellationToken,
}

impl Local {
    /// Opens the engine; what it tells comes out of the returned channel.
    ///
    /// # Errors
    /// When the folder of the dynos cannot be made or read, or leases of an earlier run not be taken up.
    pub async fn open(
        config: LocalConfig,
        blobs: Blobs,
        network: Arc<Network>,
    ) -> Result<(Self, mpsc::Receiver<Report>), OpenError> {
        let failed = |cause| OpenError::Folder { dir: config.dir.clone(), cause };
        fs::create_dir_all(&config.dir).map_err(failed)?;
        // Builds lease under names of their own and do not survive the server, so only dynos are kept.
        let present: BTreeSet<String> = present(&config.dir).iter().map(ToString::to_string).collect();
        network.adopt(&present).await.map_err(OpenError::Network)?;
        let (reports, receiver) = mpsc::channel(REPORTS_MAX);
        let inner =
            Inner { config, blobs, network, reports, lives: Mutex::default(), tasks: TaskTracker::new() };
        Ok((Self { inner: Arc::new(inner) }, receiver))
    }

    /// Ends every dyno in the orderly way and waits for it; for the orderly end of the whole platform. Nothing may be
    /// started any more.
    pub async fn shutdown(&self) {
        for dyno in present(&self.inner.config.dir) {
            self.discard(dyno);
        }
        self.inner.tasks.close();
        let all = self.inner.tasks.wait();
        if tokio::time::timeout(STOP_GRACE + SHUTDOWN_SLACK, all).await.is_err() {
            error!("some dynos did not end in time; their shims go on and are taken up at the next start");
        }
    }

    /// Where the bytes of an attached dyno go.
    #[must_use]
    pub fn dir_of(&self, dyno: DynoId) -> PathBuf {
        self.inner.config.dir.join(dyno.to_string())
    }
}

/// Why the engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of the dynos.
    #[error("could not open the folder of the dynos, {dir}")]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The network.
    #[error("could not take up the networks of dynos that still run")]
    Network(#[source] oci::network::NetworkError),
}

impl Engine for Local {
    fn start(&self, life: Life) {
        let (dyno, number) = (life.dyno, life.number);
        self.follow(dyno, number, move |inner, stop| async move { follow::start(&inner, &life, stop).await });
    }

    fn adopt(&self, dyno: DynoId, life: u32) {
        self.follow(
            dyno,
            life,
            move |inner, stop| async move { follow::adopt(&inner, dyno, life, stop).await },
        );
    }

    fn stop(&self, dyno: DynoId, life: u32) {
        let known = {
            let lives = self.inner.lives.lock().unwrap_or_else(PoisonError::into_inner);
            lives.get(&dyno).map(|followed| {
                followed.stop.cancel();
                followed.life
            })
        };
        if known.is_none() {
            // Nobody follows it: take it up, and stop it then. If it is over, that is told.
            self.adopt(dyno, life);
            if let Some(followed) = self.inner.lives.lock().unwrap_or_else(PoisonError::into_inner).get(&dyno)
            {
                followed.stop.cancel();
            }
        }
    }

    fn present(&self) -> Vec<DynoId> {
        let lives = self.inner.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let followed: BTreeSet<DynoId> = lives.keys().copied().collect();
        drop(lives);
        followed
            .into_iter()
            .chain(present(&self.inner.config.dir))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    fn discard(&self, dyno: DynoId) {
        let life = job::read::<job::Job>(&self.dir_of(dyno), job::JOB).map_or(0, |job| job.life);
        self.stop(dyno, life);
    }
}

impl Local {
    /// Runs `work` as the one task that follows a dyno, then tells how it ended.
    fn follow<F>(&self, dyno: DynoId, life: u32, work: impl FnOnce(Arc<Inner>, CancellationToken) -> F)
    where
        F: Future<Output = (Exit, LastWords)> + Send + 'static,
    {
        let stop = CancellationToken::new();
        {
            let mut lives = self.inner.lives.lock().unwrap_or_else(PoisonError::into_inner);
            if lives.contains_key(&dyno) {
                return;
            }
            lives.insert(dyno, Followed { life, stop: stop.clone() });
        }
        let inner = Arc::clone(&self.inner);
        let work = work(Arc::clone(&inner), stop);
        self.inner.tasks.spawn(async move {
            let (exit, last_words) = work.await;
            follow::remove(&inner, dyno).await;
            inner.lives.lock().unwrap_or_else(PoisonError::into_inner).remove(&dyno);
            inner.tell(dyno, life, News::Exited { exit, last_words }).await;
        });
    }
}

impl Inner {
    fn dir_of(&self, dyno: DynoId) -> PathBuf {
        self.config.dir.join(dyno.to_string())
    }

    async fn tell(&self, dyno: DynoId, life: u32, news: News) {
        // Without a stage, as during shutdown, nobody needs to know: the next start sees what is left.
        let _ = self.reports.send(Report { dyno, life, news }).await;
    }
}

/// A life that could not be begun, or of which nothing is left.
fn lost(reason: ExitReason, why: &str) -> (Exit, LastWords) {
    (Exit { status: 1, reason }, LastWords { lines: vec![why.to_owned()], diagnosis: None })
}

/// Every dyno that has a folder.
fn present(dir: &Path) -> Vec<DynoId> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}
