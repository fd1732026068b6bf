//! The server's side: where all lines of all apps come in, are kept, and go out to tails.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::id::AppId;
use model::log::{Line, Source};
use model::time::Timestamp;

use crate::event;
use crate::feed::{Buffer, Feed};
use crate::filter::Filter;
use crate::history::{History, ReadError, Seen, Snapshot, Wanted};
use crate::spool::{Record, pieces};
use crate::tail::{Capacity, Entry, Queue, Tail};

/// Most open tails of one app.
pub const TAILS_MAX: usize = 100;
/// Most open feeds of one app: more than an app can have drains.
pub const FEEDS_MAX: usize = 16;
/// Lines that a forgotten app's dynos or the router wrote are refused thanks to a file with this ending.
const FORGOTTEN: &str = "forgotten";

/// Tells the time of day.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What [`Logs::open`] needs to know.
#[derive(Debug, Clone)]
pub struct LogsConfig {
    /// Where histories are kept: a directory of ours alone.
    pub dir: PathBuf,
    /// Lines kept per app.
    pub history_lines: u64,
    /// Lines older than this are neither shown nor taken in.
    pub history_age: Duration,
    /// Most lines that wait for a slow reader of a tail or a feed.
    pub tail_lines: usize,
    /// Most bytes of messages that wait for a slow reader of a tail or a feed.
    pub tail_bytes: usize,
    /// How often all spools are looked at without being asked to: how soon a dead writer's spool goes away.
    pub sweep: Duration,
}

impl LogsConfig {
    /// Heroku's limits: 1,500 lines, one week.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            history_lines: 1_500,
            history_age: Duration::from_secs(7 * 24 * 60 * 60),
            tail_lines: 16_384,
            tail_bytes: 4 << 20,
            sweep: Duration::from_secs(5),
        }
    }
}

/// The logs could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("could not open the logs in {at}")]
pub struct OpenError {
    /// Where.
    pub at: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// An app's logs could not be removed.
#[derive(Debug, thiserror::Error)]
#[error("could not remove the logs in {at}")]
pub struct ForgetError {
    /// Where.
    pub at: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// A tail could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The app has [`TAILS_MAX`] open tails.
    #[error("the app has {TAILS_MAX} open log tails; close one first")]
    TooMany,
    /// The history could not be read.
    #[error("could not start a log tail")]
    Read(#[source] ReadError),
}

/// A feed could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The app has [`FEEDS_MAX`] open feeds.
    #[error("the app has {FEEDS_MAX} open feeds")]
    TooMany,
    /// The history could not be read.
    #[error("could not start a feed")]
    Read(#[source] ReadError),
}

/// All apps' logs; clones share them.
#[derive(Clone)]
pub struct Logs {
    inner: Arc<Inner>,
}

struct Inner {
    config: LogsConfig,
    now: Clock,
    apps: Mutex<HashMap<AppId, Arc<Mutex<App>>>>,
}

/// One app's logs.
#[derive(Debug)]
struct App {
    history: History,
    tails: Vec<Arc<Queue>>,
    feeds: Vec<Arc<Buffer>>,
    /// Removed; what still comes in is thrown away.
    forgotten: bool,
    /// The last write failed and was reported.
    failing: bool,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Logs {
    /// Opens the logs in `config.dir`, which is made if need be. One process at a time may do so.
    ///
    /// # Errors
    /// If the directory cannot be made or read.
    pub fn open(config: LogsConfig, now: Clock) -> Result<Self, OpenError> {
        let oldest = before(now(), config.history_age);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config.dir)
            .and_then(|()| remove_old_marks(&config.dir, oldest))
            .map_err(|cause| OpenError { at: config.dir.clone(), cause })?;
        Ok(Self { inner: Arc::new(Inner { config, now, apps: Mutex::default() }) })
    }

    /// Adds a line that the server makes itself. When this returns, the line survives a kill of the server.
    ///
    /// A line that cannot be kept is still given to tails; the failure is reported to the operator, not here.
    pub fn append(&self, app: AppId, line: Line) {
        self.add(app, |history| {
            let mut entries = Vec::new();
            pieces(&line.message, |message| {
                let line = Line { message: message.to_owned(), ..line.clone() };
                entries.push(history.push(None, Arc::new(line)));
            });
            entries
        });
    }

