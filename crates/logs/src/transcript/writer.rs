//! Writing a transcript: plain files only, no thread and no runtime.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::{TranscriptError, file};

/// Appends to one transcript. Dropping it leaves the transcript unfinished.
#[derive(Debug)]
pub struct TranscriptWriter {
    file: File,
    live: PathBuf,
    done: PathBuf,
    /// Bytes that still fit; 0 once the rest is being cut off.
    room: u64,
}

impl TranscriptWriter {
    pub(super) fn open(live: PathBuf, done: PathBuf, bytes_max: u64) -> Result<Self, TranscriptError> {
        let open = || {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&live)?;
            let len = file.metadata()?.len();
            Ok((file, len))
        };
        let (opened, len) = open().map_err(|cause| file("write", &live, cause))?;
        Ok(Self { file: opened, live, done, room: bytes_max.saturating_sub(len) })
    }

    /// Appends bytes; when this returns they survive a kill of this process and are on their way to readers.
    ///
    /// What does not fit any more is left out, after a notice that says so.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), TranscriptError> {
        let fits = usize::try_from(self.room).map_or(bytes.len(), |room| room.min(bytes.len()));
        let was_cut = self.room == 0;
        self.room -= fits as u64;
        let mut write = || {
            self.file.write_all(&bytes[..fits])?;
            if self.room == 0 && !was_cut {
                self.file.write_all(notice().as_bytes())?;
            }
            Ok(())
        };
        write().map_err(|cause| file("write", &self.live, cause))
    }

    /// Marks the end. The bytes are on the disk when this returns.
    ///
    /// # Errors
    /// If the file cannot be synced or renamed.
    pub fn finish(self) -> Result<(), TranscriptError> {
        let end = || {
            self.file.sync_data()?;
            fs::rename(&self.live, &self.done)
        };
        end().map_err(|cause| file("finish", &self.live, cause))
    }
}

fn notice() -> String {
    format!(
        "\n !     The output is longer than {} MiB; the rest is left out.\n",
        super::TRANSCRIPT_BYTES_MAX >> 20
    )
}
