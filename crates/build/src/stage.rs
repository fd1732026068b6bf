//! The loop: look at everything, decide, act.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use logs::Logs;
use logs::transcript::Transcripts;
use model::id::BuildId;
use model::site::Site;
use oci::layers::Layers;
use oci::network::Network;
use slug::{Blobs, Runtimes, Stacks};
use store::{Store, StoreError, Topic};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::machine::Machine;
use crate::plan::{Action, Seen, plan};
use crate::{act, python, work};

/// The net under lost wake-ups.
const SCAN_EVERY: Duration = Duration::from_secs(30);

/// What a build may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many builds run at once, each of another app.
    pub builders: usize,
    /// The longest that a build may take (Heroku: 25 minutes).
    pub compile: Duration,
    /// Memory of a build's container in bytes, what it keeps in `scratch_bytes` included.
    pub memory_bytes: u64,
    /// Bytes of memory a build may keep its files in, where the machine has so much to spare; else they are on disk.
    pub scratch_bytes: u64,
    /// Most processes and threads.
    pub processes: u32,
}

impl Default for Limits {
    /// Two builders, 25 minutes, 4 GiB of memory, 2 GiB of it for files, 4096 processes.
    fn default() -> Self {
        Self {
            builders: 2,
            compile: Duration::from_secs(25 * 60),
            memory_bytes: 4 << 30,
            scratch_bytes: 2 << 30,
            processes: 4096,
        }
    }
}

/// What this stage works with.
#[derive(Clone)]
pub struct Context {
    /// The truth.
    pub store: Store,
    /// App logs.
    pub logs: Logs,
    /// Build transcripts.
    pub transcripts: Transcripts,
    /// Layers.
    pub blobs: Blobs,
    /// What mounts images for all containers.
    pub layers: Layers,
    /// Stack bases.
    pub stacks: Stacks,
    /// Pythons.
    pub runtimes: Runtimes,
    /// Networks for build containers.
    pub network: Arc<Network>,
    /// Where pushed source archives lie, by the name in the build.
    pub sources: PathBuf,
    /// A folder of this stage alone: one folder per running build.
    pub builds: PathBuf,
    /// A folder of this stage alone: what makes the next build faster (wheel stores and the like), by account.
    pub cache: PathBuf,
    /// The program whose `build-box` subcommand is [`crate::sandbox::run_box`].
    pub box_program: PathBuf,
    /// The `uv` program; it runs inside containers too, so it must find its libraries on the stack (PyPI's does).
    pub uv: PathBuf,
    /// The machine's settings for package clients.
    pub machine: Machine,
    /// Lines of `/etc/hosts` for services of this platform that a build may use.
    pub hosts: String,
    /// The cgroup under which this server's containers are (`oci::spec::Spec::cgroup_parent`).
    pub cgroup_parent: String,
    /// What builds may use.
    pub limits: Limits,
    /// Public addresses, for the log line that says where a failed build's output is.
    pub site: Site,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("store", &self.store)
            .field("builds", &self.builds)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// The scripts that run in containers.
    pub(crate) fn kit(&self) -> PathBuf {
        self.builds.join("kit")
    }
}

/// Runs until `stop`. Builds that run then are ended; the next server builds them again.
///
/// # Errors
/// When the store cannot be read; a failed build is the developer's or the operator's to read about, not an error.
pub async fn stage(cx: Context, stop: CancellationToken) -> Result<(), StoreError> {
    let prepared = act::blocking({
        let cx = cx.clone();
        move || work::clean(&cx.builds).and_then(|()| python::kit::write(&cx.kit()))
    });
    if let Err(error) | Ok(Err(error)) = prepared.await {
        // Builds will say so, one by one, which is better than no platform at all.
        error!(error = &error as &dyn std::error::Error, "the builders could not be set up");
    }
    let mut wake = cx.store.watch(&[Topic::Builds]);
    let mut mine: HashMap<Id, BuildId> = HashMap::new();
    let mut builders = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = wake.changed_or_after(SCAN_EVERY) => {}
            Some(ended) = builders.join_next_with_id() => {
                // One that panicked is given back by the next scan, like a dead server's.
                mine.remove(&ended.map_or_else(|error| error.id(), |(task, ())| task));
            }
        }
        let open = cx.store.read(|tx| tx.open_builds()).await?;
        let seen = Seen { open, mine: mine.values().copied().collect(), builders: cx.limits.builders };
        for action in plan(&seen) {
            match action {
                Action::Interrupt(build) => act::interrupt(&cx, &build).await,
                Action::Start(build) => {
                    let id = build.id;
                    let task = builders.spawn(act::build(cx.clone(), build));
                    mine.insert(task.id(), id);
                }
            }
        }
    }
    builders.shutdown().await;
    Ok(())
}
