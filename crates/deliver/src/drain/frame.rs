//! What goes over the wire: syslog messages with their length before them.
//!
//! Two dialects, both Heroku's: HTTP frames name the host `host` and have no structured data (not even its `-`), syslog
//! names the drain's token as host and has all fields of RFC 5424.

use bytes::Bytes;
use logs::{Batch, Entry, Lost, event};
use model::drain::{Drain, DrainKind};
use model::log::{Line, Source};
use model::time::Timestamp;

/// About how many bytes of messages one frame has (Heroku: 100 kB).
pub(super) const FRAME_BYTES: usize = 100_000;

/// `local5.warning`: what the drains say of themselves.
const PRI_LOGPLEX: u8 = 172;

/// Lines ready to be sent, the same at each attempt.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// 32 hexadecimal digits: a receiver knows by it what it has already.
    pub(super) id: String,
    /// The messages.
    pub(super) body: Bytes,
    /// How many messages there are, the one that tells of a loss included.
    pub(super) messages: usize,
    /// The id of its last line.
    pub(super) last_line: Option<u64>,
    lines: u64,
    since: Option<Timestamp>,
    lost: Option<Lost>,
}

impl Frame {
    /// Makes a frame of a batch. What was lost is told first.
    pub(super) fn new(drain: &Drain, batch: &Batch, now: Timestamp) -> Self {
        let is_http = drain.url.kind() == DrainKind::Http;
        let mut body = Vec::with_capacity(FRAME_BYTES + FRAME_BYTES / 2);
        let mut add = |line: &Line, end: &str| match is_http {
            true => message(&mut body, line, "host", "-", end),
            false => message(&mut body, line, &drain.token, "- -", "\n"),
        };
        if let Some(Lost { count, since }) = batch.lost {
            let message = event::drain_overflow(count, since);
            let line = Line { at: now, source: Source::Heroku, process: "logplex".to_owned(), message };
            // Heroku ends this one without a line end.
            add(&line, "");
        }
        batch.entries.iter().for_each(|Entry { line, .. }| add(line, "\n"));
        Self {
            id: format!("{:032X}", rand::random::<u128>()),
            body: body.into(),
            messages: batch.entries.len() + usize::from(batch.lost.is_some()),
            last_line: batch.entries.last().map(|entry| entry.id),
            lines: batch.entries.len() as u64,
            since: batch.entries.first().map(|entry| entry.line.at),
            lost: batch.lost,
        }
    }

    /// What is lost when this frame is given up.
    pub(super) fn loss(&self) -> Option<Lost> {
        let since = self.lost.map(|lost| lost.since).or(self.since)?;
        Some(Lost { count: self.lines + self.lost.map_or(0, |lost| lost.count), since })
    }
}

/// Appends `LENGTH <PRI>1 TIME HOST APP PROC FIELDS MESSAGE`. `fields` is the message id, and what comes after it.
fn message(out: &mut Vec<u8>, line: &Line, host: &str, fields: &str, end: &str) {
    let Line { at, source, process, message } = line;
    let pri = pri(line);
    let text =
        format!("<{pri}>1 {} {host} {} {process} {fields} {message}{end}", at.to_log(), source.as_str());
    out.extend_from_slice(text.len().to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(text.as_bytes());
}

/// Facility and severity, as seen in what Heroku's drains get.
fn pri(line: &Line) -> u8 {
    match (line.source, line.process.as_str()) {
        (Source::Heroku, "router") => 158,
        (Source::Heroku, "logplex") => PRI_LOGPLEX,
        (Source::Heroku, _) => 45,
        (Source::App, "api") => 133,
        (Source::App, _) => 190,
    }
}

#[cfg(test)]
mod tests;
