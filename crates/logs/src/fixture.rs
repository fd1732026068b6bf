//! What the tests of this crate share.

use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use model::id::AppId;
use model::log::{Line, Source};
use model::time::Timestamp;

use crate::intake::{Logs, LogsConfig};
use crate::tail::{Entry, Tail};

/// 2026-11-22T14:55:34Z, which the tests' clock shows.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_359_334_000_000);
/// Longest a test waits for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn app(number: u128) -> AppId {
    AppId::from_u128(number)
}

pub(crate) fn line(message: &str) -> Line {
    Line { at: NOW, source: Source::App, process: "web.1".to_owned(), message: message.to_owned() }
}

pub(crate) fn config(dir: &Path) -> LogsConfig {
    LogsConfig { sweep: Duration::from_millis(20), ..LogsConfig::new(dir.join("logs")) }
}

pub(crate) fn open(config: LogsConfig) -> Logs {
    Logs::open(config, Arc::new(|| NOW)).expect("a new directory can be opened")
}

pub(crate) fn messages(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.line.message.as_str()).collect()
}

pub(crate) async fn next(tail: &mut Tail) -> Option<Entry> {
    let next = poll_fn(|cx| Pin::new(&mut *tail).poll_next(cx));
    tokio::time::timeout(PATIENCE, next).await.expect("a line should have come")
}

/// The next lines of a tail, so many.
pub(crate) async fn take(tail: &mut Tail, count: usize) -> Vec<Entry> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(next(tail).await.expect("the tail should not end"));
    }
    taken
}

/// Looks again and again until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}
