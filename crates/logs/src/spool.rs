//! Spools: how processes that outlive the server hand it their lines.
//!
//! ```text
//! ROOT/web-1.0f3a…/lock              locked as long as the writer lives
//!                  00000001.seg      records, oldest segment first;
//!                  00000002.seg      a segment is final once the next one exists
//! ```
//! A [`Writer`] only ever appends. [`crate::Logs::follow`] reads, removes segments it has read to the end, and
//! removes the spool when its writer is gone. If nobody reads, the writer drops its oldest segment: each record
//! carries a number per app, so the reader can count what is missing and says so in the app's log (L12).
//!
//! Not asynchronous, no thread, no runtime: it is used in the single-threaded shim and in the router's threads.

mod reader;
mod split;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use model::id::AppId;
use model::log::Line;

use crate::record;

pub(crate) use reader::{Reached, Reader, Record, is_abandoned};
pub use split::Splitter;
pub(crate) use split::pieces;

/// Records are written at the latest when this many bytes wait.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// Longest name of a writer, in bytes.
const NAME_BYTES_MAX: usize = 100;
/// The file whose lock says that the writer lives.
const LOCK: &str = "lock";
/// Directories that are not spools (yet, or any more) start like this.
pub(crate) const HIDDEN: &str = ".";

/// How much a spool may hold when nobody reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A new segment is begun after this many bytes.
    pub segment_bytes: u64,
    /// Segments kept; then the oldest is dropped.
    pub segments: u64,
}

impl Default for Limits {
    /// 32 segments of 256 KiB: 8 MiB, about 60,000 lines. Segments are small because a restarted server reads
    /// the unfinished one again from its start.
    fn default() -> Self {
        Self { segment_bytes: 256 << 10, segments: 32 }
    }
}

/// A spool could not be begun.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The name is not usable as a file name.
    #[error("`{name}` cannot name a spool: up to 100 of A-Z a-z 0-9 . _ - and no leading dot")]
    Name {
        /// What was given.
        name: String,
    },
    /// The directory or a file in it could not be made.
    #[error("could not begin a spool at {at}")]
    Create {
        /// Where.
        at: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Records could not be written. They are lost; the reader will count them. The writer goes on in a new segment.
#[derive(Debug, thiserror::Error)]
#[error("could not write to the spool segment {at}")]
pub struct WriteError {
    /// Which segment.
    pub at: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// The writing end of one spool; dropping it flushes and closes the spool.
#[derive(Debug)]
pub struct Writer {
    home: PathBuf,
    limits: Limits,
    segment: File,
    number: u64,
    oldest: u64,
    segment_len: u64,
    /// The last write failed, perhaps halfway: nothing more goes into this segment.
    broken: bool,
    buffer: Vec<u8>,
    /// How many records each app got so far: the number of its last one.
    numbers: HashMap<AppId, u64>,
    /// Declared last, so dropped last: whoever sees it unlocked may take the segments as final.
    _lock: File,
}

impl Writer {
    /// Begins a spool in the directory `root`, which is made if need be.
    ///
    /// `name` tells people whose it is (`web.1`, `router-2`). Two writers may have the same name, at once or one
    /// after the other; each gets a spool of its own.
    ///
    /// # Errors
    /// If the name is unusable or the files cannot be made.
    pub fn open(root: &Path, name: &str, limits: Limits) -> Result<Self, OpenError> {
        if !is_file_name(name) {
            return Err(OpenError::Name { name: name.to_owned() });
        }
        let mark = RandomState::new().build_hasher().finish();
        let home = root.join(format!("{name}.{mark:016x}"));
        // Made under a hidden name and shown when locked: a spool that can be seen unlocked is abandoned.
        let hidden = root.join(format!("{HIDDEN}{name}.{mark:016x}"));
        let create = |at: &Path| {
            DirBuilder::new().recursive(true).mode(0o700).create(root)?;
            DirBuilder::new().mode(0o700).create(at)?;
            let lock = File::create_new(at.join(LOCK))?;
            lock.try_lock()?;
            let segment = File::create_new(segment_path(at, 1))?;
            fs::rename(at, &home)?;
            Ok((lock, segment))
        };
        let (lock, segment) =
            create(&hidden).map_err(|cause| OpenError::Create { at: home.clone(), cause })?;
        Ok(Self {
            home,
            limits,
            segment,
            number: 1,
            oldest: 1,
            segment_len: 0,
            broken: false,
            buffer: Vec::new(),
            numbers: HashMap::new(),
            _lock: lock,
        })
    }

    /// Adds one line for an app; it is on its way after the next [`Writer::flush`].
    ///
    /// A message with line ends, or longer than a line may be, becomes several lines.
    ///
    /// # Errors
    /// If the buffer was full and could not be written; see [`WriteError`].
    pub fn write(&mut self, app: AppId, line: &Line) -> Result<(), WriteError> {
        let number = self.numbers.entry(app).or_default();
        let buffer = &mut self.buffer;
        pieces(&line.message, |message| {
            *number += 1;
            record::seal(buffer, |out| {
                record::put(out, format_args!("{app} {number} "));
                record::put_line(out, line, message);
            });
        });
        if self.buffer.len() >= BUFFER_BYTES_MAX { self.flush() } else { Ok(()) }
    }

    /// Hands everything written so far to the kernel: from then on it survives this process.
    ///
    /// # Errors
    /// If it could not be written; see [`WriteError`].
    pub fn flush(&mut self) -> Result<(), WriteError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.write_buffer();
        self.buffer.clear();
        written.map_err(|cause| {
            self.broken = true;
            WriteError { at: segment_path(&self.home, self.number), cause }
        })
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        let len = self.buffer.len() as u64;
        let is_full = self.segment_len > 0 && self.segment_len + len > self.limits.segment_bytes;
        if is_full || self.broken {
            self.begin_segment()?;
        }
        self.segment.write_all(&self.buffer)?;
        self.segment_len += len;
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        // Dropped before the new one is made: if the disk is full, this is what makes room.
        while self.number + 1 - self.oldest >= self.limits.segments.max(1) {
            match fs::remove_file(segment_path(&self.home, self.oldest)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => self.oldest += 1,
            }
        }
        let at = segment_path(&self.home, self.number + 1);
        self.segment = OpenOptions::new().write(true).create_new(true).open(at)?;
        self.number += 1;
        self.segment_len = 0;
        self.broken = false;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Nobody is left to tell; the reader counts what is missing.
        let _ = self.flush();
    }
}

fn segment_path(home: &Path, number: u64) -> PathBuf {
    home.join(format!("{number:08}.seg"))
}

/// Whether a text given from outside may become a file name (and one word of a record).
pub(crate) fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.starts_with(HIDDEN) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