    /// Takes in what was read from a spool: lines taken before are passed over, missing ones announced.
    pub(crate) fn accept(&self, app: AppId, writer: &str, records: impl IntoIterator<Item = Record>) {
        let oldest = before((self.inner.now)(), self.inner.config.history_age);
        self.add(app, |history| {
            let mut entries = Vec::new();
            for Record { number, line, .. } in records {
                let seen = history.origins.take(writer, number, line.at);
                if let Seen::After { missing, since } = seen {
                    let lost = Line {
                        at: line.at,
                        source: Source::App,
                        process: "log-shuttle".to_owned(),
                        message: event::spool_overflow(missing, since),
                    };
                    entries.push(history.push(Some((writer, number - 1)), Arc::new(lost)));
                }
                if seen != Seen::Before && line.at >= oldest {
                    entries.push(history.push(Some((writer, number)), Arc::new(line)));
                }
            }
            entries
        });
    }

    /// A spool was read to its end and removed.
    pub(crate) fn forget_writer(&self, writer: &str) {
        let apps: Vec<_> = lock(&self.inner.apps).values().cloned().collect();
        for app in apps {
            lock(&app).history.origins.forget(writer);
        }
    }

    /// The last `lines` lines that match, oldest first.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub async fn history(&self, app: AppId, filter: &Filter, lines: usize) -> Result<Vec<Entry>, ReadError> {
        let snapshot = lock(&*self.app(app)?).history.snapshot();
        self.read(snapshot, filter.clone(), lines, 0).await
    }

    /// The last `lines` lines that match, then new ones as they come.
    ///
    /// # Errors
    /// If the history cannot be read or there are too many tails.
    pub async fn tail(&self, app: AppId, filter: Filter, lines: usize) -> Result<Tail, TailError> {
        self.open_tail(app, filter, lines, 0).await
    }

    /// The lines that match and come after the one with the id `after`, as far as they are still kept, then new
    /// ones as they come: for a reader that lost its connection.
    ///
    /// # Errors
    /// If the history cannot be read or there are too many tails.
    pub async fn tail_from(&self, app: AppId, filter: Filter, after: u64) -> Result<Tail, TailError> {
        self.open_tail(app, filter, usize::MAX, after).await
    }

    /// The lines after the one with the id `after`, as far as they are still kept, then new ones as they come; without
    /// `after` only new ones. In batches, for a drain.
    ///
    /// # Errors
    /// If the history cannot be read or there are too many feeds.
    pub async fn feed(&self, app: AppId, after: Option<u64>) -> Result<Feed, FeedError> {
        let buffer = Arc::new(Buffer::new(self.capacity()));
        let snapshot = {
            let slot = self.app(app).map_err(FeedError::Read)?;
            let mut slot = lock(&slot);
            slot.feeds.retain(|feed| !feed.is_closed());
            if slot.feeds.len() >= FEEDS_MAX {
                return Err(FeedError::TooMany);
            }
            if slot.forgotten {
                buffer.close();
            } else {
                slot.feeds.push(Arc::clone(&buffer));
            }
            slot.history.snapshot()
        };
        let newest = snapshot.next_id - 1;
        // A place that lies ahead is that of a log which was lost since.
        let start = after.filter(|after| *after <= newest).unwrap_or(newest);
        let feed = Feed::new(Arc::clone(&buffer), start);
        let past =
            self.read(snapshot, Filter::default(), usize::MAX, start).await.map_err(FeedError::Read)?;
        let first = past.first().map_or(newest + 1, |entry| entry.id);
        buffer.begin(past, first - start - 1, self.now());
        Ok(feed)
    }

    /// Removes an app's logs for good, ends its tails, and refuses lines that are still on their way.
    ///
    /// # Errors
    /// If the files cannot be removed; then it can be tried again.
    pub fn forget(&self, app: AppId) -> Result<(), ForgetError> {
        let dir = self.inner.config.dir.join(app.to_string());
        let failed = |cause| ForgetError { at: dir.clone(), cause };
        let slot = self.app(app).map_err(|error| failed(error.cause))?;
        let mut slot = lock(&slot);
        // The mark first: a kill in between leaves files that nobody reads, and the next try removes them.
        fs::write(dir.with_extension(FORGOTTEN), b"").map_err(failed)?;
        slot.forgotten = true;
        slot.tails.drain(..).for_each(|tail| tail.close());
        slot.feeds.drain(..).for_each(|feed| feed.close());
        slot.history.remove().map_err(failed)
    }

