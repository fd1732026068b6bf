//! The people of the platform, for its owner: add, list, reset a password, remove. Hokku's own resource; Heroku has
//! none. Nobody sends mail: a link is given back, by which the person chooses a password, once (`invitations`).

use std::time::Duration;

use model::account::Email;
use model::config_var::Secret;
use store::{Account, Tx};

use crate::app_transfers::give;
use crate::body::Json;
use crate::call::Call;
use crate::collaborators::person;
use crate::credentials::random_text;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const FIELDS: &[&str] = &["email", "id"];
/// How long a link works.
const INVITATION_TTL: Duration = Duration::from_secs(3 * 24 * 3600);
/// Most accounts of a platform.
const ACCOUNTS_MAX: usize = 10_000;
/// Apps that are named when an account cannot be removed because of them.
const APPS_NAMED_MAX: usize = 5;

fn show(tx: &Tx<'_>, account: &Account) -> Result<wire::PlatformAccount, Problem> {
    Ok(wire::PlatformAccount {
        apps: tx.apps_of(account.id)?.len() as u64,
        created_at: account.created_at.to_api(),
        email: account.email.to_string(),
        id: account.id.to_string(),
        name: account.name.clone(),
        owner: account.owner,
        state: if account.password_hash.is_some() { "active" } else { "invited" }.to_owned(),
        updated_at: account.updated_at.to_api(),
    })
}

/// Only the platform's owner may go on.
fn check(call: &Call) -> Result<(), Problem> {
    if call.caller.owner {
        return Ok(());
    }
    Err(Problem::Forbidden("Only the owner of this platform may see or change its accounts.".to_owned()))
}

/// The account that the path names. For others than the owner there is none.
fn find(tx: &Tx<'_>, call: &Call) -> Result<Account, Problem> {
    let missing = Problem::NotFound { resource: "account" };
    if !call.caller.owner {
        return Err(missing);
    }
    match person(tx, call.param("account")) {
        Err(Problem::Invalid(_)) => Err(missing),
        found => found,
    }
}

/// Makes a link for an account; the one before stops working.
fn invite(tx: &Tx<'_>, call: &Call, account: &Account) -> Result<wire::Invitation, Problem> {
    let secret = Secret::new(random_text());
    let made = tx.invite(account.id, &secret, tx.now().plus(INVITATION_TTL))?;
    let url = call.server.cx.site.dashboard_url(&format!("/join/{}", secret.expose_secret()));
    Ok(wire::Invitation {
        email: account.email.to_string(),
        expires_at: made.expires_at.to_api(),
        reset: account.password_hash.is_some(),
        url: Some(url),
    })
}

/// Everybody.
pub(crate) async fn list(call: Call) -> Answer {
    check(&call)?;
    call.read(|tx, call| {
        let shown: Result<Vec<_>, _> = tx.accounts()?.iter().map(|account| show(tx, account)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// One of them.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| Ok(Reply::ok(&show(tx, &find(tx, call)?)?))).await
}

/// Adds somebody, or somebody again who was removed; answers with their link.
pub(crate) async fn create(call: Call, Json(request): Json<wire::PlatformAccountRequest>) -> Answer {
    check(&call)?;
    let email: Email = request.email.trim().parse().map_err(Problem::invalid)?;
    call.write(move |tx, call, _| {
        if tx.accounts()?.len() >= ACCOUNTS_MAX {
            return Err(Problem::Invalid(format!("A platform can have at most {ACCOUNTS_MAX} accounts.")));
        }
        let account = match tx.account_by_email(&email)? {
            Some(account) if account.removed_at.is_some() => {
                tx.restore_account(account.id)?;
                account
            }
            Some(_) => {
                return Err(Problem::Invalid(format!(
                    "{email} has an account already. Make a new link with `hokku accounts:reset {email}`."
                )));
            }
            None => tx.create_account(&email, None, false)?,
        };
        Ok(Reply::created(&invite(tx, call, &account)?))
    })
    .await
}

/// Makes a new link for somebody: the first one was lost, or the password was forgotten, which works until the link is
/// used.
pub(crate) async fn reset(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let account = find(tx, call)?;
        Ok(Reply::created(&invite(tx, call, &account)?))
    })
    .await
}

/// Removes somebody. Their apps must go to somebody else first, or with this.
pub(crate) async fn destroy(call: Call, Json(asked): Json<wire::PlatformAccountRemoval>) -> Answer {
    call.write(move |tx, call, said| {
        let account = find(tx, call)?;
        if account.owner {
            return Err(Problem::Invalid("The owner of the platform cannot be removed.".to_owned()));
        }
        let shown = show(tx, &account)?;
        let apps = tx.apps_of(account.id)?;
        match &asked.apps_to {
            Some(to) => {
                let to = person(tx, &to.0)?;
                if to.id == account.id {
                    return Err(Problem::Invalid(format!("{} is the one to be removed.", to.email)));
                }
                apps.iter().try_for_each(|app| give(tx, app, to.id, said))?;
            }
            None if !apps.is_empty() => {
                let names: Vec<_> = apps.iter().take(APPS_NAMED_MAX).map(|app| app.name.as_str()).collect();
                let more = if apps.len() > APPS_NAMED_MAX { ", …" } else { "" };
                return Err(Problem::Invalid(format!(
                    "{0} owns apps: {1}{more}. Say who gets them: hokku accounts:remove {0} --apps-to EMAIL",
                    account.email,
                    names.join(", ")
                )));
            }
            None => {}
        }
        tx.remove_account(account.id)?;
        Ok(Reply::ok(&shown))
    })
    .await
}
