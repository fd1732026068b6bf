//! Transfers: an owner offers an app to somebody, who takes it or does not. Nobody else knows of it.

use model::app_transfer::{AppTransfer, AppTransferEvent, AppTransferState};
use model::id::AccountId;
use store::{App, StoreError, Tx};

use crate::access;
use crate::account::user_ref;
use crate::apps::app_ref;
use crate::body::Json;
use crate::call::{Call, Said};
use crate::collaborators::person;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const FIELDS: &[&str] = &["id"];
const MISSING: Problem = Problem::NotFound { resource: "app_transfer" };

fn show(tx: &Tx<'_>, transfer: &AppTransfer) -> Result<wire::AppTransfer, Problem> {
    let app = tx.app(transfer.app)?.ok_or(StoreError::Missing { what: "app of this transfer" })?;
    let user =
        |id| Ok::<_, Problem>(user_ref(&tx.account(id)?.ok_or(StoreError::Missing { what: "account" })?));
    Ok(wire::AppTransfer {
        app: app_ref(&app),
        created_at: transfer.created_at.to_api(),
        id: transfer.id.to_string(),
        owner: user(transfer.owner)?,
        recipient: user(transfer.recipient)?,
        state: transfer.state.as_str().to_owned(),
        updated_at: transfer.updated_at.to_api(),
    })
}

/// A transfer of or to the caller, by its id or the app's name.
fn find(tx: &Tx<'_>, call: &Call) -> Result<AppTransfer, Problem> {
    let asked = call.param("app_transfer");
    let own = tx.app_transfers_of(call.caller.id)?;
    if let Some(found) = own.iter().find(|it| it.id.to_string() == asked) {
        return Ok(found.clone());
    }
    let app = tx.app_by_identity(asked)?.ok_or(MISSING)?;
    let pending = |it: &AppTransfer| it.app == app.id && it.state == AppTransferState::Pending;
    own.into_iter().find(pending).ok_or(MISSING)
}

/// The caller's transfers, to and fro.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let shown: Result<Vec<_>, _> =
            tx.app_transfers_of(call.caller.id)?.iter().map(|transfer| show(tx, transfer)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// One transfer.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| Ok(Reply::ok(&show(tx, &find(tx, call)?)?))).await
}

/// Offers an app to somebody.
pub(crate) async fn create(call: Call, Json(request): Json<wire::AppTransferRequest>) -> Answer {
    call.write(move |tx, call, said| {
        let app = access::app(tx, &call.caller, &request.app.0)?;
        access::check_owner(tx, &call.caller, &app, "transfer it")?;
        let recipient = person(tx, &request.recipient.0)?;
        if recipient.id == app.owner {
            return Err(Problem::Invalid(format!("{} owns {} already.", recipient.email, app.name)));
        }
        let made = tx.create_app_transfer(app.id, app.owner, recipient.id).map_err(|error| match error {
            StoreError::Taken { .. } => Problem::Invalid(format!(
                "{} is being transferred already. Its recipient has to take it first.",
                app.name
            )),
            other => other.into(),
        })?;
        said.say_with(app.id, |user| format!("Offer the app to {} by user {user}", recipient.email));
        let where_to = call.server.cx.site.dashboard_url("/account");
        let warning = format!(
            "No mail is sent. {} takes the app at {where_to} or with `hokku apps:transfer:accept {}`.",
            recipient.email, app.name
        );
        Ok(Reply::created(&show(tx, &made)?).warning(&warning))
    })
    .await
}

/// The recipient takes the app, or does not.
pub(crate) async fn update(call: Call, Json(change): Json<wire::AppTransferChange>) -> Answer {
    let event = match change.state.as_str() {
        "accepted" => AppTransferEvent::Accept,
        "declined" => AppTransferEvent::Decline,
        other => {
            return Err(Problem::Invalid(format!(
                "State `{other}` cannot be set. Use `accepted` or `declined`."
            )));
        }
    };
    call.write(move |tx, call, said| {
        let transfer = find(tx, call)?;
        if transfer.recipient != call.caller.id {
            let recipient = tx.account(transfer.recipient)?.map(|it| it.email.to_string());
            let recipient = recipient.unwrap_or_default();
            return Err(Problem::Forbidden(format!("Only {recipient} may take this app or decline it.")));
        }
        let decided = tx.app_transfer_on(transfer.id, event).map_err(|error| match error {
            StoreError::IllegalAppTransfer(_) => {
                Problem::Invalid(format!("This transfer was {} already.", transfer.state.as_str()))
            }
            other => other.into(),
        })?;
        if decided.state == AppTransferState::Accepted {
            let app = tx.app(decided.app)?.ok_or(MISSING)?;
            give(tx, &app, decided.recipient, said)?;
        }
        Ok(Reply::ok(&show(tx, &decided)?))
    })
    .await
}

/// Gives an app to somebody; who had it stays a collaborator, as on Heroku.
pub(crate) fn give(tx: &Tx<'_>, app: &App, to: AccountId, said: &mut Said) -> Result<(), Problem> {
    tx.remove_collaborator(app.id, to)?;
    tx.set_app_owner(app.id, to)?;
    tx.add_collaborator(app.id, app.owner)?;
    let recipient = tx.account(to)?.map(|account| account.email.to_string()).unwrap_or_default();
    said.say_with(app.id, |user| format!("Transfer the app to {recipient} by user {user}"));
    Ok(())
}

/// The owner takes the offer back.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let transfer = find(tx, call)?;
        if transfer.owner != call.caller.id {
            return Err(Problem::Forbidden("Only who offered the app may take the offer back.".to_owned()));
        }
        if transfer.state != AppTransferState::Pending {
            return Err(Problem::Invalid(format!("This transfer was {} already.", transfer.state.as_str())));
        }
        let shown = show(tx, &transfer)?;
        tx.delete_app_transfer(transfer.id)?;
        Ok(Reply::ok(&shown))
    })
    .await
}
