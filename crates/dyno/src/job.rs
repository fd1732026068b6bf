//! The files by which the server and a shim speak about one life of a dyno.
//!
//! ```text
//! <dynos>/<dyno id>/job.json      what to run: written by the server before the shim starts
//!                   status.json   how it is going: replaced by the shim at each change
//!                   shim.sock     the shim listens: the same status as lines, and commands
//!                   attach.sock   an attached dyno's bytes
//!                   shim.log      what the shim itself has to complain about
//!                   box/          the container's own folder
//! ```

use std::fs;
use std::io;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::dyno::{Exit, ExitReason};
use oci::spec::Spec;
use serde::{Deserialize, Serialize};

use crate::engine::LastWords;

pub(crate) const JOB: &str = "job.json";
pub(crate) const STATUS: &str = "status.json";
pub(crate) const SOCKET: &str = "shim.sock";
pub(crate) const ATTACH_SOCKET: &str = "attach.sock";
pub(crate) const LOG: &str = "shim.log";
pub(crate) const BOX: &str = "box";

/// Largest file of these that is read, in bytes; a job carries up to 64 kB of config vars.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// What a shim is to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The app's id.
    pub(crate) app: String,
    /// The dyno's name, as logged.
    pub(crate) dyno: String,
    /// Which start of the dyno this is.
    pub(crate) life: u32,
    /// The command as logged.
    pub(crate) command: String,
    /// Kept running as part of a formation; else it runs once.
    pub(crate) formation: bool,
    /// Where its port is reached; set for web dynos, which must bind it in time.
    pub(crate) web: bool,
    pub(crate) address: SocketAddrV4,
    pub(crate) boot_timeout: Duration,
    pub(crate) stop_grace: Duration,
    /// Set for a dyno that waits for a client: how long.
    pub(crate) attach_within: Option<Duration>,
    /// Memory quota in bytes: R14 above it, R15 above twice that.
    pub(crate) memory_bytes: u64,
    pub(crate) container: Spec,
    pub(crate) spool_dir: PathBuf,
    /// Folder and id of the transcript that gets the output besides the log.
    pub(crate) transcript: Option<(PathBuf, String)>,
}

/// How a life is going.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) life: u32,
    pub(crate) phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// Waits for its client.
    Awaiting,
    /// The process runs, but a web dyno does not listen yet.
    Starting,
    Up,
    Exited {
        status: i32,
        reason: String,
        last_lines: Vec<String>,
        /// Not there in what an older shim wrote.
        #[serde(default)]
        diagnosis: Option<String>,
    },
}

impl Status {
    /// The end told by this status, if it is one.
    pub(crate) fn exit(&self) -> Option<(Exit, LastWords)> {
        let Phase::Exited { status, reason, last_lines, diagnosis } = &self.phase else { return None };
        let reason = ExitReason::from_word(reason).unwrap_or(ExitReason::Lost);
        let words = LastWords { lines: last_lines.clone(), diagnosis: diagnosis.clone() };
        Some((Exit { status: *status, reason }, words))
    }
}

/// Replaces a file by a value's JSON in one step, readable by root alone: jobs hold config vars.
pub(crate) fn write(dir: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let temporary = dir.join(format!("{name}.new"));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    io::Write::write_all(&mut file, &serde_json::to_vec(value)?)?;
    fs::rename(&temporary, dir.join(name))
}

/// Reads back what [`write`] wrote.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(dir: &Path, name: &str) -> io::Result<T> {
    let file = fs::File::open(dir.join(name))?;
    Ok(serde_json::from_reader(io::BufReader::new(io::Read::take(file, FILE_BYTES_MAX)))?)
}

/// A path to a socket in `dir` that is short enough for `sun_path` however long `dir` is: through an open descriptor
/// of the folder, which the caller keeps until it has bound or connected.
pub(crate) fn socket_path(dir: &fs::File, name: &str) -> PathBuf {
    use std::os::fd::AsRawFd;
    PathBuf::from(format!("/proc/self/fd/{}/{name}", dir.as_raw_fd()))
}
