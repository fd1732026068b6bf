//! Collaborators: who may work on an app. The owner is listed among them. Whoever works on an app may let others do
//! so too, and anybody may leave; that is Heroku's rule for apps of people.

use model::id::AccountId;
use model::time::Timestamp;
use store::{Account, App, StoreError, Tx};

use crate::apps::app_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::{Problem, no_such_person};
use crate::identity;
use crate::reply::{Answer, Reply};

/// Most collaborators of an app.
const COLLABORATORS_MAX: usize = 1_000;
const MISSING: Problem = Problem::NotFound { resource: "collaborator" };

fn show(
    tx: &Tx<'_>,
    app: &App,
    id: String,
    who: AccountId,
    since: Timestamp,
) -> Result<wire::Collaborator, Problem> {
    let account = tx.account(who)?.ok_or(StoreError::Missing { what: "account" })?;
    Ok(wire::Collaborator {
        app: app_ref(app),
        created_at: since.to_api(),
        id,
        role: Some(if who == app.owner { "owner" } else { "collaborator" }.to_owned()),
        updated_at: since.to_api(),
        user: wire::Collaborating {
            email: account.email.to_string(),
            federated: false,
            id: account.id.to_string(),
        },
    })
}

/// The owner, then the others.
fn all(tx: &Tx<'_>, app: &App) -> Result<Vec<wire::Collaborator>, Problem> {
    let id = identity::fixed("collaborator", &format!("{}/{}", app.id, app.owner));
    let mut shown = vec![show(tx, app, id, app.owner, app.created_at)?];
    for one in tx.collaborators(app.id)? {
        shown.push(show(tx, app, one.id.to_string(), one.account, one.created_at)?);
    }
    Ok(shown)
}

/// One of them by address or id.
pub(crate) fn find(tx: &Tx<'_>, app: &App, asked: &str) -> Result<wire::Collaborator, Problem> {
    let is_meant = |one: &wire::Collaborator| {
        one.id == asked || one.user.id == asked || one.user.email.eq_ignore_ascii_case(asked)
    };
    all(tx, app)?.into_iter().find(is_meant).ok_or(MISSING)
}

/// Somebody of the platform by address or id.
pub(crate) fn person(tx: &Tx<'_>, identity: &str) -> Result<Account, Problem> {
    let found = match (identity.parse(), identity.parse()) {
        (Ok(id), _) => tx.account(id)?,
        (_, Ok(email)) => tx.account_by_email(&email)?,
        _ => None,
    };
    found.filter(|account| account.removed_at.is_none()).ok_or_else(|| no_such_person(identity))
}

/// Who may work on an app.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        call.list(all(tx, &app)?, &["id"])
    })
    .await
}

/// One of them by address or id.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        Ok(Reply::ok(&find(tx, &app, call.param("collaborator"))?))
    })
    .await
}

/// Lets somebody work on an app.
pub(crate) async fn create(call: Call, Json(request): Json<wire::CollaboratorRequest>) -> Answer {
    call.write(move |tx, call, said| {
        let app = call.app(tx)?;
        let who = person(tx, &request.user.0)?;
        if who.id == app.owner {
            return Err(Problem::Invalid(format!("{} owns {} already.", who.email, app.name)));
        }
        if tx.collaborators(app.id)?.len() >= COLLABORATORS_MAX {
            return Err(Problem::Invalid(format!(
                "An app can have at most {COLLABORATORS_MAX} collaborators."
            )));
        }
        let made = tx.add_collaborator(app.id, who.id).map_err(|error| match error {
            StoreError::Taken { .. } => {
                Problem::Invalid(format!("{} is a collaborator of {} already.", who.email, app.name))
            }
            other => other.into(),
        })?;
        said.say_with(app.id, |user| format!("Add {} to collaborators by user {user}", who.email));
        Ok(Reply::created(&show(tx, &app, made.id.to_string(), who.id, made.created_at)?))
    })
    .await
}

/// Ends that somebody works on an app.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, said| {
        let app = call.app(tx)?;
        let one = find(tx, &app, call.param("collaborator"))?;
        let who: AccountId = one.user.id.parse().map_err(Problem::internal)?;
        if who == app.owner {
            return Err(Problem::Invalid(format!(
                "{} owns {}. Transfer it to somebody else, or destroy it.",
                one.user.email, app.name
            )));
        }
        tx.remove_collaborator(app.id, who)?;
        said.say_with(app.id, |user| format!("Remove {} from collaborators by user {user}", one.user.email));
        Ok(Reply::ok(&one))
    })
    .await
}
