//! Feeds: a drain's view of an app's lines, in batches, from a place in the history on.
//!
//! A feed that is not emptied fast enough loses its oldest lines and tells how many, before the lines that come after
//! them. It never holds up whoever writes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::log::{Line, Source};
use model::time::Timestamp;
use tokio::sync::Notify;

use crate::tail::{Capacity, Entry};

/// Lines that a feed lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub count: u64,
    /// The time of the first of them, as far as it is known.
    pub since: Timestamp,
}

/// Lines that were taken from a feed.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Lines that are missing before the first of this batch.
    pub lost: Option<Lost>,
    /// The lines, in order; none only if something was lost and nothing came since.
    pub entries: Vec<Entry>,
}

/// One drain's lines. Dropping it ends it.
#[derive(Debug)]
pub struct Feed {
    buffer: Arc<Buffer>,
    start: u64,
}

impl Feed {
    pub(crate) fn new(buffer: Arc<Buffer>, start: u64) -> Self {
        Self { buffer, start }
    }

    /// The id of the line after which it began.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Waits for lines and takes as many as fit into about `bytes` of messages, but at least one. None when the app's
    /// log is gone.
    pub async fn take(&self, bytes: usize) -> Option<Batch> {
        loop {
            let news = self.buffer.news.notified();
            {
                let mut state = self.buffer.state();
                if !state.lines.is_empty() || state.lost.is_some() {
                    return Some(state.take(bytes));
                }
                if state.closed {
                    return None;
                }
            }
            news.await;
        }
    }

    /// Counts lines that were taken and could not be delivered; they are told before the next ones.
    pub fn give_up(&self, lost: Lost) {
        self.buffer.state().lose(lost);
        self.buffer.news.notify_one();
    }

    /// Holds at most so many lines from now on; what is too much is lost.
    pub fn limit(&self, lines: usize) {
        let mut state = self.buffer.state();
        state.capacity.lines = lines;
        state.trim();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.buffer.close();
    }
}

/// What waits for a drain: filled by the intake, emptied by the drain.
#[derive(Debug)]
pub(crate) struct Buffer {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug)]
struct State {
    capacity: Capacity,
    lines: VecDeque<Entry>,
    bytes: usize,
    lost: Option<Lost>,
    closed: bool,
}

impl Buffer {
    pub(crate) fn new(capacity: Capacity) -> Self {
        let state = State { capacity, lines: VecDeque::new(), bytes: 0, lost: None, closed: false };
        Self { state: Mutex::new(state), news: Notify::new() }
    }

    /// Adds lines; the oldest go if there are too many.
    pub(crate) fn push(&self, entries: &[Entry]) {
        let mut state = self.state();
        for entry in entries.iter().filter(|entry| is_for_drains(&entry.line)) {
            state.bytes += entry.line.message.len();
            state.lines.push_back(entry.clone());
            state.trim();
        }
        drop(state);
        self.news.notify_one();
    }

    /// Puts lines of the history before the ones that came meanwhile. `missing` lines are not there any more.
    pub(crate) fn begin(&self, past: Vec<Entry>, missing: u64, now: Timestamp) {
        let mut state = self.state();
        if missing > 0 {
            let since = past.first().map_or(now, |entry| entry.line.at);
            state.lose(Lost { count: missing, since });
        }
        for entry in past.into_iter().rev().filter(|entry| is_for_drains(&entry.line)) {
            state.bytes += entry.line.message.len();
            state.lines.push_front(entry);
        }
        state.trim();
        drop(state);
        self.news.notify_one();
    }

    /// No more lines will come, or nobody wants them.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.news.notify_one();
    }

    /// Whether nothing more need be pushed.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change to the state is whole before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the log says about drains is not sent to drains: one that fails would fill itself with its own failures.
fn is_for_drains(line: &Line) -> bool {
    line.source != Source::Heroku || line.process != "logplex"
}

impl State {
    fn lose(&mut self, more: Lost) {
        let lost = self.lost.get_or_insert(Lost { count: 0, since: more.since });
        lost.count += more.count;
        lost.since = lost.since.min(more.since);
    }

    fn trim(&mut self) {
        while self.lines.len() > self.capacity.lines || self.bytes > self.capacity.bytes {
            let Some(entry) = self.lines.pop_front() else { return };
            self.bytes -= entry.line.message.len();
            self.lose(Lost { count: 1, since: entry.line.at });
        }
    }

    fn take(&mut self, bytes: usize) -> Batch {
        let mut batch = Batch { lost: self.lost.take(), entries: Vec::new() };
        let mut taken = 0;
        while let Some(entry) = self.lines.pop_front() {
            let size = entry.line.message.len();
            if taken + size > bytes && !batch.entries.is_empty() {
                self.lines.push_front(entry);
                break;
            }
            taken += size;
            self.bytes -= size;
            batch.entries.push(entry);
        }
        batch
    }
}

#[cfg(test)]
mod tests;
