//! Transcripts: byte-exact, append-only texts that can be read while they grow (build and release output).
//!
//! ```text
//! DIR/ID.live      being written, by this or another process, or left by a killed one
//! DIR/ID.done      finished: the same file under its last name
//! ```
//! A writer needs nothing but the directory, so it may be another process; finishing is a rename. Any number of
//! readers follow a transcript from its start to its end. A transcript whose writer was killed stays live until
//! somebody else finishes it.

mod reader;
mod writer;

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

use crate::spool::is_file_name;
use crate::watch::Running;

pub use reader::TranscriptReader;
pub use writer::TranscriptWriter;

/// Most bytes of one transcript; what comes after is cut off, with a notice.
pub const TRANSCRIPT_BYTES_MAX: u64 = 16 << 20;

const LIVE: &str = "live";
const DONE: &str = "done";

/// Something could not be done with a transcript.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// The id is not usable as a file name.
    #[error("`{id}` cannot name a transcript: up to 100 of A-Z a-z 0-9 . _ - and no leading dot")]
    Name {
        /// What was given.
        id: String,
    },
    /// There is no such transcript.
    #[error("there is no transcript `{id}`")]
    Missing {
        /// Which.
        id: String,
    },
    /// It is finished and takes nothing more.
    #[error("the transcript `{id}` is finished")]
    Finished {
        /// Which.
        id: String,
    },
    /// A file could not be read, written or renamed.
    #[error("could not {action} the transcript {at}")]
    File {
        /// What was tried: `read`, `write`, …
        action: &'static str,
        /// Which file.
        at: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// All transcripts in one directory; clones share it.
#[derive(Debug, Clone)]
pub struct Transcripts {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    /// Who waits for which transcript.
    waiting: Arc<Waiting>,
    /// The thread that wakes them; there from the first reader on.
    waker: OnceLock<Result<Running, io::ErrorKind>>,
}

/// For each transcript that is being read: wakes its readers.
type Waiting = Mutex<HashMap<String, watch::Sender<()>>>;

impl Transcripts {
    /// Opens the directory `dir`, which is made if need be.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(dir: &Path) -> Result<Self, TranscriptError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|cause| file("open", dir, cause))?;
        let inner = Inner { dir: dir.to_owned(), waiting: Arc::default(), waker: OnceLock::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Begins a transcript, or goes on with one that is not finished.
    ///
    /// # Errors
    /// If it is finished, or cannot be opened.
    pub fn writer(&self, id: &str) -> Result<TranscriptWriter, TranscriptError> {
        let (live, done) = self.paths(id)?;
        let finished = || TranscriptError::Finished { id: id.to_owned() };
        if is_there(&done)? {
            return Err(finished());
        }
        let writer = TranscriptWriter::open(live.clone(), done.clone(), TRANSCRIPT_BYTES_MAX)?;
        if is_there(&done)? {
            // Finished in between: what was opened is a new file that nobody should see.
            remove(&live)?;
            return Err(finished());
        }
        Ok(writer)
    }

    /// Reads a transcript from its start, and on as it grows, until it is finished (or removed).
    ///
    /// # Errors
    /// If there is none, or it cannot be opened.
    pub fn reader(&self, id: &str) -> Result<TranscriptReader, TranscriptError> {
        let (live, done) = self.paths(id)?;
        TranscriptReader::open(id, live, done, self.news_of(id)?)
    }

    /// Marks the end of a transcript whose writer is gone. Finishing twice is fine.
    ///
    /// # Errors
    /// If there is none, or it cannot be renamed.
    pub fn finish(&self, id: &str) -> Result<(), TranscriptError> {
        let (live, done) = self.paths(id)?;
        match fs::rename(&live, &done) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(file("finish", &live, cause)),
            Err(_) if !is_there(&done)? => Err(TranscriptError::Missing { id: id.to_owned() }),
            _ => Ok(()),
        }
    }

    /// The last bytes of what it holds so far, at most `bytes_max`. Blocks.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn last_bytes(&self, id: &str, bytes_max: u64) -> Result<Vec<u8>, TranscriptError> {
        let (live, done) = self.paths(id)?;
        // In this order: it may be finished in between.
        let opened = File::open(&live).or_else(|_| File::open(&done)).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => TranscriptError::Missing { id: id.to_owned() },
            _ => file("read", &live, cause),
        });
        let mut opened = opened?;
        let mut bytes = Vec::new();
        let read = opened.seek(SeekFrom::End(0)).and_then(|end| {
            opened.seek(SeekFrom::Start(end.saturating_sub(bytes_max)))?;
            opened.take(bytes_max).read_to_end(&mut bytes)
        });
        read.map_err(|cause| file("read", &live, cause))?;
        Ok(bytes)
    }

    /// Whether there is such a transcript, finished or not.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn exists(&self, id: &str) -> Result<bool, TranscriptError> {
        let (live, done) = self.paths(id)?;
        // In this order: it may be finished in between.
        Ok(is_there(&live)? || is_there(&done)?)
    }

    /// Whether it is there and will not grow any more.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn is_finished(&self, id: &str) -> Result<bool, TranscriptError> {
        is_there(&self.paths(id)?.1)
    }

    /// Removes a transcript; its readers come to an end. Removing one that is not there is fine.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn remove(&self, id: &str) -> Result<(), TranscriptError> {
        let (live, done) = self.paths(id)?;
        remove(&live)?;
        remove(&done)
    }

    fn paths(&self, id: &str) -> Result<(PathBuf, PathBuf), TranscriptError> {
        if !is_file_name(id) {
            return Err(TranscriptError::Name { id: id.to_owned() });
        }
        let path = |ending: &str| self.inner.dir.join(format!("{id}.{ending}"));
        Ok((path(LIVE), path(DONE)))
    }

    /// Tells when there may be news of a transcript.
    fn news_of(&self, id: &str) -> Result<watch::Receiver<()>, TranscriptError> {
        let inner = &self.inner;
        let started = inner.waker.get_or_init(|| {
            reader::start_waker(inner.dir.clone(), Arc::clone(&inner.waiting)).map_err(|cause| cause.kind())
        });
        if let Err(kind) = started {
            return Err(file("follow", &inner.dir, (*kind).into()));
        }
        let mut waiting = inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, readers| readers.receiver_count() > 0);
        Ok(waiting.entry(id.to_owned()).or_insert_with(|| watch::Sender::new(())).subscribe())
    }
}

fn is_there(at: &Path) -> Result<bool, TranscriptError> {
    fs::exists(at).map_err(|cause| file("find", at, cause))
}

fn remove(at: &Path) -> Result<(), TranscriptError> {
    match fs::remove_file(at) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(file("remove", at, cause)),
        _ => Ok(()),
    }
}

fn file(action: &'static str, at: &Path, cause: io::Error) -> TranscriptError {
    TranscriptError::File { action, at: at.to_owned(), cause }
}

#[cfg(test)]
mod tests;
