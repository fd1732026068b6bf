//! One step of a build: a container in a child process of its own.
//!
//! ```text
//! server ── spawn ──► hokku build-box DIR/spec.json ── oci ──► container
//!    ▲  ◄── one pipe: output of everything inside ──────────────┘
//!    └── leash: the child's stdin; when its other end is closed, by us or by our death, the child ends the container
//! ```
//! A child, because `oci` needs a process with one thread. A leash and not a parent-death signal, because that one
//! fires when the *thread* that spawned ends, which threads of an async runtime do.

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio as ProcessStdio;

use model::error::chain;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use oci::container::{self, Exit, Stdio};
use oci::runtime::CommandRuntime;
use oci::spec::Spec;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

use crate::act::blocking;
use crate::failure::{PlatformError, file};

/// The subcommand of the program that runs a container.
const SUBCOMMAND: &str = "build-box";
const SPEC: &str = "spec.json";
const OUTCOME: &str = "outcome.json";
/// Bytes of output taken at a time.
const CHUNK_BYTES: usize = 16 << 10;

/// How a container ended, or why it did not start; written by the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ended(Exit),
    Failed(String),
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, or killed by the kernel.
    Exit(Exit),
    /// Its time was over.
    TimedOut,
}

/// Runs a container in `dir`, an own folder; `output` gets what it prints. Dropping the future ends the container.
pub(crate) async fn run(
    program: &Path,
    dir: &Path,
    spec: &Spec,
    deadline: Instant,
    mut output: impl FnMut(&[u8]) -> Result<(), PlatformError>,
) -> Result<Ended, PlatformError> {
    let spec_at = dir.join(SPEC);
    write_private(
        &spec_at,
        &serde_json::to_vec(spec).map_err(io::Error::from).map_err(file("write", &spec_at))?,
    )
    .map_err(file("write", &spec_at))?;
    let broken = |cause: io::Error| PlatformError::Box { said: cause.to_string() };
    let unclean = |error: container::CleanupError| PlatformError::Box { said: chain(&error) };
    let (ours, theirs) = io::pipe().map_err(broken)?;
    let mut child = Command::new(program)
        .arg(SUBCOMMAND)
        .arg(&spec_at)
        .env_clear()
        .stdin(ProcessStdio::piped())
        .stdout(theirs.try_clone().map_err(broken)?)
        .stderr(theirs)
        .spawn()
        .map_err(file("run", program))?;
    let leash = child.stdin.take();
    let mut pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(ours)).map_err(broken)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut is_child_gone = false;
    let relayed = timeout_at(deadline, async {
        loop {
            tokio::select! {
                read = pipe.read(&mut chunk) => match read.map_err(broken)? {
                    0 => return Ok::<_, PlatformError>(()),
                    read => output(&chunk[..read])?,
                },
                _ended = child.wait(), if !is_child_gone => {
                    is_child_gone = true;
                    // If it was killed, its container still runs and would keep the pipe open.
                    let state = spec.state_dir.clone();
                    blocking(move || container::cleanup(&state)).await?.map_err(unclean)?;
                }
            }
        }
    })
    .await;
    drop(pipe);
    if !matches!(relayed, Ok(Ok(()))) {
        drop(leash); // the child ends the container and itself
    }
    child.wait().await.map_err(broken)?;
    match relayed {
        Err(_elapsed) => return Ok(Ended::TimedOut),
        Ok(relayed) => relayed?,
    }
    match read_outcome(&dir.join(OUTCOME)) {
        Some(Outcome::Ended(exit)) => Ok(Ended::Exit(exit)),
        Some(Outcome::Failed(said)) => Err(PlatformError::Box { said }),
        None => Err(PlatformError::Box { said: "its process ended without a word".to_owned() }),
    }
}

fn read_outcome(path: &Path) -> Option<Outcome> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a file that nobody else may read: specs hold config vars.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(bytes)
}

/// The child's side: runs the container of the spec file at `spec_path` on this process's output, and ends it when
/// standard input is closed. The result is this process's exit code, 0 when the container's end could be told.
///
/// To be called first thing, in a process with one thread (`oci::sandbox::enter`).
#[must_use]
pub fn run_box(spec_path: &Path) -> u8 {
    let outcome = match hold(spec_path) {
        Ok(exit) => Outcome::Ended(exit),
        Err(error) => Outcome::Failed(chain(error.as_ref())),
    };
    let path = spec_path.with_file_name(OUTCOME);
    let written = serde_json::to_vec(&outcome).map_err(io::Error::from);
    u8::from(written.and_then(|bytes| replace(&path, &bytes)).is_err())
}

fn hold(spec_path: &Path) -> Result<Exit, Box<dyn std::error::Error>> {
    let spec: Spec = serde_json::from_slice(&fs::read(spec_path)?)?;
    let runtime = CommandRuntime::find()?;
    let sandbox = oci::sandbox::enter(&runtime)?;
    let stdio = Stdio::Fds {
        stdin: fs::File::open("/dev/null")?.into(),
        stdout: io::stdout().as_fd().try_clone_to_owned()?,
        stderr: io::stderr().as_fd().try_clone_to_owned()?,
    };
    let mut running = container::run(&sandbox, &spec, stdio, &runtime)?;
    let leash = io::stdin();
    let exit = loop {
        if let Some(exit) = running.poll_exit()? {
            break exit;
        }
        let mut waits =
            [PollFd::new(running.handle(), PollFlags::POLLIN), PollFd::new(leash.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waits, PollTimeout::NONE) {
            Err(nix::Error::EINTR) => continue,
            polled => drop(polled?),
        }
        // The server never writes: anything on the leash is its end.
        if waits[1].any() == Some(true) {
            running.kill_all()?;
            break running.wait()?;
        }
    };
    running.delete(&runtime)?;
    Ok(exit)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary: PathBuf = path.with_extension("new");
    write_private(&temporary, bytes)?;
    fs::rename(&temporary, path)
}
