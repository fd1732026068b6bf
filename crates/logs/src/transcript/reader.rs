//! Reading a transcript while it grows.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{DONE, LIVE, TranscriptError, Waiting, file, is_there};
use crate::watch::{Running, Watcher, Woken};

/// Most bytes given out at once.
const CHUNK_BYTES: usize = 64 << 10;
/// How long a reader waits before it looks by itself, should a wake-up have been lost.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Reads one transcript from its start to its end.
#[derive(Debug)]
pub struct TranscriptReader {
    file: Arc<File>,
    live: PathBuf,
    offset: u64,
    /// The file will not grow any more.
    is_final: bool,
    news: watch::Receiver<()>,
}

impl TranscriptReader {
    pub(super) fn open(
        id: &str,
        live: PathBuf,
        done: PathBuf,
        news: watch::Receiver<()>,
    ) -> Result<Self, TranscriptError> {
        // In this order: it may be finished in between.
        let opened = File::open(&live).or_else(|cause| match cause.kind() {
            io::ErrorKind::NotFound => File::open(&done),
            _ => Err(cause),
        });
        match opened {
            Ok(opened) => Ok(Self { file: Arc::new(opened), live, offset: 0, is_final: false, news }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                Err(TranscriptError::Missing { id: id.to_owned() })
            }
            Err(cause) => Err(file("read", &live, cause)),
        }
    }

    /// The next bytes as soon as there are any (at most 64 KiB); `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, TranscriptError> {
        loop {
            self.news.mark_unchanged();
            let chunk = self.read().await?;
            if !chunk.is_empty() {
                self.offset += chunk.len() as u64;
                return Ok(Some(chunk));
            }
            if self.is_final {
                return Ok(None);
            }
            // Finished or removed: what was written before that is still to be read.
            self.is_final = !is_there(&self.live)?;
            if !self.is_final {
                // A lapse of time and a lost sender both mean: look again.
                let _ = tokio::time::timeout(LOOK_AGAIN, self.news.changed()).await;
            }
        }
    }

    /// As a stream, for a response's body.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, TranscriptError>> + Send + 'static {
        stream::try_unfold(self, |mut reader| async move {
            let chunk = reader.next().await?;
            Ok(chunk.map(|chunk| (chunk, reader)))
        })
    }

    async fn read(&self) -> Result<Bytes, TranscriptError> {
        let (from, offset) = (Arc::clone(&self.file), self.offset);
        let reading = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; CHUNK_BYTES];
            let len = from.read_at(&mut chunk, offset)?;
            chunk.truncate(len);
            Ok(Bytes::from(chunk))
        });
        reading
            .await
            .unwrap_or_else(|lost| Err(io::Error::other(lost)))
            .map_err(|cause| file("read", &self.live, cause))
    }
}

/// Starts the thread that wakes readers when a file in `dir` changes.
pub(super) fn start_waker(dir: PathBuf, waiting: Arc<Waiting>) -> io::Result<Running> {
    let (ready, is_ready) = std::sync::mpsc::channel();
    let running = Watcher::start("transcripts", move |watcher| {
        let watching = watcher.add(&dir).map(drop);
        let is_watching = watching.is_ok();
        // The other side waits for this.
        let _ = ready.send(watching);
        if is_watching {
            wake_readers(watcher, &waiting);
        }
    })?;
    is_ready.recv().unwrap_or_else(|lost| Err(io::Error::other(lost)))?;
    Ok(running)
}

fn wake_readers(watcher: &Watcher, waiting: &Waiting) {
    loop {
        let changes = match watcher.wait(LOOK_AGAIN) {
            Ok(Woken::Stop) => return,
            Ok(Woken::Nothing | Woken::Overflow) => continue, // readers look again by themselves
            Ok(Woken::Changes(changes)) => changes,
            Err(error) => {
                tracing::error!(%error, "transcripts are no longer watched; their readers are slow now");
                return;
            }
        };
        let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            if let Some(readers) = transcript_id(change.name.as_ref()).and_then(|id| waiting.get(id)) {
                readers.send_replace(());
            }
        }
    }
}

fn transcript_id(name: &Path) -> Option<&str> {
    let ending = name.extension()?;
    (ending == LIVE || ending == DONE).then_some(())?;
    name.file_stem()?.to_str()
}
