//! The door: which requests get to a handler, and as whom.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::account::Email;
use model::config_var::Secret;
use model::scope::{Scope, Scopes};
use store::{Account, StoreError};
use tokio::time::timeout;

use crate::call::Caller;
use crate::credentials::{Credentials, credentials, is_password};
use crate::error::Problem;
use crate::{Server, accept, etag};

const RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const OAUTH_SCOPE: HeaderName = HeaderName::from_static("oauth-scope");
const OAUTH_SCOPE_ACCEPTED: HeaderName = HeaderName::from_static("oauth-scope-accepted");

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
    /// What a token must allow.
    pub(crate) needed: Scope,
}

/// Who was let in, and with what.
struct Admitted {
    caller: Caller,
    scopes: Scopes,
    /// What is left of the rate limit.
    left: u32,
}

/// Lets a request in, or answers it.
pub(crate) async fn enter(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if gate.door == Door::Open {
        return next.run(request).await;
    }
    let known = request.headers().get(IF_NONE_MATCH).filter(|_| request.method() == Method::GET).cloned();
    let mut response = match admit(&gate, request.headers()).await {
        Ok(Admitted { caller, scopes, left }) => {
            request.headers_mut().remove(AUTHORIZATION);
            request.extensions_mut().insert(caller);
            let mut response = match scopes.allow(gate.needed) {
                true => next.run(request).await,
                false => Problem::Scope { had: scopes.to_string(), accepted: accepted(gate.needed) }
                    .into_response(),
            };
            response.headers_mut().insert(RATELIMIT_REMAINING, HeaderValue::from(left));
            tell(&mut response, OAUTH_SCOPE, &scopes.to_string());
            tell(&mut response, OAUTH_SCOPE_ACCEPTED, &accepted(gate.needed));
            response
        }
        Err(problem) => problem.into_response(),
    };
    etag::apply(&mut response, known.as_ref());
    response
}

/// Every scope that would do, with spaces between.
fn accepted(needed: Scope) -> String {
    let words: Vec<_> =
        Scope::ALL.into_iter().filter(|scope| scope.allows(needed)).map(Scope::as_str).collect();
    words.join(" ")
}

fn tell(response: &mut Response, name: HeaderName, words: &str) {
    // Scopes are plain words.
    if let Ok(value) = HeaderValue::from_str(words) {
        response.headers_mut().insert(name, value);
    }
}

/// Who asks.
async fn admit(gate: &Gate, headers: &HeaderMap) -> Result<Admitted, Problem> {
    let server = &gate.server;
    accept::check_version(headers)?;
    let credentials = credentials(headers).ok_or(Problem::NoCredentials)?;
    let (caller, scopes) = match caller_of_token(server, &credentials).await? {
        Some(found) => found,
        None if gate.door == Door::Login => {
            (Caller { account: login(server, credentials).await?, token: None }, Scopes::global())
        }
        None => return Err(Problem::BadCredentials),
    };
    let now = server.cx.store.now();
    let left = match gate.door {
        Door::Unmetered => server.requests.left(&caller.account.id, now),
        _ => server.requests.take(caller.account.id, now).ok_or(Problem::RateLimited)?,
    };
    Ok(Admitted { caller, scopes, left })
}

async fn caller_of_token(
    server: &Server,
    credentials: &Credentials,
) -> Result<Option<(Caller, Scopes)>, Problem> {
    let token = credentials.secret.clone();
    let found = server.cx.store.read(move |tx| {
        let Some(token) = tx.token_by_secret(token.expose_secret())? else {
            return Ok::<_, StoreError>(None);
        };
        let account = tx.account(token.account)?.filter(|account| account.removed_at.is_none());
        Ok(account.map(|account| (Caller { account, token: Some(token.id) }, token.scopes)))
    });
    Ok(found.await?)
}

/// Checks an address and a password: not too often for one address.
async fn login(server: &Server, credentials: Credentials) -> Result<Account, Problem> {
    let Credentials { user, secret } = credentials;
    let email: Email = user.parse().map_err(|_| Problem::BadCredentials)?;
    let wanted = email.clone();
    let account = server.cx.store.read(move |tx| tx.account_by_email(&wanted)).await?;
    let account = account.filter(|account| account.removed_at.is_none());
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let is_right = server.is_password(&email, secret, hash).await?;
    account.filter(|_| is_right).ok_or(Problem::BadCredentials)
}

impl Server {
    /// Whether a password has this hash. Slow by design, so only few are checked at a time, and each address only has so
    /// many tries; whether there is such an account changes neither the time nor the answer.
    pub(crate) async fn is_password(
        &self,
        email: &Email,
        password: Secret,
        hash: Option<String>,
    ) -> Result<bool, Problem> {
        self.logins.take(email.to_string(), self.cx.store.now()).ok_or(Problem::RateLimited)?;
        self.one_at_a_time(move || is_password(&password, hash.as_deref())).await
    }

    /// Does something slow with a password, when it is its turn.
    pub(crate) async fn one_at_a_time<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = timeout(TURN_TIMEOUT, self.password_checks.acquire()).await;
        let _turn = turn.map_err(|_| Problem::RateLimited)?.map_err(Problem::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
    }
}