    pub(crate) fn config(&self) -> &LogsConfig {
        &self.inner.config
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.now)()
    }

    /// The one place that every line passes on its way into the history and out to its readers.
    fn add(&self, app: AppId, batch: impl FnOnce(&mut History) -> Vec<Entry>) {
        let slot = match self.app(app) {
            Ok(slot) => slot,
            Err(error) => {
                tracing::error!(app.id = %app, error = &error as &dyn Error, "log lines of {app} are lost");
                return;
            }
        };
        let mut slot = lock(&slot);
        if slot.forgotten {
            return;
        }
        slot.history.begin();
        let entries = batch(&mut slot.history);
        let kept = slot.history.commit();
        let was_failing = std::mem::replace(&mut slot.failing, kept.is_err());
        if let Err(error) = kept
            && !was_failing
        {
            tracing::error!(app.id = %app, error = &error as &dyn Error, "log lines of {app} are not kept");
        }
        slot.tails.retain(|tail| !tail.is_closed());
        slot.tails.iter().for_each(|tail| tail.push(&entries));
        slot.feeds.retain(|feed| !feed.is_closed());
        slot.feeds.iter().for_each(|feed| feed.push(&entries));
    }

    async fn open_tail(
        &self,
        app: AppId,
        filter: Filter,
        lines: usize,
        after: u64,
    ) -> Result<Tail, TailError> {
        let live = Arc::new(Queue::new(filter.clone(), self.capacity()));
        let snapshot = {
            let slot = self.app(app).map_err(TailError::Read)?;
            let mut slot = lock(&slot);
            slot.tails.retain(|tail| !tail.is_closed());
            if slot.tails.len() >= TAILS_MAX {
                return Err(TailError::TooMany);
            }
            if slot.forgotten {
                live.close();
            } else {
                slot.tails.push(Arc::clone(&live));
            }
            // From here on new lines go into the queue; the snapshot ends where they begin.
            slot.history.snapshot()
        };
        let mut tail = Tail::new(live);
        tail.begin(self.read(snapshot, filter, lines, after).await.map_err(TailError::Read)?);
        Ok(tail)
    }

    /// Reads files on a thread where that may take its time.
    async fn read(
        &self,
        snapshot: Snapshot,
        filter: Filter,
        lines: usize,
        after: u64,
    ) -> Result<Vec<Entry>, ReadError> {
        let since = before((self.inner.now)(), self.inner.config.history_age);
        let reading = tokio::task::spawn_blocking(move || {
            snapshot.read(&Wanted { filter: &filter, lines, after, since })
        });
        match reading.await {
            Ok(read) => read,
            // The runtime is shutting down; the caller is about to be dropped as well.
            Err(_) => Ok(Vec::new()),
        }
    }

    /// An app's logs, opened at first use.
    fn app(&self, app: AppId) -> Result<Arc<Mutex<App>>, ReadError> {
        let mut apps = lock(&self.inner.apps);
        if let Some(slot) = apps.get(&app) {
            return Ok(Arc::clone(slot));
        }
        let dir = self.inner.config.dir.join(app.to_string());
        let open = || {
            let forgotten = fs::exists(dir.with_extension(FORGOTTEN))?;
            let history = History::open(dir.clone(), self.inner.config.history_lines)?;
            Ok(App { history, tails: Vec::new(), feeds: Vec::new(), forgotten, failing: false })
        };
        let slot = Arc::new(Mutex::new(open().map_err(|cause| ReadError { at: dir.clone(), cause })?));
        apps.insert(app, Arc::clone(&slot));
        Ok(slot)
    }

    fn capacity(&self) -> Capacity {
        Capacity { lines: self.inner.config.tail_lines, bytes: self.inner.config.tail_bytes }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.tails.iter().for_each(|tail| tail.close());
        self.feeds.iter().for_each(|feed| feed.close());
    }
}

/// Every change under these locks is whole before anything could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.as_micros().saturating_sub(age))
}

/// Removes the marks of apps forgotten so long ago that lines still on their way are too old to be taken in.
fn remove_old_marks(dir: &Path, oldest: Timestamp) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let at = entry?.path();
        let is_mark = at.extension().is_some_and(|extension| extension == FORGOTTEN);
        if is_mark && fs::metadata(&at)?.mtime() < oldest.as_micros() / 1_000_000 {
            fs::remove_file(&at)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
