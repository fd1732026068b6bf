//! One drain at work: takes lines, makes frames, sends each until it is taken or must be given up.
//!
//! ```text
//!  Feed::take ─► Frame ─► sink ─┬─ taken ──────────────► cursor moves on
//!                 ▲             ├─ refused (4xx) ──────► given up, counted (L10)
//!                 │             ├─ failed (5xx, 429…) ─► again, three times in all, then given up
//!                 └─ pause ◄────┴─ not reachable ──────► again, as long as it takes; the feed drops its oldest lines
//! ```

mod frame;
mod https;
mod sink;
mod syslog;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use logs::{Clock, Feed, Logs, Lost, event};
use model::drain::Drain;
use model::log::{Line, Source};
use tokio::time::{Instant, sleep};

use crate::outside::Outside;
use frame::{FRAME_BYTES, Frame};
use sink::{Sink, Trouble};
pub(crate) use sink::{causes, certificate};

/// Attempts to send one frame (Heroku: 3).
const TRIES_MAX: u32 = 3;
/// Longest pause while a receiver is not there.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Lines that wait for a drain that is dead; Heroku's buffer of one that works.
const DEAD_LINES_MAX: usize = 1_024;
/// Lines that wait for a drain that works. With the log's own limit on bytes.
pub(crate) const LINES_MAX: usize = 16_384;
/// The app's log says at most so often that a drain has trouble.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// How patient a drain is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Pause after the first failure; it doubles with each that follows.
    pub(crate) pause: Duration,
    /// How long a receiver may take to answer.
    pub(crate) answer: Duration,
    /// A drain without success for this long is dead: it may hold only few lines.
    pub(crate) dead_after: Duration,
}

/// Heroku's, as far as it is known: a second, half a minute, five minutes.
pub(crate) const PATIENCE: Patience = Patience {
    pause: Duration::from_secs(1),
    answer: Duration::from_secs(30),
    dead_after: Duration::from_secs(5 * 60),
};

/// One drain's task.
pub(crate) struct Worker {
    pub(crate) drain: Drain,
    pub(crate) feed: Feed,
    pub(crate) logs: Logs,
    pub(crate) outside: Outside,
    pub(crate) clock: Clock,
    pub(crate) patience: Patience,
    /// The last line that needs no more care; whoever keeps it for the next start looks here.
    pub(crate) cursor: Arc<AtomicU64>,
}

/// How a drain has been doing.
struct Health {
    last_success: Instant,
    failures: u32,
    is_dead: bool,
    complained: Option<Instant>,
    told_of_loss: Option<Instant>,
    dropped: Option<Lost>,
}

impl Worker {
    /// Works until the app's log is gone.
    pub(crate) async fn run(self) {
        let mut sink = match Sink::new(&self.drain, &self.outside, self.patience.answer) {
            Ok(sink) => sink,
            Err(why) => {
                self.say(event::drain_trouble(&self.drain.token, &why));
                return;
            }
        };
        let mut health = Health {
            last_success: Instant::now(),
            failures: 0,
            is_dead: false,
            complained: None,
            told_of_loss: None,
            dropped: None,
        };
        while let Some(batch) = self.feed.take(FRAME_BYTES).await {
            if let Some(lost) = batch.lost {
                health.drop(lost);
                self.complain_of_loss(&mut health);
            }
            let frame = Frame::new(&self.drain, &batch, (self.clock)());
            self.send(&frame, &mut sink, &mut health).await;
            if let Some(last) = frame.last_line {
                self.cursor.store(last, Ordering::Release);
            }
        }
    }

    /// Sends one frame, or gives it up.
    async fn send(&self, frame: &Frame, sink: &mut Sink, health: &mut Health) {
        let mut tries = 0;
        loop {
            let trouble = match sink.send(frame).await {
                Ok(()) => {
                    if health.succeeded() {
                        self.feed.limit(LINES_MAX);
                    }
                    return;
                }
                Err(trouble) => trouble,
            };
            self.complain(&trouble, health);
            if health.failed(self.patience.dead_after) {
                self.feed.limit(DEAD_LINES_MAX);
            }
            tries += u32::from(trouble.was_sent());
            if trouble.is_final() || tries >= TRIES_MAX {
                // What an earlier frame lost was told in this one, which nobody read.
                if let Some(lost) = frame.loss() {
                    self.feed.give_up(lost);
                }
                return;
            }
            sleep(health.pause(self.patience.pause)).await;
        }
    }

    /// Tells the app's people, now and then, why nothing arrives.
    fn complain(&self, trouble: &Trouble, health: &mut Health) {
        if !may_say(&mut health.complained) {
            return;
        }
        self.say(match trouble {
            Trouble::Certificate(why) => event::drain_certificate(why, &self.drain.url.address()),
            other => event::drain_trouble(&self.drain.token, &other.to_string()),
        });
    }

    fn complain_of_loss(&self, health: &mut Health) {
        if !may_say(&mut health.told_of_loss) {
            return;
        }
        if let Some(lost) = health.dropped.take() {
            self.say(event::drain_overflow_of(&self.drain.token, lost.count, lost.since));
        }
    }

    fn say(&self, message: String) {
        let at = (self.clock)();
        let line = Line { at, source: Source::Heroku, process: "logplex".to_owned(), message };
        self.logs.append(self.drain.app, line);
    }
}

impl Health {
    /// Whether it was dead until now.
    fn succeeded(&mut self) -> bool {
        self.last_success = Instant::now();
        self.failures = 0;
        std::mem::take(&mut self.is_dead)
    }

    /// Whether it is dead from now on.
    fn failed(&mut self, dead_after: Duration) -> bool {
        self.failures = self.failures.saturating_add(1);
        !self.is_dead && self.last_success.elapsed() > dead_after && {
            self.is_dead = true;
            true
        }
    }

    fn pause(&self, first: Duration) -> Duration {
        first.saturating_mul(1 << self.failures.saturating_sub(1).min(10)).min(PAUSE_MAX)
    }

    fn drop(&mut self, lost: Lost) {
        let dropped = self.dropped.get_or_insert(Lost { count: 0, since: lost.since });
        dropped.count += lost.count;
        dropped.since = dropped.since.min(lost.since);
    }
}

fn may_say(said: &mut Option<Instant>) -> bool {
    let may = said.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY);
    if may {
        *said = Some(Instant::now());
    }
    may
}

#[cfg(test)]
mod tests;
