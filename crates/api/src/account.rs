//! `GET /account`, `PATCH /account`, `GET /users/{account}`.

use model::account::check_password;
use model::config_var::Secret;
use store::Account;

use crate::body::Json;
use crate::call::Call;
use crate::credentials::hash_password;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

/// Longest name of a person, in characters.
const NAME_CHARS_MAX: usize = 100;

pub(crate) fn show(account: &Account) -> wire::Account {
    wire::Account {
        allow_tracking: false,
        beta: false,
        country_of_residence: None,
        created_at: account.created_at.to_api(),
        default_organization: None,
        default_team: None,
        delinquent_at: None,
        email: account.email.to_string(),
        federated: false,
        id: account.id.to_string(),
        identity_provider: None,
        last_login: None,
        name: account.name.clone(),
        sms_number: None,
        suspended_at: None,
        two_factor_authentication: false,
        updated_at: account.updated_at.to_api(),
        verified: true,
    }
}

pub(crate) fn user_ref(account: &Account) -> wire::UserRef {
    wire::UserRef { email: account.email.to_string(), id: account.id.to_string() }
}

/// The caller's own account.
pub(crate) async fn info(call: Call) -> Answer {
    Ok(Reply::ok(&show(&call.caller)))
}

/// The caller's own account by `~`, address or id; others are not shown.
pub(crate) async fn user(call: Call) -> Answer {
    check_self(&call)?;
    Ok(Reply::ok(&show(&call.caller)))
}

/// Whether the path's account is the caller.
pub(crate) fn check_self(call: &Call) -> Result<(), Problem> {
    let asked = call.param("account");
    let caller = &call.caller;
    let is_self =
        asked == "~" || asked == caller.id.to_string() || asked.eq_ignore_ascii_case(caller.email.as_str());
    if is_self { Ok(()) } else { Err(Problem::NotFound { resource: "account" }) }
}

/// Changes the person's name, or the password for who knows the present one.
pub(crate) async fn update(call: Call, Json(change): Json<wire::AccountChange>) -> Answer {
    let wire::AccountChange { name, allow_tracking: _, beta: _, password, new_password } = change;
    if name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        return Err(Problem::Invalid(format!("Name is too long (maximum is {NAME_CHARS_MAX} characters)")));
    }
    let hash = match new_password {
        Some(new) => {
            Some(new_hash(&call, Secret::new(password.unwrap_or_default()), Secret::new(new)).await?)
        }
        None => None,
    };
    call.write(move |tx, call, _| {
        if let Some(hash) = &hash {
            tx.set_password_hash(call.caller.id, Some(hash))?;
            tx.delete_tokens(call.caller.id, call.token, false)?;
        }
        if let Some(name) = &name {
            tx.set_account_name(call.caller.id, Some(name.as_str()).filter(|name| !name.is_empty()))?;
        }
        let account = tx.account(call.caller.id)?.ok_or(Problem::NotFound { resource: "account" })?;
        Ok(Reply::ok(&show(&account)))
    })
    .await
}

/// The hash of a new password, when the present one is right. Other logins end with the change.
async fn new_hash(call: &Call, present: Secret, new: Secret) -> Result<String, Problem> {
    let account = &call.caller;
    check_password(new.expose_secret(), &account.email).map_err(Problem::invalid)?;
    if !call.server.is_password(&account.email, present, account.password_hash.clone()).await? {
        return Err(Problem::Invalid("The present password is wrong.".to_owned()));
    }
    let hashing = call.server.one_at_a_time(move || hash_password(&new));
    hashing.await?.map_err(Problem::internal)
}
