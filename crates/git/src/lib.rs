//! The push: smart HTTP, authorisation, and the conversation with the developer while a deploy runs.
//!
//! ```text
//!  git push ──HTTP──► routes ──► git receive-pack ──► hooks/pre-receive ──► `hokku hook pre-receive`
//!                                   (quarantined pack)                          │ unix socket
//!            store: build, release ◄── source archive + create_build ◄── serve_hooks
//!            transcripts            ──► everything the developer reads ──► the hook's stderr ──► `remote: …`
//! ```
//! Packs, refs and quarantine are git's own work. Ours is who may do what, which push is a deploy, and what is said:
//! the hook waits until the release is decided, so the branch moves only when the pushed code is being served.
//! Killing any of these processes never harms a deploy: it is a row in the store, and its stages finish it.
//!
//! Not here: building, releasing, running dynos (other stages do that), `ssh`, git's "dumb" protocol, TLS.

mod access;
mod ask;
mod backend;
mod body;
mod command;
mod deploy;
pub mod hook;
mod hooks;
mod http;
mod plan;
mod pushes;
mod relay;
mod repo;
mod sweep;
mod voice;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use logs::Logs;
use logs::transcript::Transcripts;
use store::Store;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub use hooks::{ServeError, serve_hooks};
pub use http::routes;

use crate::pushes::Pushes;
use crate::repo::Repos;

/// Bounds of what git clients may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest pack of one push, in bytes.
    pub pack_bytes: u64,
    /// Largest source archive made of one commit, in bytes, not compressed.
    pub source_bytes: u64,
    /// Most git processes that serve fetches and reference lists at once.
    pub fetches: usize,
    /// Most pushes at once; each may wait for a build.
    pub pushes: usize,
    /// Longest that a push waits for its release; the deploy itself goes on after that.
    pub push_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pack_bytes: 1 << 30,
            source_bytes: 2 << 30,
            fetches: 16,
            pushes: 32,
            // A build may take 25 minutes and a release command an hour; the rest is waiting for a free builder.
            push_time: Duration::from_secs(3 * 60 * 60),
        }
    }
}

/// What [`Context::new`] needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store.
    pub store: Store,
    /// Where builds and release commands write what they say.
    pub transcripts: Transcripts,
    /// The apps' logs.
    pub logs: Logs,
    /// Where repositories are kept: a directory of ours alone.
    pub repos: PathBuf,
    /// Where source archives wait for their build, as `<build id>.tar`.
    pub sources: PathBuf,
    /// The unix socket between hooks and server.
    pub hook_socket: PathBuf,
    /// The program that git's hooks run as `PROGRAM hook pre-receive`.
    pub hokku_exe: PathBuf,
    /// Bounds.
    pub limits: Limits,
}

/// What requests and hooks share; clones are the same.
#[derive(Clone)]
pub struct Context {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) repos: Repos,
    pub(crate) pushes: Pushes,
    pub(crate) fetch_slots: Arc<Semaphore>,
    pub(crate) push_slots: Arc<Semaphore>,
    /// Every git process that serves a client is looked after by one of these tasks.
    pub(crate) tasks: TaskTracker,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Context {
    /// Puts the pieces together; touches no file.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let inner = Inner {
            repos: Repos::new(&config),
            pushes: Pushes::default(),
            fetch_slots: Arc::new(Semaphore::new(config.limits.fetches)),
            push_slots: Arc::new(Semaphore::new(config.limits.pushes)),
            tasks: TaskTracker::new(),
            config,
        };
        Self { inner: Arc::new(inner) }
    }
}
