//! An app's log: its last lines, and with a script the lines to come.

use axum::body::Body;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use maud::html;
use wire::{Flag, LogSession, LogSessionRequest};

use crate::failure::Failure;
use crate::layout::{self, Tab, app_head, segment};
use crate::session::Session;

/// How many lines of the past are shown.
const LINES: &str = "200";
/// Most bytes of them: far beyond what that many lines can have.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// The page with the log.
pub(crate) async fn page(session: Session, Path(app): Path<String>) -> Result<impl IntoResponse, Failure> {
    let (account, app) = session.account_and_app(&app).await?;
    let url = log_url(&session, &app.id, false).await?;
    let mut lines = session.client.open(&url, "text/plain").await?;
    let mut log = Vec::new();
    // A log that breaks off is shown as far as it came.
    while let Ok(Some(piece)) = lines.next().await {
        log.extend_from_slice(&piece);
        if log.len() > PAGE_BYTES_MAX {
            break;
        }
    }
    let body = html! {
        (app_head(&app, Tab::Logs))
        pre.output.log data-stream={ "/apps/" (app.name) "/logs/stream" } { (String::from_utf8_lossy(&log)) }
        p.hint.log-state { "The last " (LINES) " lines. Load the page again for newer ones." }
    };
    let title = format!("{} logs", app.name);
    Ok(Html(layout::page(&title, Some(&session.visitor(&account)), &body).into_string()))
}

/// The log as it comes, as server-sent events of the API's own making.
pub(crate) async fn stream(
    session: Session,
    Path(app): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let url = log_url(&session, segment(&app)?, true).await?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let events = session.client.open_after(&url, "text/event-stream", seen).await?;
    let head = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((head, Body::new(events)).into_response())
}

async fn log_url(session: &Session, app: &str, tail: bool) -> Result<String, Failure> {
    let (lines, tail) = (Some(LINES.into()), Some(Flag(tail)));
    let request = LogSessionRequest { lines, tail, ..LogSessionRequest::default() };
    let made: LogSession = session.client.post(&format!("/apps/{app}/log-sessions"), &request).await?;
    Ok(made.logplex_url)
}
