//! Signing in and out. A session is an authorization like those of command lines: it is listed with them and can be
//! revoked with them.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use maud::html;
use serde::de::IgnoredAny;
use wire::{Authorization, AuthorizationRequest, ClientError};

use crate::Dashboard;
use crate::failure::Failure;
use crate::layout::{self, key_field};
use crate::posted::Posted;
use crate::session::{SIGNED_IN_SECONDS, Session, Token, Visit};

/// Who a session's authorization is for, in the list of all.
const DESCRIPTION: &str = "Dashboard";

/// The page to sign in.
pub(crate) async fn form(visit: Visit, Query(query): Query<Vec<(String, String)>>) -> Response {
    let next = query.iter().find(|(name, _)| name == "next").map_or("", |(_, next)| next.as_str());
    show(&visit, next, "", None)
}

fn show(visit: &Visit, next: &str, email: &str, problem: Option<&str>) -> Response {
    let (key, cookie) = visit.form_key_before_session();
    let body = html! {
        section.card.narrow {
            h1 { "Sign in" }
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            form method="post" action="/login" {
                (key_field(&key))
                input type="hidden" name="next" value=(next);
                label { "E-mail" input type="email" name="email" value=(email) required autofocus autocomplete="username"; }
                label { "Password" input type="password" name="password" required autocomplete="current-password"; }
                button.primary { "Sign in" }
            }
        }
    };
    let status = if problem.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let cookies = AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie)));
    (status, cookies, Html(layout::page("Sign in", None, &body).into_string())).into_response()
}

/// Makes a session of an address and a password.
pub(crate) async fn sign_in(
    State(state): State<Arc<Dashboard>>,
    visit: Visit,
    posted: Posted,
) -> Result<Response, Failure> {
    let (email, next) = (posted.field("email").trim(), posted.field("next"));
    match begin(&state, &visit, email, posted.field("password"), own_path(next)).await {
        Ok(response) => Ok(response),
        Err(ClientError::Refused { status, error }) => {
            let is_wrong = status == StatusCode::UNAUTHORIZED;
            let words = if is_wrong { "E-mail or password is wrong." } else { error.message.as_str() };
            Ok(show(&visit, next, email, Some(words)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a session of an address and a password, and leads to a page.
pub(crate) async fn begin(
    state: &Dashboard,
    visit: &Visit,
    email: &str,
    password: &str,
    to: &str,
) -> Result<Response, ClientError> {
    let client = state.cx.client.clone().with_password(email, password);
    let request = AuthorizationRequest {
        scope: vec!["global".to_owned()],
        description: Some(DESCRIPTION.to_owned()),
        expires_in: Some(SIGNED_IN_SECONDS.to_string().as_str().into()),
    };
    let made: Authorization = client.post("/oauth/authorizations", &request).await?;
    let text = made.access_token.map(|token| token.token).unwrap_or_default();
    let cookie = visit.signed_in(&Token { authorization: made.id, text });
    let cookies = AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie)));
    Ok((cookies, Redirect::to(to)).into_response())
}

/// A path of these pages; anything that leads elsewhere leads home instead.
fn own_path(next: &str) -> &str {
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if next.starts_with('/') && !next.starts_with("//") && is_plain { next } else { "/apps" }
}

/// Ends the session, here and in the API.
pub(crate) async fn sign_out(visit: Visit, session: Session, _: Posted) -> Result<Response, Failure> {
    let path = format!("/oauth/authorizations/{}", layout::segment(&session.token.authorization)?);
    match session.client.delete::<IgnoredAny>(&path).await {
        // Revoked before: just as good.
        Ok(_) | Err(ClientError::Refused { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let cookies = AppendHeaders(visit.signed_out().map(|cookie| (SET_COOKIE, cookie)));
    Ok((cookies, Redirect::to("/login")).into_response())
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(own_path("/apps/shop"), "/apps/shop");
        for foreign in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nb"] {
            assert_eq!(own_path(foreign), "/apps", "{foreign:?}");
        }
    }
}
