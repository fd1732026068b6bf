//! The reading end of a spool.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use model::id::AppId;
use model::log::Line;

use super::{LOCK, segment_path};
use crate::record;

/// One line as a writer wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Whose line it is.
    pub(crate) app: AppId,
    /// Its number among the writer's lines for that app, from 1.
    pub(crate) number: u64,
    /// The line.
    pub(crate) line: Line,
}

/// Where a read ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// There may be more to read at once.
    More,
    /// A segment is read to its end and final; [`Reader::finish_segment`] goes on to the next.
    SegmentEnd,
    /// All that is there was read.
    Now,
}

/// Reads one spool from its oldest segment on.
///
/// Holds no file open between reads: there are as many readers as dynos.
#[derive(Debug)]
pub(crate) struct Reader {
    home: PathBuf,
    segment: u64,
    offset: u64,
}

impl Reader {
    pub(crate) fn new(home: PathBuf) -> Self {
        Self { home, segment: 0, offset: 0 }
    }

    /// Reads on, at most as much as `buffer` holds (which must be more than one record); skips what is torn.
    pub(crate) fn read(&mut self, buffer: &mut [u8], records: &mut Vec<Record>) -> io::Result<Reached> {
        let Some(file) = self.open()? else { return Ok(Reached::Now) };
        // Asked before reading: if the next segment exists by now, then what is read here is all of this one.
        let is_final = fs::exists(segment_path(&self.home, self.segment + 1))?;
        let len = read_full_at(&file, buffer, self.offset)?;
        let (whole, taken) = record::whole(&buffer[..len]);
        records.extend(whole.filter_map(parse));
        let is_full = len == buffer.len();
        // A full buffer without one line end is no record of ours.
        self.offset += if is_full && taken == 0 { len } else { taken } as u64;
        Ok(match (is_full, is_final) {
            (true, _) => Reached::More,
            (false, true) => Reached::SegmentEnd,
            (false, false) => Reached::Now,
        })
    }

    /// Leaves and removes a segment whose records were taken over.
    pub(crate) fn finish_segment(&mut self) -> io::Result<()> {
        let done = segment_path(&self.home, self.segment);
        self.segment += 1;
        self.offset = 0;
        fs::remove_file(done).or_else(|cause| ignore_missing(cause, ()))
    }

    /// The segment to read; the oldest there is if the writer has dropped it, `None` if there is none.
    fn open(&mut self) -> io::Result<Option<File>> {
        match File::open(segment_path(&self.home, self.segment)) {
            Ok(file) => return Ok(Some(file)),
            Err(cause) => ignore_missing(cause, ())?,
        }
        let Some(oldest) = self.oldest()? else { return Ok(None) };
        self.segment = oldest;
        self.offset = 0;
        // Dropped again in this very moment: the writer will make us look once more.
        File::open(segment_path(&self.home, oldest)).map(Some).or_else(|cause| ignore_missing(cause, None))
    }

    fn oldest(&self) -> io::Result<Option<u64>> {
        let mut oldest = None;
        let entries = match fs::read_dir(&self.home) {
            Ok(entries) => entries,
            Err(cause) => return ignore_missing(cause, None),
        };
        for entry in entries {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".seg")?.parse::<u64>().ok());
            oldest = oldest.into_iter().chain(number.filter(|number| *number >= self.segment)).min();
        }
        Ok(oldest)
    }
}

/// Whether the writer of the spool is gone for good, so that what is in it now is all.
pub(crate) fn is_abandoned(home: &Path) -> io::Result<bool> {
    let lock = match File::open(home.join(LOCK)) {
        Ok(lock) => lock,
        Err(cause) => return ignore_missing(cause, true),
    };
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(cause)) => Err(cause),
    }
}

/// Reads until `buffer` is full or the file ends.
fn read_full_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read_at(&mut buffer[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(len)
}

fn parse(record: &[u8]) -> Option<Record> {
    let mut fields = record::unseal(record)?;
    Some(Record { app: fields.number()?, number: fields.number()?, line: fields.line()? })
}

fn ignore_missing<T>(cause: io::Error, instead: T) -> io::Result<T> {
    if cause.kind() == io::ErrorKind::NotFound { Ok(instead) } else { Err(cause) }
}
