//! One life, followed from the server's side: its shim is started or found, listened to, told to stop, and what it
//! leaves is removed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use model::dyno::{Exit, ExitReason};
use model::id::DynoId;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{Inner, lost, spec};
use crate::engine::{LastWords, Life, News};
use crate::job::{self, Job, Phase, Status};

/// How long a shim may take to say that it can be spoken to.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Longest status line: twenty last lines and a little.
const STATUS_BYTES_MAX: u64 = 64 << 10;

/// Why a life could not be begun.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("no network for it")]
    Network(#[from] oci::network::NetworkError),
    #[error("its slug cannot be used")]
    Slug(#[from] spec::BadSlug),
    #[error("could not {doing}")]
    Io {
        doing: &'static str,
        #[source]
        cause: io::Error,
    },
    #[error("its supervisor did not start: {said}")]
    Shim { said: String },
}

fn io_error(doing: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |cause| StartError::Io { doing, cause }
}

/// Begins a life and follows it to its end.
pub(super) async fn start(inner: &Inner, life: &Life, stop: CancellationToken) -> (Exit, LastWords) {
    match begin(inner, life).await {
        Ok(address) => {
            inner.tell(life.dyno, life.number, News::Placed(address)).await;
            follow(inner, life.dyno, life.number, stop).await
        }
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, dyno.id = %life.dyno, "could not start {}", life.name);
            lost(ExitReason::NotStarted, &error.to_string())
        }
    }
}

/// Follows a life that an earlier server began.
pub(super) async fn adopt(
    inner: &Inner,
    dyno: DynoId,
    life: u32,
    stop: CancellationToken,
) -> (Exit, LastWords) {
    match job::read::<Job>(&inner.dir_of(dyno), job::JOB) {
        Ok(job) if job.life == life => {
            inner.tell(dyno, life, News::Placed(job.address)).await;
            follow(inner, dyno, life, stop).await
        }
        // The server ended between deciding to start it and starting it, or its folder was lost.
        _ => lost(ExitReason::Lost, "nothing is left of it"),
    }
}

async fn begin(inner: &Inner, life: &Life) -> Result<std::net::SocketAddrV4, StartError> {
    let dir = inner.dir_of(life.dyno);
    remove_folder(&dir).map_err(io_error("remove what an earlier life left"))?;
    std::fs::create_dir_all(&dir).map_err(io_error("make its folder"))?;
    let lease = inner.network.lease(&life.dyno.to_string()).await?;
    let job = spec::job(inner, life, &lease, &dir)?;
    job::write(&dir, job::JOB, &job).map_err(io_error("write its job"))?;
    spawn_shim(&inner.config.exe, &dir).await?;
    Ok(job.address)
}

/// Starts the shim and waits until it can be spoken to.
async fn spawn_shim(exe: &Path, dir: &Path) -> Result<(), StartError> {
    let log = File::create(dir.join(job::LOG)).map_err(io_error("make its supervisor's log"))?;
    let mut child = Command::new(exe)
        .arg("shim")
        .arg(dir)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(io_error("start its supervisor"))?;
    let ready = async {
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        BufReader::new(stdout).read_line(&mut line).await?;
        Ok::<_, io::Error>(line)
    };
    let ready = tokio::time::timeout(READY_WITHIN, ready).await;
    let is_ready = matches!(&ready, Ok(Ok(line)) if line == "ready\n");
    if !is_ready {
        // It may still be there, not ready in time: it must not start anything later.
        let _ = child.kill().await;
        let said = std::fs::read_to_string(dir.join(job::LOG)).unwrap_or_default();
        return Err(StartError::Shim { said: said.trim().to_owned() });
    }
    // Reaps it when it ends while we are here; later it is init's.
    tokio::spawn(async move { child.wait().await });
    Ok(())
}

/// Listens to the shim until the life is over.
async fn follow(inner: &Inner, dyno: DynoId, life: u32, stop: CancellationToken) -> (Exit, LastWords) {
    let dir = inner.dir_of(dyno);
    match listen(inner, dyno, life, &dir, stop).await {
        Ok(Some(end)) => end,
        Ok(None) => last_word(&dir, life),
        Err(error) => {
            warn!(error = &error as &dyn std::error::Error, dyno.id = %dyno, "lost the connection to a shim");
            last_word(&dir, life)
        }
    }
}

/// What a shim that is gone has left in its status file.
fn last_word(dir: &Path, life: u32) -> (Exit, LastWords) {
    let status = job::read::<Status>(dir, job::STATUS).ok().filter(|status| status.life == life);
    status
        .and_then(|status| status.exit())
        .unwrap_or_else(|| lost(ExitReason::Lost, "its supervisor was lost"))
}

async fn listen(
    inner: &Inner,
    dyno: DynoId,
    life: u32,
    dir: &Path,
    stop: CancellationToken,
) -> io::Result<Option<(Exit, LastWords)>> {
    let stream = match connect(dir, job::SOCKET).await {
        Ok(stream) => stream,
        // Nobody listens: the shim is gone.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(tokio::io::AsyncReadExt::take(reading, STATUS_BYTES_MAX));
    let mut stopped = false;
    let mut line = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled(), if !stopped => {
                stopped = true;
                writing.write_all(b"stop\n").await?;
            }
            length = lines.read_until(b'\n', &mut line) => {
                if length? == 0 {
                    return Ok(None);
                }
                let status: Status = serde_json::from_slice(&line)?;
                line.clear();
                lines.get_mut().set_limit(STATUS_BYTES_MAX);
                if status.phase == Phase::Up {
                    inner.tell(dyno, life, News::Up).await;
                }
                if let Some(end) = status.exit() {
                    return Ok(Some(end));
                }
            }
        }
    }
}

/// Connects to a socket in a dyno's folder, however long its path is.
pub(crate) async fn connect(dir: &Path, name: &str) -> io::Result<UnixStream> {
    let folder = File::open(dir)?;
    UnixStream::connect(job::socket_path(&folder, name)).await
}

/// Removes what is left of a dyno: its container, its folder, its network.
pub(super) async fn remove(inner: &Inner, dyno: DynoId) {
    let dir = inner.dir_of(dyno);
    let removed = tokio::task::spawn_blocking(move || {
        oci::container::cleanup(&dir.join(job::BOX)).map_err(|error| io::Error::other(error.to_string()))?;
        remove_folder(&dir)
    });
    if let Ok(Err(error)) = removed.await {
        error!(error = &error as &dyn std::error::Error, dyno.id = %dyno, "could not remove what a dyno left");
    }
    let name = dyno.to_string();
    let leases = inner.network.leases();
    if let Some(lease) = leases.iter().find(|lease| lease.name == name)
        && let Err(error) = inner.network.release(lease).await
    {
        error!(error = &error as &dyn std::error::Error, dyno.id = %dyno, "could not take back a dyno's network");
    }
}

fn remove_folder(dir: &PathBuf) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
