//! What one app's history has taken from each spool.

use std::collections::HashMap;

use model::time::Timestamp;

use super::TAKEN;
use crate::record::{self, Fields};

/// Most spools remembered per app: far more than an app can have dynos and the router threads. Beyond it the one
/// silent for longest is forgotten.
const ORIGINS_MAX: usize = 512;

/// The last line taken from each spool, by the spool's name.
#[derive(Debug, Default)]
pub(crate) struct Origins(HashMap<String, Last>);

#[derive(Debug, Clone, Copy)]
struct Last {
    number: u64,
    at: Timestamp,
}

/// What a line's number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is in the history.
    Before,
    /// It is the next one.
    Next,
    /// It is new, and the lines before it are missing.
    After {
        /// How many are missing.
        missing: u64,
        /// The time of the last line that is not, or of this one if there was none.
        since: Timestamp,
    },
}

impl Origins {
    /// Notes that a line was taken, and tells how it follows the ones before.
    pub(crate) fn take(&mut self, writer: &str, number: u64, at: Timestamp) -> Seen {
        let last = self.0.get(writer).copied().unwrap_or(Last { number: 0, at });
        if number <= last.number {
            return Seen::Before;
        }
        self.set(writer, number, at);
        match number - last.number - 1 {
            0 => Seen::Next,
            missing => Seen::After { missing, since: last.at },
        }
    }

    /// Notes that lines up to this one were taken.
    pub(crate) fn set(&mut self, writer: &str, number: u64, at: Timestamp) {
        if let Some(last) = self.0.get_mut(writer) {
            *last = Last { number, at };
            return;
        }
        if self.0.len() >= ORIGINS_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, last)| last.at).map(|(name, _)| name.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(writer.to_owned(), Last { number, at });
    }

    /// Forgets a spool that will not be read again.
    pub(crate) fn forget(&mut self, writer: &str) {
        self.0.remove(writer);
    }

    /// Writes all that is known, as records.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (writer, Last { number, at }) in &self.0 {
            let micros = at.as_micros();
            record::seal(out, |out| record::put(out, format_args!("{TAKEN} {writer} {number} {micros} ")));
        }
    }

    /// The reverse of [`Origins::write`], for what comes after the number.
    pub(crate) fn restore(&mut self, writer: &str, number: u64, mut rest: Fields<'_>) {
        if let Some(micros) = rest.number() {
            self.set(writer, number, Timestamp::from_micros(micros));
        }
    }
}
