//! Reading a history while it grows.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::time::Timestamp;

use super::{TAKEN, file_path};
use crate::filter::Filter;
use crate::record;
use crate::tail::Entry;

/// Most bytes read of one file. A file is closed once it has a third of the history's lines, and a batch that
/// goes into it is one read of a spool, so a real one stays far below.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A history could not be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read the log history {at}")]
pub struct ReadError {
    /// Which file or directory.
    pub at: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// A history as it was at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(super) dir: PathBuf,
    pub(super) files: Vec<u64>,
    /// Lines from this id on are not part of it.
    pub(crate) next_id: u64,
    pub(super) lines_max: u64,
}

/// Which lines to read.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) filter: &'a Filter,
    /// At most so many, the last ones.
    pub(crate) lines: usize,
    /// Only those with a greater id.
    pub(crate) after: u64,
    /// Only those not older.
    pub(crate) since: Timestamp,
}

impl Snapshot {
    /// The wanted lines, oldest first. Lines that were removed since count as too old.
    pub(crate) fn read(&self, wanted: &Wanted<'_>) -> Result<Vec<Entry>, ReadError> {
        let oldest = self.next_id.saturating_sub(self.lines_max).max(wanted.after.saturating_add(1));
        let mut found: Vec<Entry> = Vec::new();
        for (index, first_id) in self.files.iter().enumerate().rev() {
            let is_below = self.files.get(index + 1).is_some_and(|next| *next <= oldest);
            if found.len() >= wanted.lines || is_below {
                break;
            }
            let at = file_path(&self.dir, *first_id);
            let bytes = match capped(&at) {
                Ok(bytes) => bytes,
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => break,
                Err(cause) => return Err(ReadError { at, cause }),
            };
            let (records, _) = record::whole(&bytes);
            let mut part: Vec<Entry> = records
                .filter_map(parse)
                .filter(|entry| (oldest..self.next_id).contains(&entry.id))
                .filter(|entry| entry.line.at >= wanted.since && wanted.filter.matches(&entry.line))
                .collect();
            part.append(&mut found);
            found = part;
        }
        let too_many = found.len().saturating_sub(wanted.lines);
        found.drain(..too_many);
        Ok(found)
    }
}

/// Reads a file of the history, up to the limit.
pub(super) fn capped(at: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(at)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(record: &[u8]) -> Option<Entry> {
    let mut fields = record::unseal(record)?;
    let id = fields.word().filter(|head| *head != TAKEN)?.parse().ok()?;
    let (_writer, _number) = (fields.word()?, fields.word()?);
    Some(Entry { id, line: Arc::new(fields.line()?) })
}
