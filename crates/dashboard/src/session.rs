//! Who visits: cookies, and the keys of their forms.
//!
//! A session is an API token of its own, kept in the browser's cookie only. Over HTTPS the cookies are named `__Host-…`:
//! browsers then refuse such a cookie from any other host, so that an app on a sibling host cannot plant one.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use wire::Client;

use crate::failure::Failure;
use crate::{Dashboard, secret};

/// How long a browser stays signed in, in seconds: 30 days, as long as the official command line does.
pub(crate) const SIGNED_IN_SECONDS: u64 = 30 * 24 * 3600;

/// What a browser brings along.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// Whether it came over HTTPS.
    is_secure: bool,
    session: Option<Token>,
    /// Stands in for the session on the page where there is none yet.
    visitor: Option<String>,
}

/// A session: an authorization's id and its token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) authorization: String,
    pub(crate) text: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("authorization", &self.authorization).finish_non_exhaustive()
    }
}

/// Proves that a form is of our making: hidden in each, and known to its session only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormKey(pub(crate) String);

impl FormKey {
    fn of(secret: &str) -> Self {
        Self(secret::digest("form", secret))
    }
}

impl Visit {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let is_secure = is_secure(headers);
        let session = cookie(headers, session_name(is_secure)).and_then(|value| {
            let (authorization, text) = value.split_once('.')?;
            Some(Token { authorization: authorization.to_owned(), text: text.to_owned() })
        });
        let visitor = cookie(headers, visitor_name(is_secure)).map(str::to_owned);
        Self { is_secure, session, visitor }
    }

    /// The key for the form to sign in; with the cookie to set when the browser has none yet.
    pub(crate) fn form_key_before_session(&self) -> (FormKey, Option<HeaderValue>) {
        match &self.visitor {
            Some(visitor) => (FormKey::of(visitor), None),
            None => {
                let visitor = secret::random();
                let cookie = self.cookie(visitor_name(self.is_secure), &visitor, SIGNED_IN_SECONDS);
                (FormKey::of(&visitor), cookie)
            }
        }
    }

    /// Whether this is the key of one of this browser's forms.
    pub(crate) fn knows(&self, key: &str) -> bool {
        let secrets = self.session.iter().map(|token| &token.text).chain(&self.visitor);
        secrets.map(|secret| FormKey::of(secret)).any(|known| known.0 == key)
    }

    /// The cookie that keeps a session.
    pub(crate) fn signed_in(&self, token: &Token) -> Option<HeaderValue> {
        let value = format!("{}.{}", token.authorization, token.text);
        self.cookie(session_name(self.is_secure), &value, SIGNED_IN_SECONDS)
    }

    /// The cookie that ends a session.
    pub(crate) fn signed_out(&self) -> Option<HeaderValue> {
        self.cookie(session_name(self.is_secure), "", 0)
    }

    fn cookie(&self, name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl FromRequestParts<Arc<Dashboard>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Dashboard>) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Session {
    /// The API, as this person.
    pub(crate) client: Client,
    /// For this session's forms.
    pub(crate) key: FormKey,
    /// What is behind the cookie.
    pub(crate) token: Token,
}

impl FromRequestParts<Arc<Dashboard>> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Dashboard>) -> Result<Self, Failure> {
        let Some(token) = Visit::of(&parts.headers).session else {
            // Only a page can be come back to.
            let next = if parts.method == Method::GET { parts.uri.path() } else { "/" };
            return Err(Failure::SignedOut { next: next.to_owned() });
        };
        let client = state.cx.client.clone().with_token(&token.text);
        Ok(Self { client, key: FormKey::of(&token.text), token })
    }
}

/// The router says how a request came; nobody else can reach this server.
pub(crate) fn is_secure(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https")
}

fn session_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-hokku" } else { "hokku" }
}

fn visitor_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-hokku-visitor" } else { "hokku-visitor" }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(it, value)| *it == name && !value.is_empty()).map(|(_, value)| value).next()
}

#[cfg(test)]
mod tests;
