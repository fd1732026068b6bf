//! Authorizations: API tokens. A token is shown once, in the answer to the request that made it.

use std::time::Duration;

use model::config_var::Secret;
use model::scope::{Scope, Scopes};
use model::time::Timestamp;
use store::{NewToken, Token, Tx};

use crate::body::Json;
use crate::call::Call;
use crate::credentials::new_token;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const FIELDS: &[&str] = &["id"];
/// Longest description, in characters.
const DESCRIPTION_CHARS_MAX: usize = 250;
/// Most tokens of one account.
const TOKENS_MAX: usize = 1_000;
/// Longest life of a token that ends by itself: a century.
const LIFETIME_SECONDS_MAX: u64 = 100 * 365 * 24 * 3600;
const DESCRIPTION_DEFAULT: &str = "Long-lived user authorization";

/// `secret` is the token in full, when it is shown for the first time.
fn show(tx: &Tx<'_>, call: &Call, token: &Token, secret: Option<&Secret>) -> wire::Authorization {
    let text = secret.map_or(token.hint.as_str(), Secret::expose_secret).to_owned();
    let expires_in = token.expires_at.map(|end| end.since(tx.now()).as_secs());
    wire::Authorization {
        access_token: Some(wire::AuthorizationToken { expires_in, id: token.id.to_string(), token: text }),
        client: None,
        created_at: token.created_at.to_api(),
        description: token.description.clone(),
        grant: None,
        id: token.id.to_string(),
        refresh_token: None,
        scope: token.scopes.iter().map(|scope| scope.to_string()).collect(),
        session: None,
        updated_at: token.updated_at.to_api(),
        user: wire::AuthorizationUser {
            email: call.caller.email.to_string(),
            full_name: call.caller.name.clone(),
            id: call.caller.id.to_string(),
        },
    }
}

/// The default key of an account, which clients call `~` and never revoke by logging out: the platform's owner has one,
/// the token that was made at the first start and lies in the data folder. It is the owner's first that lasts.
fn default_key(tx: &Tx<'_>, call: &Call) -> Result<Option<Token>, Problem> {
    let mut own = tx.tokens(call.caller.id)?.into_iter().filter(|token| token.expires_at.is_none());
    Ok(own.next().filter(|_| call.caller.owner))
}

/// The caller's token by id.
fn find(tx: &Tx<'_>, call: &Call) -> Result<Token, Problem> {
    let found = match call.param("authorization").parse() {
        Ok(id) => tx.token(id)?.filter(|token| token.account == call.caller.id),
        Err(_) => None,
    };
    found.ok_or(Problem::NotFound { resource: "authorization" })
}

/// The caller's tokens.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let tokens = tx.tokens(call.caller.id)?;
        call.list(tokens.iter().map(|token| show(tx, call, token, None)).collect(), FIELDS)
    })
    .await
}

/// One token, or the default key.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let found = match call.param("authorization") {
            "~" => default_key(tx, call)?.ok_or(Problem::NotFound { resource: "authorization" })?,
            _ => find(tx, call)?,
        };
        Ok(Reply::ok(&show(tx, call, &found, None)))
    })
    .await
}

/// A number of seconds, at least one. At most a century.
fn lifetime(seconds: &str) -> Result<Duration, Problem> {
    match seconds.parse::<u64>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.min(LIFETIME_SECONDS_MAX))),
        _ => Err(Problem::Invalid("`expires_in` must be a number of seconds.".to_owned())),
    }
}

fn check_description(description: &str) -> Result<(), Problem> {
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(Problem::Invalid(format!(
            "Description is too long (maximum is {DESCRIPTION_CHARS_MAX} characters)"
        )));
    }
    Ok(())
}

/// Makes a token: `heroku login -i` and `heroku authorizations:create`.
pub(crate) async fn create(call: Call, Json(request): Json<wire::AuthorizationRequest>) -> Answer {
    let wire::AuthorizationRequest { scope, description, expires_in } = request;
    let scopes = scope.iter().map(|scope| scope.parse::<Scope>()).collect::<Result<Vec<_>, _>>();
    let scopes = Scopes::of(scopes.map_err(Problem::invalid)?);
    let description = description.unwrap_or_else(|| DESCRIPTION_DEFAULT.to_owned());
    check_description(&description)?;
    let lifetime = expires_in.map(|seconds| lifetime(&seconds.0)).transpose()?;
    call.write(move |tx, call, _| {
        if tx.tokens(call.caller.id)?.len() >= TOKENS_MAX {
            return Err(Problem::Invalid(format!(
                "An account can have at most {TOKENS_MAX} authorizations."
            )));
        }
        let token = new_token();
        let expires_at = lifetime.map(|lifetime| tx.now().plus(lifetime));
        let account = call.caller.id;
        let made =
            tx.create_token(&NewToken { account, token: token.clone(), description, scopes, expires_at })?;
        Ok(Reply::created(&show(tx, call, &made, Some(&token))))
    })
    .await
}

/// Says anew what a token is for.
pub(crate) async fn update(call: Call, Json(change): Json<wire::AuthorizationChange>) -> Answer {
    if change.client.is_some() {
        return Err(Problem::Invalid("There are no OAuth clients here.".to_owned()));
    }
    change.description.as_deref().map_or(Ok(()), check_description)?;
    call.write(move |tx, call, _| {
        let token = find(tx, call)?;
        if let Some(description) = &change.description {
            tx.describe_token(token.id, description)?;
        }
        let changed = tx.token(token.id)?.ok_or(Problem::NotFound { resource: "authorization" })?;
        Ok(Reply::ok(&show(tx, call, &changed, None)))
    })
    .await
}

/// Gives an authorization another token; the one before stops working at once. One that ends by itself gets as much time
/// as it had at first.
pub(crate) async fn rotate(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let old = find(tx, call)?;
        let token = new_token();
        let life = |end: Timestamp| tx.now().plus(end.since(old.updated_at));
        tx.replace_token(old.id, &token, old.expires_at.map(life))?;
        let changed = tx.token(old.id)?.ok_or(Problem::NotFound { resource: "authorization" })?;
        Ok(Reply::ok(&show(tx, call, &changed, Some(&token))))
    })
    .await
}

/// Revokes a token; it stops working at once.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let token = find(tx, call)?;
        tx.delete_token(token.id)?;
        Ok(Reply::ok(&show(tx, call, &token, None)))
    })
    .await
}

/// `DELETE /oauth/sessions/~`: there are no sessions besides tokens, and clients know what that answer means.
pub(crate) async fn destroy_session(_: Call) -> Answer {
    Err(Problem::NotFound { resource: "session" })
}
