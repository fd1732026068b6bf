//! One git process that serves one request: its input is the request's body, its output the response's.
//!
//! A task looks after the process from start to end. When the client goes away, git is told to stop, in a way that
//! lets it remove its locks and quarantine; a hook that waits for a deploy ends with it, the deploy does not.

use std::error::Error;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tracing::{debug, error, info};

use crate::body::{BodyError, Decoder, feed};
use crate::command::{GitError, git};
use crate::hook::{PUSH_VAR, SOCKET_VAR};
use crate::pushes::{Push, PushGuard};
use crate::{Context, repo};

/// Largest piece of git's output sent at once.
const CHUNK_BYTES: usize = 32 << 10;
/// Pieces of output that wait for a slow client.
const CHUNKS_MAX: usize = 4;
/// How long a client may read nothing while there is something to read.
const SEND_WAIT: Duration = Duration::from_secs(120);
/// How long git may take to clean up once it was told to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Largest request of a fetch, in bytes: a list of what the client has and wants.
const WANTS_BYTES_MAX: u64 = 64 << 20;

/// The two services of smart HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Fetch and clone.
    UploadPack,
    /// Push.
    ReceivePack,
}

impl Service {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::UploadPack, Self::ReceivePack].into_iter().find(|service| service.name() == name)
    }

    /// The name in URLs and media types.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }

    const fn command(self) -> &'static str {
        match self {
            Self::UploadPack => "upload-pack",
            Self::ReceivePack => "receive-pack",
        }
    }
}

/// What git writes for the client.
#[derive(Debug)]
pub(crate) struct Output {
    chunks: mpsc::Receiver<Result<Bytes, BodyError>>,
}

impl Output {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        self.chunks.recv().await
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static {
        stream::unfold(self, |mut output| async move { Some((output.next().await?, output)) })
    }
}

/// What is served to whom.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) service: Service,
    /// The value for git's protocol variable, if the client asks for a newer protocol.
    pub(crate) protocol: Option<String>,
    /// The push, if it is one.
    pub(crate) push: Option<PushGuard>,
    /// A place among the git processes that may run at once.
    pub(crate) slot: OwnedSemaphorePermit,
}

/// Lists a repository's references.
pub(crate) fn advertise(cx: &Context, repo: &Path, job: Job) -> Result<Output, GitError> {
    let mut command = service(repo, &job);
    command.args(["--stateless-rpc", "--http-backend-info-refs"]).arg(repo);
    start(cx, command, job, None)
}

/// Serves a fetch or a push.
pub(crate) fn exchange(
    cx: &Context,
    repo: &Path,
    job: Job,
    body: Body,
    decoder: Decoder,
) -> Result<Output, GitError> {
    let mut command = service(repo, &job);
    if let Some(guard) = &job.push {
        command.env(PUSH_VAR, guard.push.id.to_string()).env(SOCKET_VAR, &cx.inner.config.hook_socket);
    }
    command.arg("--stateless-rpc").arg(repo).stdin(Stdio::piped());
    start(cx, command, job, Some((body, decoder)))
}

fn service(repo: &Path, job: &Job) -> Command {
    let mut command = git(repo);
    // Git's services take the repository as an argument.
    command.env_remove("GIT_DIR").arg(job.service.command());
    if let Some(protocol) = &job.protocol {
        command.env("GIT_PROTOCOL", protocol);
    }
    command.stdout(Stdio::piped()).process_group(0);
    command
}

fn start(
    cx: &Context,
    mut command: Command,
    job: Job,
    input: Option<(Body, Decoder)>,
) -> Result<Output, GitError> {
    let what = job.service.command();
    let mut child = command.spawn().map_err(|cause| GitError::Run { what, cause })?;
    let (chunks, received) = mpsc::channel(CHUNKS_MAX);
    let streams = (child.stdin.take(), child.stdout.take());
    let cx = cx.clone();
    let tasks = cx.inner.tasks.clone();
    tasks.spawn(async move { look_after(&cx, child, streams, job, input, chunks).await });
    Ok(Output { chunks: received })
}

