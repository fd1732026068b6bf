//! The log as a stream: server-sent events for the official CLI, plain lines for everybody else.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use logs::{Entry, Filter, Tail, TailError};
use model::log::Source;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::Server;
use crate::error::Problem;
use crate::log_sessions::Session;
use crate::passport::{self, Purpose};

/// How often a silent tail says that it is alive. The official CLI gives up after 300 s of silence.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Most lines of one chunk.
const CHUNK_LINES_MAX: usize = 256;
/// How soon the official CLI comes back after an orderly end, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Events,
    Lines,
}

/// Streams the log that the URL permits.
pub(crate) async fn read(
    State(server): State<Arc<Server>>,
    Path(permit): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let permit = passport::read::<Session>(&server.cx.store, Purpose::Log, &permit)?;
    let last_seen: Option<u64> =
        headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    // Who was here in time may come back: a tail outlives the time for its first use.
    if permit.is_over && last_seen.is_none() {
        return Err(Problem::Expired);
    }
    let session = permit.what;
    let app = session.app().ok_or(Problem::Expired)?;
    if server.cx.store.read(move |tx| tx.app(app)).await?.is_none() {
        return Err(Problem::NotFound { resource: "app" });
    }
    let filter = Filter {
        source: session.source.as_deref().and_then(Source::from_word),
        process: session.process.clone(),
    };
    let logs = &server.cx.logs;
    let form = form(&headers);
    if !session.tail {
        let entries = logs.history(app, &filter, session.lines).await.map_err(Problem::internal)?;
        return Ok(respond(form, Body::from(written(form, &entries))));
    }
    let tail = match last_seen {
        Some(id) => logs.tail_from(app, filter, id).await,
        None => logs.tail(app, filter, session.lines).await,
    };
    let tail = tail.map_err(|error| match error {
        TailError::TooMany => Problem::Conflict(error.to_string()),
        TailError::Read(_) => Problem::internal(error),
    })?;
    Ok(respond(form, Body::from_stream(following(form, tail, server.cx.stop.clone()))))
}

fn form(headers: &HeaderMap) -> Form {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("text/event-stream") { Form::Events } else { Form::Lines }
}

fn respond(form: Form, body: Body) -> Response {
    let mime = match form {
        Form::Events => "text/event-stream",
        Form::Lines => "text/plain; charset=utf-8",
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Lines as they come, several in a chunk when they come fast; a sign of life when none do.
fn following(
    form: Form,
    tail: Tail,
    stop: CancellationToken,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let mut alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begin = if form == Form::Events { RETRY } else { "" };
    let lines =
        stream::unfold((tail.ready_chunks(CHUNK_LINES_MAX), alive), move |(mut chunks, mut alive)| {
            let stop = stop.clone();
            async move {
                let chunk = next(form, &mut chunks, &mut alive, &stop).await?;
                Some((Ok(chunk), (chunks, alive)))
            }
        });
    stream::once(async move { Ok(Bytes::from_static(begin.as_bytes())) }).chain(lines)
}

async fn next(
    form: Form,
    chunks: &mut (impl Stream<Item = Vec<Entry>> + Unpin),
    alive: &mut Interval,
    stop: &CancellationToken,
) -> Option<Bytes> {
    loop {
        tokio::select! {
            entries = chunks.next() => {
                alive.reset();
                return entries.map(|entries| written(form, &entries));
            }
            _ = alive.tick() => {
                // Plain lines have no comment; their reader sees the connection end by itself.
                if form == Form::Events {
                    return Some(Bytes::from_static(b": alive\n\n"));
                }
            }
            () = stop.cancelled() => return None,
        }
    }
}

fn written(form: Form, entries: &[Entry]) -> Bytes {
    let mut text = String::new();
    for Entry { id, line } in entries {
        match form {
            // The logs keep no line ends within a line.
            Form::Events => text.push_str(&format!("id: {id}\ndata: {line}\n\n")),
            Form::Lines => text.push_str(&format!("{line}\n")),
        }
    }
    text.into()
}
