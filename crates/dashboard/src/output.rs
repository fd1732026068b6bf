//! The output of builds and release commands. While it grows, so does the page: its end is sent when the output ends.

use axum::body::Body;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use maud::{Markup, PreEscaped, html};
use wire::{Account, App, Build, ClientError, Release, Streaming};

use crate::activity::commit;
use crate::failure::Failure;
use crate::layout::{self, Tab, app_head, segment, state, time};
use crate::session::Session;

/// Stands in a page where the output goes; nothing that is escaped can look like it.
const HERE: &str = "<!--output-->";

/// A build's output; the address that the log gives for a failed one.
pub(crate) async fn of_build(
    session: Session,
    Path((app, build)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (account, app) = session.account_and_app(&app).await?;
    let build: Build = session.client.get(&format!("/apps/{}/builds/{}", app.id, segment(&build)?)).await?;
    let title = format!("Build {}", commit(&build));
    let head = heading(&app, &title, &build.status, &build.user.email, &build.created_at);
    stream_page(&session, &account, &title, &head, Some(&build.output_stream_url)).await
}

/// A release command's output.
pub(crate) async fn of_release(
    session: Session,
    Path((app, release)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (account, app) = session.account_and_app(&app).await?;
    let release: Release =
        session.client.get(&format!("/apps/{}/releases/{}", app.id, segment(&release)?)).await?;
    let title = format!("Release v{}", release.version);
    let head = heading(&app, &title, &release.status, &release.user.email, &release.created_at);
    stream_page(&session, &account, &title, &head, release.output_stream_url.as_deref()).await
}

fn heading(app: &App, title: &str, status: &str, user: &str, at: &str) -> Markup {
    html! {
        (app_head(app, Tab::Activity))
        section.card.row { span.name { (title) } (state(status)) span.hint { (user) } span.hint.end { (time(at)) } }
    }
}

async fn stream_page(
    session: &Session,
    account: &Account,
    title: &str,
    head: &Markup,
    url: Option<&str>,
) -> Result<Response, Failure> {
    let output = match url {
        Some(url) => session.client.open(url, "text/plain").await.map(Some),
        None => Ok(None),
    };
    let output = match output {
        // It never began: a build that was cut short, a release without a command.
        Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => None,
        other => other?,
    };
    let body = html! {
        (head)
        @if output.is_some() { pre.output { (PreEscaped(HERE)) } } @else { p.hint { "There is no output." } }
    };
    let page = layout::page(title, Some(&session.visitor(account)), &body).into_string();
    let (Some(output), Some((before, after))) = (output, page.split_once(HERE)) else {
        return Ok(Html(page).into_response());
    };
    let (before, after) =
        (Bytes::copy_from_slice(before.as_bytes()), Bytes::copy_from_slice(after.as_bytes()));
    let pieces = stream::iter([Ok(before)]).chain(escaped(output)).chain(stream::iter([Ok(after)]));
    Ok(([(CONTENT_TYPE, "text/html; charset=utf-8")], Body::from_stream(pieces)).into_response())
}

/// The output as HTML. A page whose output breaks off is cut short too, so that browsers can tell.
fn escaped(output: Streaming) -> impl Stream<Item = Result<Bytes, impl std::error::Error>> {
    stream::try_unfold(output, |mut output| async move {
        Ok::<_, axum::Error>(
            output.next().await.map_err(axum::Error::new)?.map(|piece| (escape(&piece), output)),
        )
    })
}

/// Escapes bytes, which may end within a character.
fn escape(piece: &[u8]) -> Bytes {
    let mut html = Vec::with_capacity(piece.len() + piece.len() / 8);
    for byte in piece {
        match byte {
            b'<' => html.extend_from_slice(b"&lt;"),
            b'>' => html.extend_from_slice(b"&gt;"),
            b'&' => html.extend_from_slice(b"&amp;"),
            other => html.push(*other),
        }
    }
    html.into()
}
