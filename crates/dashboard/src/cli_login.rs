//! Logging in a command line by way of a browser, as `heroku login` does.
//!
//! ```text
//!  command line                      server                              browser
//!  POST /auth ──────────────────────► a login waits ── browser_url ─────► sign in, "Log in as you@…?"
//!  GET /auth/cli/ID, with its token ► held open                           │ yes: a token is made, as that person
//!            ◄── {access_token} ────┘ ◄───────────────────────────────────┘
//! ```
//! The address that the browser opens is no secret and gives nothing: the outcome goes only to who began the login, the
//! decision is only of who is signed in, and both happen once.

mod waiting;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use tokio::time::timeout;
use wire::{Account, Authorization, AuthorizationRequest, LoginOutcome, LoginRequest};

use crate::Dashboard;
use crate::failure::Failure;
use crate::layout::{self, key_field, segment};
use crate::posted::Posted;
use crate::session::{SIGNED_IN_SECONDS, Session};
pub(crate) use waiting::Logins;

/// Largest request for a login, in bytes.
const REQUEST_BYTES_MAX: usize = 16 << 10;
/// How long it may take to come in.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest description shown and kept, in characters.
const DESCRIPTION_CHARS_MAX: usize = 200;

/// Whoever opens the API in a browser is led to the pages.
pub(crate) async fn home(State(state): State<Arc<Dashboard>>) -> Redirect {
    Redirect::to(&state.cx.url)
}

/// `POST /auth`: a command line begins a login.
pub(crate) async fn start(State(state): State<Arc<Dashboard>>, request: Request) -> Response {
    let from = peer(request.headers());
    let reading = to_bytes(request.into_body(), REQUEST_BYTES_MAX);
    let Ok(Ok(body)) = timeout(REQUEST_TIMEOUT, reading).await else {
        return refused(StatusCode::BAD_REQUEST, "The request is too large or too slow.");
    };
    let asked: LoginRequest = serde_json::from_slice(&body).unwrap_or_default();
    let description = asked.description.as_deref().unwrap_or("A command line");
    let description: String = description.chars().take(DESCRIPTION_CHARS_MAX).collect();
    match state.logins.start(description, from) {
        Some(begun) => json(
            StatusCode::CREATED,
            &wire::LoginStarted {
                browser_url: format!("/auth/browser/{}", begun.id),
                cli_url: format!("/auth/cli/{}", begun.id),
                token: begun.token,
            },
        ),
        None => {
            refused(StatusCode::TOO_MANY_REQUESTS, "Too many logins are waiting. Try again in some minutes.")
        }
    }
}

/// The page that a command line opens: it is on the pages' own host, where the session's cookie is.
pub(crate) async fn to_browser(
    State(state): State<Arc<Dashboard>>,
    Path(login): Path<String>,
) -> Result<Redirect, Failure> {
    Ok(Redirect::to(&format!("{}/cli-login/{}", state.cx.url, segment(&login)?)))
}

/// `GET /auth/cli/ID`: the command line waits here. The answer is JSON behind spaces, which keep it alive: the official
/// CLI gives up after a minute of silence, and asks at most four times.
pub(crate) async fn wait(
    State(state): State<Arc<Dashboard>>,
    Path(login): Path<String>,
    headers: HeaderMap,
) -> Response {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match state.logins.wait(&login, token) {
        Some(waiting) => {
            let body = Body::from_stream(waiting.into_stream(Arc::clone(&state)));
            ([(CONTENT_TYPE, "application/json")], body).into_response()
        }
        None => refused(StatusCode::NOT_FOUND, "This login is over. Run the login command again."),
    }
}

/// The page that asks.
pub(crate) async fn confirm(
    State(state): State<Arc<Dashboard>>,
    session: Session,
    Path(login): Path<String>,
) -> Result<Response, Failure> {
    let account: Account = session.client.get("/account").await?;
    let Some(asked) = state.logins.about(&login) else { return Ok(over().into_response()) };
    let body = html! {
        section.card.narrow {
            h1 { "Log in to the Heroku CLI" }
            p { "Log in to the Heroku CLI as " b { (account.email) } "?" }
            p.hint { (asked.description) @if let Some(from) = &asked.from { ", from " (from) } }
            p.hint { "Only go on if you have just run the login command yourself." }
            form method="post" action={ "/cli-login/" (login) } {
                (key_field(&session.key))
                div.line {
                    button.primary name="answer" value="yes" { "Log in" }
                    button name="answer" value="no" { "Cancel" }
                }
            }
        }
    };
    let visitor = session.visitor(&account);
    Ok(Html(layout::page("Log in to the CLI", Some(&visitor), &body).into_string()).into_response())
}

/// The person has decided; only the first decision counts.
pub(crate) async fn decide(
    State(state): State<Arc<Dashboard>>,
    session: Session,
    Path(login): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Some(decision) = state.logins.decide(&login) else { return Ok(over().into_response()) };
    if posted.field("answer") != "yes" {
        decision.tell(failed("The login was cancelled in the browser."));
        return Ok(done("Cancelled", "The command line is not logged in."));
    }
    let request = AuthorizationRequest {
        scope: vec!["global".to_owned()],
        description: Some(decision.description().to_owned()),
        expires_in: Some(SIGNED_IN_SECONDS.to_string().as_str().into()),
    };
    match session.client.post::<Authorization>("/oauth/authorizations", &request).await {
        Ok(made) => {
            let access_token = made.access_token.map(|token| token.token);
            decision.tell(LoginOutcome { access_token, error: None });
            Ok(done("Logged in", "You can close this window and go back to your terminal."))
        }
        Err(error) => {
            decision.tell(failed("The login could not be finished. Run the login command again."));
            Err(error.into())
        }
    }
}

fn failed(words: &str) -> LoginOutcome {
    LoginOutcome { access_token: None, error: Some(words.to_owned()) }
}

fn message(title: &str, words: &str) -> Markup {
    layout::page(title, None, &html! { section.card.narrow { h1 { (title) } p { (words) } } })
}

fn done(title: &str, words: &str) -> Response {
    Html(message(title, words).into_string()).into_response()
}

fn over() -> impl IntoResponse {
    let words = "It was finished, took too long, or the server was restarted. Run the login command again.";
    (StatusCode::GONE, Html(message("This login is over", words).into_string()))
}

/// Where a request is from: the last address is the one that the router saw itself.
fn peer(headers: &HeaderMap) -> Option<String> {
    let chain = headers.get("x-forwarded-for")?.to_str().ok()?;
    chain.rsplit(',').next().map(|last| last.trim().to_owned())
}

fn refused(status: StatusCode, words: &str) -> Response {
    let id = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit",
        _ => "bad_request",
    };
    let (id, message) = (id.to_owned(), words.to_owned());
    json(status, &wire::Error { id, message, error: None, resource: None, url: None })
}

fn json(status: StatusCode, body: &impl serde::Serialize) -> Response {
    (status, axum::Json(body)).into_response()
}
