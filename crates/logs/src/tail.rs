//! Tails: one reader's view of an app's lines, from the history on into the future.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use model::log::{Line, Source};
use model::time::Timestamp;

use crate::event;
use crate::filter::Filter;

/// One line as a reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Grows by one with each line of an app, from 1; survives restarts. For `Last-Event-ID`.
    pub id: u64,
    /// The line.
    pub line: Arc<Line>,
}

/// How much one tail may hold for a slow reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
}

/// A stream of lines: first from the history, then as they come; no gap, nothing twice.
///
/// A reader that is too slow loses lines, and gets one from `heroku[logplex]` that counts them (L11). The stream
/// ends when the app's logs are removed.
#[derive(Debug)]
pub struct Tail {
    past: std::vec::IntoIter<Entry>,
    live: Arc<Queue>,
}

impl Tail {
    /// A tail that has only what comes now. Owns the queue from here on, so that dropping it closes the queue.
    pub(crate) fn new(live: Arc<Queue>) -> Self {
        Self { past: Vec::new().into_iter(), live }
    }

    /// Puts the lines of the history before the live ones.
    pub(crate) fn begin(&mut self, past: Vec<Entry>) {
        self.past = past.into_iter();
    }
}

impl Stream for Tail {
    type Item = Entry;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Entry>> {
        match self.past.next() {
            Some(entry) => Poll::Ready(Some(entry)),
            None => self.live.poll(cx),
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.live.close();
    }
}

/// The live part of a tail: filled by the intake, emptied by the reader.
#[derive(Debug)]
pub(crate) struct Queue {
    filter: Filter,
    capacity: Capacity,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Entry>,
    bytes: usize,
    lost: Option<Lost>,
    closed: bool,
    waker: Option<Waker>,
}

/// Lines that found the queue full.
#[derive(Debug)]
struct Lost {
    count: u64,
    last_id: u64,
    since: Timestamp,
    until: Timestamp,
}

impl Queue {
    pub(crate) fn new(filter: Filter, capacity: Capacity) -> Self {
        Self { filter, capacity, state: Mutex::default() }
    }

    /// Adds the lines that the reader wants. Once one did not fit, the following ones are not taken either
    /// until the reader has emptied the queue: what is lost is one piece, announced where it is missing.
    pub(crate) fn push(&self, entries: &[Entry]) {
        let mut state = self.state();
        for entry in entries.iter().filter(|entry| self.filter.matches(&entry.line)) {
            let is_full = state.lines.len() >= self.capacity.lines || state.bytes >= self.capacity.bytes;
            if is_full || state.lost.is_some() {
                let at = entry.line.at;
                let lost = state.lost.get_or_insert(Lost { count: 0, last_id: 0, since: at, until: at });
                lost.count += 1;
                lost.last_id = entry.id;
                lost.until = at;
            } else {
                state.bytes += entry.line.message.len();
                state.lines.push_back(entry.clone());
            }
        }
        wake(state);
    }

    /// No more lines will come, or nobody wants them.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        wake(state);
    }

    /// Whether nothing more need be pushed.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Entry>> {
        let mut state = self.state();
        if let Some(entry) = state.lines.pop_front() {
            state.bytes -= entry.line.message.len();
            return Poll::Ready(Some(entry));
        }
        if let Some(lost) = state.lost.take() {
            return Poll::Ready(Some(lost.into_entry()));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change to the state is whole before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let has_news = !state.lines.is_empty() || state.lost.is_some() || state.closed;
    let waker = if has_news { state.waker.take() } else { None };
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Lost {
    /// Has the id of the last lost line, so that a reader who resumes after it is not told twice.
    fn into_entry(self) -> Entry {
        let line = Line {
            at: self.until,
            source: Source::Heroku,
            process: "logplex".to_owned(),
            message: event::tail_overflow(self.count, self.since),
        };
        Entry { id: self.last_id, line: Arc::new(line) }
    }
}

#[cfg(test)]
mod tests;