async fn look_after(
    cx: &Context,
    mut child: Child,
    (stdin, stdout): (Option<ChildStdin>, Option<ChildStdout>),
    job: Job,
    input: Option<(Body, Decoder)>,
    chunks: mpsc::Sender<Result<Bytes, BodyError>>,
) {
    let Job { service, push, slot, .. } = job;
    let bytes_max = match service {
        Service::UploadPack => WANTS_BYTES_MAX,
        // Git itself refuses a pack over its limit, in words; this only ends what goes on sending for too long.
        Service::ReceivePack => cx.inner.config.limits.pack_bytes.saturating_mul(2),
    };
    let feeding = async {
        match (input, stdin) {
            (Some((body, decoder)), Some(stdin)) => feed(body, decoder, stdin, bytes_max).await,
            _ => Ok(()),
        }
    };
    let served = tokio::select! {
        served = async { tokio::try_join!(feeding, pump(stdout, &chunks)) } => served.map(drop),
        () = chunks.closed() => {
            info!("a git client went away");
            stop(&mut child).await;
            Ok(())
        }
    };
    if let Err(reason) = served {
        debug!(error = &reason as &dyn Error, "a git request broke off");
        stop(&mut child).await;
        // Cuts the connection, if there is room for that; else git misses the end of the answer.
        let _ = chunks.try_send(Err(reason));
    }
    let status = child.wait().await;
    match &status {
        Ok(status) => debug!(%status, "git {} ended", service.command()),
        Err(error) => error!(%error, "git {} could not be awaited", service.command()),
    }
    drop(slot);
    if let Some(guard) = push {
        let push = guard.push.clone();
        // Before the client learns that it is over, so that its next push is not turned away.
        drop(guard);
        drop(chunks);
        after_push(cx, &push, status.is_ok_and(|status| status.success())).await;
    }
}

/// Passes git's output on until its end.
async fn pump(
    stdout: Option<ChildStdout>,
    chunks: &mpsc::Sender<Result<Bytes, BodyError>>,
) -> Result<(), BodyError> {
    let Some(mut stdout) = stdout else { return Ok(()) };
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(CHUNK_BYTES);
        if !matches!(stdout.read_buf(&mut buffer).await, Ok(1..)) {
            return Ok(());
        }
        // That the receiver is gone is noticed elsewhere.
        let sent = timeout(SEND_WAIT, chunks.send(Ok(buffer.split().freeze()))).await;
        sent.map(drop).map_err(|_| BodyError::Stalled)?;
    }
}

/// Ends git and all that it started: first so that it can clean up, then for certain.
async fn stop(child: &mut Child) {
    signal(child, Signal::SIGTERM);
    if timeout(STOP_GRACE, child.wait()).await.is_err() {
        signal(child, Signal::SIGKILL);
    }
}

fn signal(child: &Child, signal: Signal) {
    // A child that was not awaited yet keeps its number, and it leads a process group of that number.
    let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()) else { return };
    if let Err(errno) = killpg(Pid::from_raw(group), signal) {
        debug!(%errno, "git could not be told to stop");
    }
}

/// Puts the repository in order and notes its size.
async fn after_push(cx: &Context, push: &Push, succeeded: bool) {
    let app = push.app.id;
    let tidied = if succeeded {
        repo::tidy(&push.repo).await.map(Some)
    } else {
        let pushes = cx.inner.pushes.clone();
        repo::remove_quarantines(&push.repo, move || pushes.any(app)).await.map(|()| None)
    };
    let noted = match tidied {
        Ok(Some(bytes)) => cx.inner.config.store.write(move |tx| tx.set_repo_bytes(app, bytes)).await,
        Ok(None) => Ok(()),
        Err(error) => {
            return error!(app.id = %app, error = &error as &dyn Error, "a repository is out of order");
        }
    };
    if let Err(error) = noted {
        error!(app.id = %app, error = &error as &dyn Error, "a repository's size was not noted");
    }
}
