//! The output of builds and release commands, while it grows and afterwards.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use futures_util::StreamExt;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use model::id::{BuildId, ReleaseId};
use model::time::Timestamp;
use store::{Topic, Tx};
use tokio::time::{Instant, timeout_at};

use crate::Server;
use crate::call::Call;
use crate::error::Problem;
use crate::passport::{self, Purpose};

/// URLs are valid for at least this many hours; they end at a full hour, so that an unchanged build or release keeps
/// its `ETag`.
const VALID_HOURS: i64 = 24;
const HOUR_MICROS: i64 = 3_600 * 1_000_000;
/// How long a reader is held who comes before the first byte.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked at without a sign from the store.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What a build's output is called.
pub(crate) fn build_output(id: BuildId) -> String {
    format!("build-{id}")
}

/// What a release command's output is called.
pub(crate) fn release_output(id: ReleaseId) -> String {
    format!("release-{id}")
}

/// The URL at which a transcript can be read.
pub(crate) fn url(call: &Call, transcript: &str) -> String {
    let store = &call.server.cx.store;
    let hours = store.now().as_micros() / HOUR_MICROS + VALID_HOURS + 1;
    let ends = Timestamp::from_micros(hours * HOUR_MICROS);
    call.url(&format!("/streams/output/{}", passport::issue(store, Purpose::Output, &transcript, ends)))
}

/// Streams a transcript from its start to its end. 404 when it has not begun and will not soon.
pub(crate) async fn read(
    State(server): State<Arc<Server>>,
    Path(permit): Path<String>,
) -> Result<Response, Problem> {
    let cx = &server.cx;
    let transcript: String = passport::read_valid(&cx.store, Purpose::Output, &permit)?;
    begun(&server, &transcript).await?;
    let reader = cx.transcripts.reader(&transcript).map_err(Problem::internal)?;
    let stream = reader.into_stream().take_until(cx.stop.clone().cancelled_owned());
    let mut response = Response::new(Body::from_stream(stream));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

/// Waits until there is something to read.
async fn begun(server: &Server, transcript: &str) -> Result<(), Problem> {
    let cx = &server.cx;
    let missing = Problem::NotFound { resource: "output" };
    let deadline = Instant::now() + BEGIN_TIMEOUT;
    let mut wake = cx.store.watch(&[Topic::Builds, Topic::Releases, Topic::Dynos]);
    loop {
        let waiting = timeout_at(deadline, wake.changed_or_after(LOOK_AGAIN)).await;
        // In this order: it may begin and end in between.
        let subject = transcript.to_owned();
        let is_over = cx.store.read(move |tx| is_over(tx, &subject)).await?;
        if cx.transcripts.exists(transcript).map_err(Problem::internal)? {
            return Ok(());
        }
        if is_over || waiting.is_err() || cx.stop.is_cancelled() {
            return Err(missing);
        }
    }
}

/// Whether nothing more will be written: the build or release is over, or gone.
fn is_over(tx: &Tx<'_>, transcript: &str) -> Result<bool, Problem> {
    if let Some(id) = transcript.strip_prefix("build-").and_then(|id| id.parse().ok()) {
        return Ok(tx.build(id)?.is_none_or(|build| build.status.is_over()));
    }
    let release = transcript.strip_prefix("release-").and_then(|id| id.parse().ok());
    let Some(id) = release else { return Ok(true) };
    Ok(tx.release(id)?.is_none_or(|release| release.status.is_over()))
}
