//! The access line: one per request to an app, written when the request is over.
//!
//! A worker formats its lines and collects them; one thread of their own writes them to the spool, so that a
//! slow disk never holds up a request. If that thread falls far behind, lines are dropped and counted.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use logs::spool::{WriteError, Writer};
use model::id::AppId;
use model::log::{Line, Source};
use model::time::Timestamp;
use tokio::sync::Notify;

use crate::failure::{At, Failure};
use crate::hint::Hints;
use crate::http1::request::RequestHead;

/// Batches that may wait for the writing thread.
const BATCHES_MAX: usize = 256;
/// A batch is sent off early when it has this many lines.
const BATCH_LINES: usize = 512;

/// How the client speaks to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Off,
    V12,
    V13,
}

/// What is known of a request when it is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) head: &'a RequestHead,
    pub(crate) tls: Tls,
    pub(crate) failure: Option<Failure>,
    /// The app's status, if it gave one and it was passed on.
    pub(crate) status: u16,
    pub(crate) dyno: Option<&'a str>,
    pub(crate) connect: Option<Duration>,
    pub(crate) service: Duration,
    pub(crate) bytes: u64,
}

/// The text after `heroku[router]: `.
pub(crate) fn message(ended: &Ended<'_>) -> String {
    let head = ended.head;
    let mut text = String::with_capacity(320);
    let reached = ended.dyno.is_some() && ended.failure.is_none_or(Failure::reached_dyno);
    if let Some(sock) = ended.failure.and_then(Failure::sock) {
        put(&mut text, format_args!("sock={sock} "));
    }
    match ended.failure {
        None => text.push_str("at=info"),
        Some(failure) => begin(&mut text, failure, head.agent()),
    }
    put(
        &mut text,
        format_args!(
            " method={} path=\"{}\" host={} request_id={} fwd=\"{}\" dyno={}",
            head.method(),
            Quoted(head.path()),
            head.authority(),
            head.request_id(),
            Quoted(head.forwarded_for()),
            ended.dyno.unwrap_or_default(),
        ),
    );
    text.push_str(" connect=");
    if let (Some(connect), true) = (ended.connect, ended.dyno.is_some()) {
        put(&mut text, format_args!("{}ms", connect.as_millis()));
    }
    text.push_str(" service=");
    if reached {
        put(&mut text, format_args!("{}ms", ended.service.as_millis()));
    }
    text.push_str(" status=");
    match ended.failure.map_or(ended.status, |failure| failure.facts().2) {
        0 => {}
        status => put(&mut text, format_args!("{status}")),
    }
    text.push_str(" bytes=");
    if reached {
        put(&mut text, format_args!("{}", ended.bytes));
    }
    put(&mut text, format_args!(" protocol=http{}", if head.http11 { "1.1" } else { "1.0" }));
    text.push_str(match ended.tls {
        Tls::Off => " tls=false",
        Tls::V12 => " tls=true tls_version=tls1.2",
        Tls::V13 => " tls=true tls_version=tls1.3",
    });
    text
}

fn begin(text: &mut String, failure: Failure, agent: &str) {
    let (code, at, _) = failure.facts();
    let at = match at {
        At::Info => "info",
        At::Warning => "warning",
        At::Error => "error",
    };
    let restriction = if matches!(failure, Failure::Restricted(_)) { "HTTP restriction: " } else { "" };
    put(text, format_args!("at={at} code={code} desc=\"{restriction}{}\"", failure.words()));
    match failure {
        Failure::BadRequest(cause, _) => put(text, format_args!(" cause=\"{cause}\"")),
        Failure::Misdirected => put(text, format_args!(" agent=\"{}\"", Quoted(agent))),
        _ => {}
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = text.write_fmt(what);
}

/// Text between quotes, which it cannot end.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in self.0.split_inclusive('"') {
            match part.strip_suffix('"') {
                Some(before) => write!(f, "{before}%22")?,
                None => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

type Batch = Vec<Entry>;

/// A line, whose it is, and how its request failed if it did.
#[derive(Debug)]
pub(crate) struct Entry {
    app: AppId,
    line: Line,
    failure: Option<Failure>,
}

/// One worker's lines on their way to the writing thread.
#[derive(Debug)]
pub(crate) struct Outbox {
    now: Clock,
    batch: RefCell<Batch>,
    begun: Notify,
    to: SyncSender<Batch>,
}

/// The wall clock.
#[derive(Clone)]
pub(crate) struct Clock(pub(crate) Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Outbox {
    pub(crate) fn new(now: Clock, to: SyncSender<Batch>) -> Self {
        Self { now, batch: RefCell::default(), begun: Notify::new(), to }
    }

    /// Adds a line; it is sent off by [`Outbox::send`], or at once if many have gathered.
    pub(crate) fn write(&self, app: AppId, message: String, failure: Option<Failure>) {
        let mut batch = self.batch.borrow_mut();
        batch.push(Entry { app, line: by_router(self.now.now(), message), failure });
        match batch.len() {
            1 => self.begun.notify_one(),
            BATCH_LINES.. => {
                drop(batch);
                self.send();
            }
            _ => {}
        }
    }

    /// Until there is a line to be sent off.
    pub(crate) async fn pending(&self) {
        self.begun.notified().await;
    }

    /// Hands the gathered lines to the writing thread.
    pub(crate) fn send(&self) {
        let batch = self.batch.take();
        if batch.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(lost) | TrySendError::Disconnected(lost)) = self.to.try_send(batch) {
            tracing::warn!(
                log.dropped = lost.len(),
                "the log spool is too slow: {} access lines dropped",
                lost.len()
            );
        }
    }
}

/// The way to the writing thread: its two ends.
pub(crate) fn channel() -> (SyncSender<Batch>, Receiver<Batch>) {
    sync_channel(BATCHES_MAX)
}

fn by_router(at: Timestamp, message: String) -> Line {
    Line { at, source: Source::Heroku, process: "router".to_owned(), message }
}

/// The writing thread's life: until every worker is gone. What a failure most likely means is told here too, where
/// nobody waits for it.
pub(crate) fn write_all(from: &Receiver<Batch>, spool: &mut Writer) {
    let mut hints = Hints::default();
    while let Ok(mut batch) = from.recv() {
        loop {
            for Entry { app, line, failure } in &batch {
                warn_if_lost(spool.write(*app, line));
                if let Some(hint) = failure.and_then(|failure| hints.line(*app, failure, line.at)) {
                    warn_if_lost(spool.write(*app, &by_router(line.at, hint)));
                }
            }
            match from.try_recv() {
                Ok(next) => batch = next,
                Err(_) => break,
            }
        }
        warn_if_lost(spool.flush());
    }
}

fn warn_if_lost(written: Result<(), WriteError>) {
    if let Err(error) = written {
        tracing::warn!(error = %error, cause = %error.cause, "access lines were lost");
    }
}

#[cfg(test)]
mod tests;
