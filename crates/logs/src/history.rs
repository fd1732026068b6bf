//! The history of one app, on disk: its last lines, each with its id.
//!
//! ```text
//! DIR/00000000000000000001.log    @ WRITER NUMBER MICROS        what had been taken from each spool before
//!                                 ID WRITER NUMBER LINE…        a line taken from a spool
//!                                 ID - 0 LINE…                  a line made by the server
//! DIR/00000000000000000501.log    named by the first id in it; the oldest files are removed
//! ```
//! A line and where it came from are one record, written at once: after a kill at any point the newest file says
//! exactly which lines of a spool are in. Nothing is synced to the disk: this is safe against killed processes;
//! a power cut may lose the last seconds.

mod origins;
mod read;

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::log::Line;

use crate::record;
use crate::tail::Entry;

pub(crate) use origins::{Origins, Seen};
pub use read::ReadError;
pub(crate) use read::{Snapshot, Wanted};

/// Into how many files a full history is divided: as many parts are removed at a time.
const FILES: u64 = 3;
/// The mark, instead of an id, of a record that says what was taken before.
const TAKEN: &str = "@";
/// The origin of lines that the server made itself.
const SERVER: &str = "-";

/// One app's lines on disk, and what is needed to add to them.
#[derive(Debug)]
pub(crate) struct History {
    dir: PathBuf,
    lines_max: u64,
    /// First id of each file, oldest first.
    files: VecDeque<u64>,
    /// The id of the next line.
    next_id: u64,
    /// The last write failed, perhaps halfway: the next lines go into a new file.
    broken: bool,
    /// What was taken from which spool.
    pub(crate) origins: Origins,
    /// The records of the batch being put together.
    batch: Vec<u8>,
    /// The id of its first line.
    batch_first: u64,
    /// Whether it opens a new file, which it then gives its name.
    batch_opens: bool,
}

impl History {
    /// Opens what is in `dir` (which need not exist); mends what a kill left half written.
    pub(crate) fn open(dir: PathBuf, lines_max: u64) -> io::Result<Self> {
        let mut files = list(&dir)?;
        let mut origins = Origins::default();
        let mut next_id = files.back().copied().unwrap_or(1);
        while let Some(newest) = files.back() {
            let at = file_path(&dir, *newest);
            if let Some(last_id) = replay(&at, &mut origins)? {
                next_id = next_id.max(last_id + 1);
                break;
            }
            // Killed before the first line was in: what was taken stands in the file before.
            origins = Origins::default();
            fs::remove_file(&at)?;
            files.pop_back();
        }
        Ok(Self {
            dir,
            lines_max,
            files,
            next_id,
            broken: false,
            origins,
            batch: Vec::new(),
            batch_first: next_id,
            batch_opens: false,
        })
    }

    /// Begins a batch. Must come before `origins` learns of what is in it.
    pub(crate) fn begin(&mut self) {
        let in_newest = self.files.back().map(|first| self.next_id - first);
        let is_full = in_newest.is_none_or(|lines| lines >= (self.lines_max / FILES).max(1));
        self.batch.clear();
        self.batch_first = self.next_id;
        self.batch_opens = is_full || self.broken;
        if self.batch_opens {
            self.origins.write(&mut self.batch);
        }
    }

    /// Adds a line (of one piece) to the batch. `origin` is the writer and the line's number there.
    pub(crate) fn push(&mut self, origin: Option<(&str, u64)>, line: Arc<Line>) -> Entry {
        let id = self.next_id;
        self.next_id += 1;
        let (writer, number) = origin.unwrap_or((SERVER, 0));
        record::seal(&mut self.batch, |out| {
            record::put(out, format_args!("{id} {writer} {number} "));
            record::put_line(out, &line, &line.message);
        });
        Entry { id, line }
    }

    /// Writes the batch, then removes what is too much.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        if self.batch_first == self.next_id {
            return Ok(()); // not one line
        }
        self.broken = true;
        if self.files.is_empty() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        }
        let newest = self.files.back().copied().filter(|_| !self.batch_opens).unwrap_or(self.batch_first);
        let at = file_path(&self.dir, newest);
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(at)?;
        if self.batch_opens {
            self.files.push_back(newest);
        }
        file.write_all(&self.batch)?;
        self.broken = false;
        self.trim()
    }

    /// What can be read now, without holding on to the history.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            dir: self.dir.clone(),
            files: self.files.iter().copied().collect(),
            next_id: self.next_id,
            lines_max: self.lines_max,
        }
    }

    /// Removes everything.
    pub(crate) fn remove(&mut self) -> io::Result<()> {
        self.files.clear();
        fs::remove_dir_all(&self.dir).or_else(ignore_missing)
    }

    fn trim(&mut self) -> io::Result<()> {
        while self.files.get(1).is_some_and(|second| self.next_id - second >= self.lines_max) {
            if let Some(oldest) = self.files.pop_front() {
                fs::remove_file(file_path(&self.dir, oldest)).or_else(ignore_missing)?;
            }
        }
        Ok(())
    }
}

/// Reads a file for what was taken, and the id of its last line; cuts off a torn record, so that the next one
/// starts on a line of its own.
fn replay(at: &Path, origins: &mut Origins) -> io::Result<Option<u64>> {
    let bytes = read::capped(at)?;
    let (records, whole) = record::whole(&bytes);
    let mut last_id = None;
    for mut fields in records.filter_map(record::unseal) {
        let (Some(head), Some(writer), Some(number)) = (fields.word(), fields.word(), fields.number()) else {
            continue;
        };
        if head == TAKEN {
            origins.restore(writer, number, fields);
        } else if let (Ok(id), Some(line)) = (head.parse(), fields.line()) {
            last_id = last_id.max(Some(id));
            if writer != SERVER {
                origins.set(writer, number, line.at);
            }
        }
    }
    if whole < bytes.len() {
        OpenOptions::new().write(true).open(at)?.set_len(whole as u64)?;
    }
    Ok(last_id)
}

/// The first ids of the files in `dir`, in order.
fn list(dir: &Path) -> io::Result<VecDeque<u64>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(VecDeque::new()),
        Err(cause) => return Err(cause),
    };
    let first_id = |name: &str| name.strip_suffix(".log")?.parse().ok();
    let mut files = entries
        .filter_map(|entry| entry.map(|entry| entry.file_name().to_str().and_then(first_id)).transpose())
        .collect::<io::Result<Vec<u64>>>()?;
    files.sort_unstable();
    Ok(files.into())
}

fn file_path(dir: &Path, first_id: u64) -> PathBuf {
    dir.join(format!("{first_id:020}.log"))
}

fn ignore_missing(cause: io::Error) -> io::Result<()> {
    if cause.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(cause) }
}

#[cfg(test)]
mod tests;
