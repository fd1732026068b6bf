//! Collaborators: the owner of an app is the only one.

use model::id::AccountId;
use store::{App, StoreError, Tx};

use crate::apps::app_ref;
use crate::call::Call;
use crate::error::Problem;
use crate::identity;
use crate::reply::{Answer, Reply};

fn show(tx: &Tx<'_>, app: &App, who: AccountId) -> Result<wire::Collaborator, Problem> {
    let account = tx.account(who)?.ok_or(StoreError::Missing { what: "account" })?;
    Ok(wire::Collaborator {
        app: app_ref(app),
        created_at: app.created_at.to_api(),
        id: identity::fixed("collaborator", &format!("{}/{who}", app.id)),
        role: Some("owner".to_owned()),
        updated_at: app.created_at.to_api(),
        user: wire::Collaborating {
            email: account.email.to_string(),
            federated: false,
            id: account.id.to_string(),
        },
    })
}

/// Who may work on an app.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        call.list(vec![show(tx, &app, app.owner)?], &["id"])
    })
    .await
}

/// One of them by address or id.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let owner = show(tx, &app, app.owner)?;
        let asked = call.param("collaborator");
        if [owner.id.as_str(), owner.user.id.as_str(), owner.user.email.as_str()].contains(&asked) {
            Ok(Reply::ok(&owner))
        } else {
            Err(Problem::NotFound { resource: "collaborator" })
        }
    })
    .await
}
