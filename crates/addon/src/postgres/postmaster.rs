//! Which processes of a server are alive. They are nobody's children: they outlive whoever started them, and are
//! known by the folder in which every one of them stands, the data folder.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::timeout;

/// Longest wait for killed processes to vanish.
const VANISH_MAX: Duration = Duration::from_secs(10);
/// How long a server may take to end its sessions and write everything down, as it does by SIGINT.
const FAST_MAX: Duration = Duration::from_secs(30);
/// How long it may take to end without that, as it does by SIGQUIT.
const IMMEDIATE_MAX: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The file by which a server is known.
const MARK: &str = "postmaster.pid";
/// More than any such file has.
const PID_FILE_BYTES_MAX: u64 = 4096;

/// A running server's first process, by `postmaster.pid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Postmaster {
    pub(crate) pid: i32,
    pub(crate) port: u16,
}

impl Postmaster {
    /// The one that works on `data`, a path without links. A file that a killed one left behind is seen through: the number may be
    /// another process's by now.
    pub(crate) fn of(data: &Path) -> Option<Self> {
        let path = data.join(MARK);
        if fs::metadata(&path).ok()?.len() > PID_FILE_BYTES_MAX {
            return None;
        }
        let found = parse(&fs::read_to_string(path).ok()?)?;
        stands_in(found.pid, data).then_some(found)
    }

    /// Asks it to read its configuration again.
    pub(crate) fn reload(self) {
        signal(self.pid, Signal::SIGHUP);
    }
}

/// Lines: pid, data folder, start time, port, socket folder, address, shared memory, status.
fn parse(text: &str) -> Option<Postmaster> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 1)?;
    let port = lines.nth(2)?.trim().parse().ok()?;
    Some(Postmaster { pid, port })
}

fn stands_in(pid: i32, data: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    // The name keeps a person's shell out that stands in the folder.
    fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end() == "postgres")
        && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == data)
}

/// Every process of the server of `data`.
pub(crate) fn members(data: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stands_in(*pid, data)).collect()
}

/// Stops the server of `data`, whose sockets and nothing else are in `run`, with all its processes, as gently as it lets us. False when some do not go.
pub(crate) async fn stop(data: &Path, run: &Path) -> bool {
    for (word, limit) in [(Signal::SIGINT, FAST_MAX), (Signal::SIGQUIT, IMMEDIATE_MAX)] {
        let Some(postmaster) = Postmaster::of(data) else { break };
        signal(postmaster.pid, word);
        if timeout(limit, gone(data)).await.is_ok() {
            return true;
        }
    }
    clear(data, run).await
}

/// Kills what a dead server left running, and removes its marks: either would keep a new one from starting.
/// Postgres takes a number in an old mark for a running server when the number is another process's by now, or that
/// of a dead process which nobody has buried yet. False when something does not go.
pub(crate) async fn clear(data: &Path, run: &Path) -> bool {
    for pid in members(data) {
        signal(pid, Signal::SIGKILL);
    }
    if timeout(VANISH_MAX, gone(data)).await.is_err() {
        return false;
    }
    let sockets = fs::read_dir(run).into_iter().flatten().flatten().map(|entry| entry.path());
    sockets.chain([data.join(MARK)]).all(|path| match fs::remove_file(path) {
        Err(cause) => cause.kind() == io::ErrorKind::NotFound,
        Ok(()) => true,
    })
}

fn signal(pid: i32, word: Signal) {
    // It may be gone since, which is fine.
    let _sent = kill(Pid::from_raw(pid), word);
}

async fn gone(data: &Path) {
    while !members(data).is_empty() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests;
