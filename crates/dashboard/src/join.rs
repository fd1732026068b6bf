//! Where an invitation's link leads: a person chooses a password, and is signed in. The link works once.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use maud::html;
use serde::de::IgnoredAny;
use wire::{ClientError, Invitation, PasswordChoice};

use crate::Dashboard;
use crate::failure::Failure;
use crate::layout::{self, key_field, segment};
use crate::posted::Posted;
use crate::session::Visit;
use crate::sign_in;

const GONE: &str = "It was used already, replaced by a newer one, or its time is over. Ask the owner of this platform for \
     a new link.";

/// The page to choose a password.
pub(crate) async fn form(
    State(state): State<Arc<Dashboard>>,
    visit: Visit,
    Path(link): Path<String>,
) -> Result<Response, Failure> {
    match find(&state, &link).await? {
        Some(invitation) => Ok(show(&visit, &link, &invitation, None)),
        None => Ok(gone()),
    }
}

/// The password was chosen.
pub(crate) async fn choose(
    State(state): State<Arc<Dashboard>>,
    visit: Visit,
    Path(link): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Some(invitation) = find(&state, &link).await? else { return Ok(gone()) };
    let password = posted.field("password");
    if password != posted.field("again") {
        return Ok(show(&visit, &link, &invitation, Some("The two passwords are not the same.")));
    }
    let choice = PasswordChoice { password: password.to_owned() };
    match state.cx.client.post::<IgnoredAny>(&path(&link)?, &choice).await {
        Ok(_) => {}
        Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => return Ok(gone()),
        Err(ClientError::Refused { error, .. }) => {
            return Ok(show(&visit, &link, &invitation, Some(&error.message)));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(sign_in::begin(&state, &visit, &invitation.email, password, "/apps").await?)
}

fn path(link: &str) -> Result<String, Failure> {
    Ok(format!("/hokku/invitations/{}", segment(link)?))
}

/// Whose link it is; `None` when it works no more.
async fn find(state: &Dashboard, link: &str) -> Result<Option<Invitation>, Failure> {
    match state.cx.client.get(&path(link)?).await {
        Ok(invitation) => Ok(Some(invitation)),
        Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn show(visit: &Visit, link: &str, invitation: &Invitation, problem: Option<&str>) -> Response {
    let (key, cookie) = visit.form_key_before_session();
    let title = if invitation.reset { "Choose a new password" } else { "Welcome" };
    let body = html! {
        section.card.narrow {
            h1 { (title) }
            p { "Choose a password for " b { (invitation.email) } "." }
            @if invitation.reset { p.hint { "It replaces the one you have, and ends every login." } }
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            form method="post" action={ "/join/" (link) } {
                (key_field(&key))
                // Password managers keep the two together.
                input type="hidden" name="email" value=(invitation.email) autocomplete="username";
                label { "Password (at least 8 characters)" input type="password" name="password" required minlength="8" autofocus autocomplete="new-password"; }
                label { "The same again" input type="password" name="again" required autocomplete="new-password"; }
                button.primary { "Set password and sign in" }
            }
        }
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let cookies = AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie)));
    (status, cookies, Html(layout::page(title, None, &body).into_string())).into_response()
}

fn gone() -> Response {
    let body = html! { section.card.narrow { h1 { "This link works no more" } p { (GONE) } } };
    (StatusCode::GONE, Html(layout::page("This link works no more", None, &body).into_string()))
        .into_response()
}
