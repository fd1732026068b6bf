//! The follower: reads all spools under a directory as they grow, and puts them away when they are done.
//!
//! ```text
//! scan the root ─► for each spool with news: read a piece, take it in, next spool ─► wait for news
//!                                                                    ▲                   │
//!                                                                    └─── or the sweep ◄─┘
//! ```
//! It keeps no position anywhere: after a restart it reads what is there, and the histories know what they have.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::inotify::WatchDescriptor;
use tokio::sync::oneshot;

use crate::intake::Logs;
use crate::spool::{HIDDEN, Reached, Reader, is_abandoned};
use crate::watch::{Watcher, Woken};

/// Most bytes read from one spool before the others have their turn; also the size of the one read buffer.
const PIECE_BYTES: usize = 256 << 10;
/// A spool about to be removed is renamed to this and its name, which no writer's hidden directory begins with.
const REMOVED: &str = "..";
/// A hidden directory older than this is what a killed process left, not a spool about to be shown.
const HIDDEN_SECONDS_MAX: i64 = 60;

/// The follower cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("could not follow the spools in {at}")]
pub struct FollowError {
    /// The spools' directory.
    pub at: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

impl Logs {
    /// Follows all spools in the directory `root`, which is made if need be, until the future is dropped.
    ///
    /// The work is done on a thread of its own; dropping the future ends it and waits for the piece in hand
    /// (at most 256 KiB of lines). One process at a time may follow a directory.
    ///
    /// # Errors
    /// If the directory cannot be watched or read. Trouble with a single spool is reported and does not end this.
    pub async fn follow(&self, root: &Path) -> Result<(), FollowError> {
        let failed = |cause| FollowError { at: root.to_owned(), cause };
        let (done, end) = oneshot::channel();
        let (logs, at) = (self.clone(), root.to_owned());
        let _running = Watcher::start("log-follower", move |watcher| {
            // Nobody listens if the future was dropped, which is what ends this as a rule.
            let _ = done.send(follow(&logs, watcher, at));
        })
        .map_err(failed)?;
        match end.await {
            Ok(end) => end.map_err(failed),
            Err(_) => Err(failed(io::Error::other("the follower's thread panicked"))),
        }
    }
}

fn follow(logs: &Logs, watcher: &Watcher, root: PathBuf) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(&root)?;
    let root_watch = watcher.add(&root)?;
    let mut follower = Follower {
        logs,
        watcher,
        root,
        spools: HashMap::new(),
        watches: HashMap::new(),
        news: HashSet::new(),
        buffer: vec![0; PIECE_BYTES],
    };
    follower.remove_leftovers()?;
    follower.sweep()?;
    let mut swept = Instant::now();
    loop {
        follower.read_a_round();
        let until_sweep = logs.config().sweep.saturating_sub(swept.elapsed());
        let limit = if follower.news.is_empty() { until_sweep } else { Duration::ZERO };
        let mut is_due = until_sweep.is_zero();
        match watcher.wait(limit)? {
            Woken::Stop => return Ok(()),
            Woken::Changes(changes) => {
                for change in changes {
                    follower.heard(change.dir, root_watch)?;
                }
            }
            Woken::Overflow => is_due = true,
            Woken::Nothing => {}
        }
        if is_due {
            follower.sweep()?;
            swept = Instant::now();
        }
    }
}

struct Follower<'a> {
    logs: &'a Logs,
    watcher: &'a Watcher,
    root: PathBuf,
    spools: HashMap<Arc<str>, Spool>,
    watches: HashMap<WatchDescriptor, Arc<str>>,
    /// Spools that may have something to read.
    news: HashSet<Arc<str>>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Spool {
    home: PathBuf,
    reader: Reader,
    /// None if the kernel allows no more watches: then the sweep has to find the news.
    watch: Option<WatchDescriptor>,
    /// Its writer was gone when last looked at: once read to the end, it is done.
    abandoned: bool,
    /// It could not be read, and that was reported.
    failing: bool,
}

