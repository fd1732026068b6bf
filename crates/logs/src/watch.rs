//! Waiting for files to change: inotify on a thread of its own, with an end.
//!
//! One inotify instance per user of this module, never one per file: the kernel allows few instances (128) and
//! many watches.

use std::ffi::OsString;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

/// Watches directories until its [`Running`] is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    inotify: Inotify,
    stop: PipeReader,
}

/// Keeps a watcher's thread going; dropping it ends the thread and waits for that.
#[derive(Debug)]
pub(crate) struct Running {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

/// Why a wait ended.
#[derive(Debug)]
pub(crate) enum Woken {
    /// The thread should end.
    Stop,
    /// Nothing happened in the time given.
    Nothing,
    /// These things happened.
    Changes(Vec<Change>),
    /// More happened than the kernel kept: look at everything.
    Overflow,
}

/// Something happened in a watched directory.
#[derive(Debug)]
pub(crate) struct Change {
    /// Which directory.
    pub(crate) dir: WatchDescriptor,
    /// Which file in it.
    pub(crate) name: OsString,
}

impl Watcher {
    /// Starts a thread with `body`.
    pub(crate) fn start(name: &str, body: impl FnOnce(&Self) + Send + 'static) -> io::Result<Running> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let (stop, stopper) = io::pipe()?;
        let watcher = Self { inotify, stop };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&watcher))?;
        Ok(Running { stop: Some(stopper), thread: Some(thread) })
    }

    /// Watches a directory for files that grow, appear, or go away.
    pub(crate) fn add(&self, dir: &Path) -> io::Result<WatchDescriptor> {
        let flags = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        Ok(self.inotify.add_watch(dir, flags)?)
    }

    /// Ends a watch; one that ended with its directory is no error.
    pub(crate) fn remove(&self, dir: WatchDescriptor) -> io::Result<()> {
        match self.inotify.rm_watch(dir) {
            Ok(()) | Err(Errno::EINVAL) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Waits until something happens, but no longer than `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<Woken> {
        let mut files = [
            PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.stop.as_fd(), PollFlags::POLLIN),
        ];
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        match poll(&mut files, limit) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(cause) => return Err(cause.into()),
        }
        // Nothing is ever written to the pipe: it wakes when its other end is closed.
        if files[1].any().unwrap_or(true) {
            return Ok(Woken::Stop);
        }
        self.changes()
    }

    fn changes(&self) -> io::Result<Woken> {
        let mut changes = Vec::new();
        loop {
            let events = match self.inotify.read_events() {
                Ok(events) => events,
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => continue,
                Err(cause) => return Err(cause.into()),
            };
            if events.iter().any(|event| event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW)) {
                return Ok(Woken::Overflow);
            }
            changes.extend(
                events.into_iter().filter_map(|event| Some(Change { dir: event.wd, name: event.name? })),
            );
        }
        Ok(if changes.is_empty() { Woken::Nothing } else { Woken::Changes(changes) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}
