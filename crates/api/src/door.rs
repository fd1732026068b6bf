//! The door: which requests get to a handler, and as whom.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::account::Email;
use store::{Account, StoreError};
use tokio::time::timeout;

use crate::call::Caller;
use crate::credentials::{Credentials, credentials, is_password};
use crate::error::Problem;
use crate::{Server, accept, etag};

const RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");

/// How long a login may wait for its turn to be checked.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// Who may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Everybody: public facts, and URLs that are their own permission.
    Open,
    /// Who has a token.
    Account,
    /// Who has a token; it costs nothing of the rate limit.
    Unmetered,
    /// Who has a token, or an address and its password.
    Login,
}

/// A door and the server behind it.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) server: Arc<Server>,
    pub(crate) door: Door,
}

/// Lets a request in, or answers it.
pub(crate) async fn enter(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if gate.door == Door::Open {
        return next.run(request).await;
    }
    let known = request.headers().get(IF_NONE_MATCH).filter(|_| request.method() == Method::GET).cloned();
    let mut remaining = None;
    let mut response = match admit(&gate, request.headers()).await {
        Ok((account, left)) => {
            remaining = Some(left);
            request.headers_mut().remove(AUTHORIZATION);
            request.extensions_mut().insert(Caller(account));
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(remaining) = remaining {
        response.headers_mut().insert(RATELIMIT_REMAINING, HeaderValue::from(remaining));
    }
    etag::apply(&mut response, known.as_ref());
    response
}

/// The account that asks, and what is left of its rate limit.
async fn admit(gate: &Gate, headers: &HeaderMap) -> Result<(Account, u32), Problem> {
    let server = &gate.server;
    accept::check_version(headers)?;
    let credentials = credentials(headers).ok_or(Problem::NoCredentials)?;
    let account = match account_of_token(server, &credentials).await? {
        Some(account) => account,
        None if gate.door == Door::Login => login(server, credentials).await?,
        None => return Err(Problem::BadCredentials),
    };
    let now = server.cx.store.now();
    let left = match gate.door {
        Door::Unmetered => server.requests.left(&account.id, now),
        _ => server.requests.take(account.id, now).ok_or(Problem::RateLimited)?,
    };
    Ok((account, left))
}

async fn account_of_token(server: &Server, credentials: &Credentials) -> Result<Option<Account>, Problem> {
    let token = credentials.secret.clone();
    let found = server.cx.store.read(move |tx| match tx.token_by_secret(token.expose_secret())? {
        Some(token) => tx.account(token.account),
        None => Ok::<_, StoreError>(None),
    });
    Ok(found.await?)
}

/// Checks an address and a password; slow by design, so only few at a time and not too often.
async fn login(server: &Server, credentials: Credentials) -> Result<Account, Problem> {
    let Credentials { user, secret } = credentials;
    let email: Email = user.parse().map_err(|_| Problem::BadCredentials)?;
    let now = server.cx.store.now();
    server.logins.take(email.to_string(), now).ok_or(Problem::RateLimited)?;
    let turn = timeout(TURN_TIMEOUT, server.password_checks.acquire()).await;
    let _turn = turn.map_err(|_| Problem::RateLimited)?.map_err(Problem::internal)?;
    let account = server.cx.store.read(move |tx| tx.account_by_email(&email)).await?;
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let checking = tokio::task::spawn_blocking(move || is_password(&secret, hash.as_deref()));
    let is_right = checking.await.map_err(Problem::internal)?;
    account.filter(|_| is_right).ok_or(Problem::BadCredentials)
}
