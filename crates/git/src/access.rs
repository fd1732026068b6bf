//! Who calls, which app is meant, and whether they may.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use model::app::AppName;
use model::config_var::Secret;
use model::id::AccountId;
use model::scope::Scope;
use store::{App, Store, StoreError};

/// Most characters of an unknown name that are repeated.
const NAME_CHARS_SHOWN: usize = 60;

/// Why a request is turned away.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Denied {
    /// No token, or none that is known.
    #[error("not authenticated")]
    Unauthenticated,
    /// There is no such app, or the caller may not know that there is.
    #[error("no such app")]
    NoSuchApp {
        /// The name that was asked for.
        name: String,
    },
    /// The token was made for less.
    #[error("the token's scope does not allow it")]
    Scope {
        /// What it would need.
        needed: Scope,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The app named by `repository` (`<name>.git`) and who calls, if they may work on it and their token is good for what
/// is `needed`: `write` to push, `read` to fetch.
pub(crate) async fn authorize(
    store: &Store,
    headers: &HeaderMap,
    repository: &str,
    needed: Scope,
) -> Result<(App, AccountId), Denied> {
    let token = token(headers).ok_or(Denied::Unauthenticated)?;
    let name = repository.strip_suffix(".git").unwrap_or(repository).to_owned();
    store
        .read(move |tx| {
            let found = tx.token_by_secret(token.expose_secret())?.ok_or(Denied::Unauthenticated)?;
            if !found.scopes.allow(needed) {
                return Err(Denied::Scope { needed });
            }
            let account = found.account;
            let app = match name.parse::<AppName>() {
                Ok(name) => tx.app_by_identity(name.as_str())?,
                Err(_) => None,
            };
            let unknown = || Denied::NoSuchApp { name: printable(&name) };
            let app = app.ok_or_else(unknown)?;
            // The owner and the collaborators of an app push to it and fetch from it.
            tx.role(account, &app)?.ok_or_else(unknown)?;
            Ok((app, account))
        })
        .await
}

/// A name as it may be repeated to a terminal.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_SHOWN).collect()
}

/// The token in the request: `Bearer TOKEN`, or `Basic` with any user name and the token as password.
fn token(headers: &HeaderMap) -> Option<Secret> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        rest.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        pair.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    (!token.is_empty()).then(|| Secret::new(token))
}

#[cfg(test)]
mod tests;
