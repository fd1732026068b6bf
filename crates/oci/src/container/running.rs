//! A container that runs: its end, signals, memory, terminal, removal.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::{CleanupError, remove_dir, unmount_and_remove};
use crate::cgroup::{Cgroup, CgroupError, Memory};
use crate::listening::{self, Arrival, Listening};
use crate::runtime::Runtime;
use crate::sandbox::work_dir;
use crate::spec::Window;
use crate::sys;

/// A container that was started by this process.
///
/// Dropping it ends nothing: the container then runs on without anyone to reap it.
#[derive(Debug)]
pub struct Running {
    pub(super) id: String,
    pub(super) pid: Pid,
    pub(super) handle: OwnedFd,
    pub(super) cgroup: Cgroup,
    pub(super) state_dir: PathBuf,
    pub(super) terminal: Option<OwnedFd>,
    pub(super) warnings: Vec<String>,
    pub(super) exit: Option<Exit>,
}

impl Running {
    /// Pid 1 of the container, as the host numbers it.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What had to be done less well than asked, for the operator's log.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A descriptor that becomes readable when pid 1 ends; for a poll loop.
    #[must_use]
    pub fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// The master side of the container's terminal, if it has one.
    #[must_use]
    pub fn terminal(&self) -> Option<BorrowedFd<'_>> {
        self.terminal.as_ref().map(AsFd::as_fd)
    }

    /// How it ended, if it has; does not wait.
    pub fn poll_exit(&mut self) -> Result<Option<Exit>, WaitError> {
        self.reap(Some(WaitPidFlag::WNOHANG))
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> Result<Exit, WaitError> {
        loop {
            if let Some(exit) = self.reap(None)? {
                return Ok(exit);
            }
        }
    }

    fn reap(&mut self, flags: Option<WaitPidFlag>) -> Result<Option<Exit>, WaitError> {
        if self.exit.is_some() {
            return Ok(self.exit);
        }
        let status = match waitpid(self.pid, flags) {
            Ok(WaitStatus::Exited(_, code)) => Status::Code(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => Status::Signal(signal as i32),
            Ok(_) | Err(nix::Error::EINTR) => return Ok(None),
            Err(cause) => return Err(WaitError { pid: self.pid.as_raw(), cause: cause.into() }),
        };
        let oom_killed = self.cgroup.oom_kills().is_ok_and(|kills| kills > 0);
        self.exit = Some(Exit { status, oom_killed });
        Ok(self.exit)
    }

    /// Sends a signal to every process of the container, as Heroku does with SIGTERM; pid 1 too. The
    /// answer is how many got it.
    pub fn signal_all(&self, signal: Signal) -> Result<usize, CgroupError> {
        self.cgroup.signal_all(signal)
    }

    /// Ends every process of the container with SIGKILL and waits until they are gone.
    pub fn kill_all(&self) -> Result<(), CgroupError> {
        self.cgroup.kill_all()
    }

    /// Every process of the container, as the host numbers them.
    pub fn pids(&self) -> Result<BTreeSet<Pid>, CgroupError> {
        self.cgroup.pids()
    }

    /// What the container uses of its memory.
    pub fn memory(&self) -> Result<Memory, CgroupError> {
        self.cgroup.memory()
    }

    /// Changes the size of the terminal; nothing happens without one.
    pub fn resize(&self, window: Window) -> io::Result<()> {
        self.terminal.as_ref().map_or(Ok(()), |master| sys::set_window(master.as_fd(), window))
    }

    /// Whether something inside listens on a TCP port, without connecting to it.
    pub fn is_listening(&self, port: u16) -> io::Result<Listening> {
        listening::look(self.pid, port)
    }

    /// How far a connection to a TCP port of it has come that began at port `from` of the other side.
    pub fn arrival(&self, port: u16, from: u16) -> io::Result<Arrival> {
        listening::arrival(self.pid, port, from)
    }

    /// Every TCP port that something inside listens on, with who can reach it.
    pub fn listening_ports(&self) -> io::Result<BTreeMap<u16, Listening>> {
        listening::ports(self.pid)
    }

    /// Removes the container: what still runs is killed, then go the cgroup, the mounts and the
    /// `state_dir`.
    pub fn delete(mut self, runtime: &dyn Runtime) -> Result<(), CleanupError> {
        self.cgroup.kill_all()?;
        // A zombie of ours keeps the cgroup busy; how it ended was told before or is not asked for.
        let _ = self.wait();
        let work = work_dir(&self.id);
        runtime.delete(&self.id, &work.join("runtime"))?;
        self.cgroup.remove()?;
        unmount_and_remove(&work)?;
        remove_dir(&self.state_dir)
    }
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// What pid 1 ended with.
    pub status: Status,
    /// Whether the kernel killed any process of the container for memory, pid 1 or another.
    pub oom_killed: bool,
}

/// What a process ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It ended by itself with this code.
    Code(i32),
    /// A signal of this number ended it.
    Signal(i32),
}

impl Status {
    /// As a shell tells it (`$?`): the code, or 128 and the signal's number.
    #[must_use]
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// Why a container could not be waited for.
#[derive(Debug, thiserror::Error)]
#[error("could not wait for process {pid}, the container's pid 1")]
pub struct WaitError {
    /// The container's pid 1.
    pub pid: i32,
    /// What the kernel said.
    #[source]
    pub cause: io::Error,
}
