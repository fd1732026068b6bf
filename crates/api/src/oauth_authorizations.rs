//! Authorizations: API tokens. A token is shown once, in the answer to the request that made it.

use std::time::Duration;

use model::config_var::Secret;
use store::{NewToken, Token, Tx};

use crate::body::Json;
use crate::call::Call;
use crate::credentials::new_token;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const FIELDS: &[&str] = &["id"];
/// The one scope there is.
const SCOPE: &str = "global";
/// Longest description, in characters.
const DESCRIPTION_CHARS_MAX: usize = 250;
/// Most tokens of one account.
const TOKENS_MAX: usize = 1_000;
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
        scope: vec![SCOPE.to_owned()],
        session: None,
        updated_at: token.created_at.to_api(),
        user: wire::AuthorizationUser {
            email: call.caller.email.to_string(),
            full_name: call.caller.name.clone(),
            id: call.caller.id.to_string(),
        },
    }
}

/// The caller's token by id. `~` is Heroku's default key of an account, which nobody has here.
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

/// One token.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| Ok(Reply::ok(&show(tx, call, &find(tx, call)?, None)))).await
}

/// Makes a token: `heroku login -i` and `heroku authorizations:create`.
pub(crate) async fn create(call: Call, Json(request): Json<wire::AuthorizationRequest>) -> Answer {
    let wire::AuthorizationRequest { scope, description, expires_in } = request;
    if let Some(other) = scope.iter().find(|scope| *scope != SCOPE) {
        return Err(Problem::Invalid(format!(
            "Scope `{other}` is not supported. Tokens have the scope `{SCOPE}`."
        )));
    }
    let description = description.unwrap_or_else(|| DESCRIPTION_DEFAULT.to_owned());
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(Problem::Invalid(format!(
            "Description is too long (maximum is {DESCRIPTION_CHARS_MAX} characters)"
        )));
    }
    let lifetime = match expires_in {
        Some(seconds) => Some(Duration::from_secs(
            seconds
                .0
                .parse()
                .map_err(|_| Problem::Invalid("`expires_in` must be a number of seconds.".to_owned()))?,
        )),
        None => None,
    };
    call.write(move |tx, call, _| {
        if tx.tokens(call.caller.id)?.len() >= TOKENS_MAX {
            return Err(Problem::Invalid(format!(
                "An account can have at most {TOKENS_MAX} authorizations."
            )));
        }
        let token = new_token();
        let expires_at = lifetime.map(|lifetime| tx.now().plus(lifetime));
        let account = call.caller.id;
        let made = tx.create_token(&NewToken { account, token: token.clone(), description, expires_at })?;
        Ok(Reply::created(&show(tx, call, &made, Some(&token))))
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