impl Follower<'_> {
    /// Takes note of a change.
    fn heard(&mut self, dir: WatchDescriptor, root: WatchDescriptor) -> io::Result<()> {
        if dir == root {
            return self.scan();
        }
        if let Some(name) = self.watches.get(&dir) {
            self.news.insert(Arc::clone(name));
        }
        Ok(())
    }

    /// Looks at everything: finds new spools, looks for news in all, and asks whose writers are gone.
    fn sweep(&mut self) -> io::Result<()> {
        self.scan()?;
        for (name, spool) in &mut self.spools {
            spool.abandoned = is_abandoned(&spool.home).unwrap_or(false);
            self.news.insert(Arc::clone(name));
        }
        Ok(())
    }

    /// Finds spools that are not followed yet.
    fn scan(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with(HIDDEN)
                || self.spools.contains_key(name.as_str())
                || !entry.file_type().is_ok_and(|kind| kind.is_dir())
            {
                continue;
            }
            let name: Arc<str> = name.into();
            let home = entry.path();
            // Watched before it is read, so that nothing falls in between.
            let watch = self.watcher.add(&home).inspect_err(|cause| {
                tracing::warn!(spool = %name, error = %cause, "cannot watch a log spool; its lines come late");
            });
            let watch = watch.ok();
            if let Some(watch) = watch {
                self.watches.insert(watch, Arc::clone(&name));
            }
            let reader = Reader::new(home.clone());
            self.news.insert(Arc::clone(&name));
            self.spools.insert(name, Spool { home, reader, watch, abandoned: false, failing: false });
        }
        Ok(())
    }

    /// Reads one piece of each spool that has news; those with more to read keep their news.
    fn read_a_round(&mut self) {
        for name in std::mem::take(&mut self.news) {
            let Some(spool) = self.spools.get_mut(&name) else { continue };
            let read = read_piece(self.logs, &name, spool, &mut self.buffer);
            let was_failing = std::mem::replace(&mut spool.failing, read.is_err());
            match read {
                Ok(Reached::Now) if spool.abandoned => self.put_away(&name),
                Ok(Reached::Now) => {}
                Ok(Reached::More | Reached::SegmentEnd) => {
                    self.news.insert(name);
                }
                Err(cause) if !was_failing => {
                    tracing::error!(spool = %name, error = %cause, "cannot read a log spool");
                }
                Err(_) => {}
            }
        }
    }

    /// Removes a spool that was read to its end and will not grow.
    fn put_away(&mut self, name: &Arc<str>) {
        let Some(spool) = self.spools.remove(name) else { return };
        if let Some(watch) = spool.watch {
            self.watches.remove(&watch);
            // The watch goes with the directory anyway.
            let _ = self.watcher.remove(watch);
        }
        // Hidden first: half a spool, after a kill, is not one to read.
        let hidden = self.root.join(format!("{REMOVED}{name}"));
        match fs::rename(&spool.home, &hidden).and_then(|()| fs::remove_dir_all(&hidden)) {
            Ok(()) => self.logs.forget_writer(name),
            // The next sweep finds it again.
            Err(cause) => tracing::warn!(spool = %name, error = %cause, "cannot remove a finished log spool"),
        }
    }

    /// Removes what killed processes left half made or half removed.
    fn remove_leftovers(&self) -> io::Result<()> {
        let oldest = self.logs.now().as_micros() / 1_000_000 - HIDDEN_SECONDS_MAX;
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let starts_with =
                |prefix| entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
            // One that is gone by now was not left over: its writer has just shown it.
            let is_old = || entry.metadata().is_ok_and(|about| about.mtime() < oldest);
            if starts_with(REMOVED) || (starts_with(HIDDEN) && is_old()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Reads on in one spool and takes in what was read.
fn read_piece(logs: &Logs, name: &str, spool: &mut Spool, buffer: &mut [u8]) -> io::Result<Reached> {
    let mut records = Vec::new();
    let reached = spool.reader.read(buffer, &mut records)?;
    // One batch per app; the sort is stable, so each app's lines stay in order.
    records.sort_by_key(|record| record.app);
    let mut records = records.into_iter().peekable();
    while let Some(app) = records.peek().map(|record| record.app) {
        let mut of_app = std::iter::from_fn(|| records.next_if(|record| record.app == app));
        logs.accept(app, name, &mut of_app);
        // Those of an app that is forgotten, or cannot be written to, were not even looked at.
        of_app.for_each(drop);
    }
    if reached == Reached::SegmentEnd {
        spool.reader.finish_segment()?;
    }
    Ok(reached)
}

#[cfg(test)]
mod tests;
