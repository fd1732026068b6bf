//! Log drains of an app. The stage `deliver` does what stands in the store.

use model::drain::{DRAINS_PER_APP_MAX, Drain, DrainUrl};
use store::{App, StoreError, Tx};

use crate::apps::app_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

/// Fields a drain list can be sorted by.
const FIELDS: &[&str] = &["id"];

fn show(app: &App, drain: &Drain) -> wire::LogDrain {
    wire::LogDrain {
        addon: None,
        app: Some(app_ref(app)),
        created_at: drain.created_at.to_api(),
        id: drain.id.to_string(),
        token: drain.token.clone(),
        updated_at: drain.updated_at.to_api(),
        url: drain.url.expose_secret().to_owned(),
    }
}

/// A drain by URL, token or id: the command line gives either of the first two.
fn find(tx: &Tx<'_>, app: &App, identity: &str) -> Result<Drain, Problem> {
    let is_meant = |drain: &Drain| {
        drain.url.expose_secret() == identity || drain.token == identity || drain.id.to_string() == identity
    };
    tx.drains(app.id)?.into_iter().find(is_meant).ok_or(Problem::NotFound { resource: "drain" })
}

/// An app's drains.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        call.list(tx.drains(app.id)?.iter().map(|drain| show(&app, drain)).collect(), FIELDS)
    })
    .await
}

/// One drain.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        Ok(Reply::ok(&show(&app, &find(tx, &app, call.param("drain"))?)))
    })
    .await
}

/// Adds a drain.
pub(crate) async fn create(call: Call, Json(request): Json<wire::LogDrainRequest>) -> Answer {
    let url: DrainUrl = request.url.parse().map_err(Problem::invalid)?;
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        let drain = match tx.create_drain(app.id, &url) {
            Err(StoreError::Taken { .. }) => {
                return Err(Problem::Conflict(format!("{} has this drain already.", app.name)));
            }
            made => made?,
        };
        if tx.drains(app.id)?.len() > DRAINS_PER_APP_MAX {
            return Err(Problem::Invalid(format!(
                "{} has {DRAINS_PER_APP_MAX} drains, and more are not possible. Remove one first: heroku drains:remove \
                 URL",
                app.name
            )));
        }
        Ok(Reply::created(&show(&app, &drain)))
    })
    .await
}

/// Removes a drain.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let app = call.app(tx)?;
        let drain = find(tx, &app, call.param("drain"))?;
        tx.delete_drain(drain.id)?;
        Ok(Reply::ok(&show(&app, &drain)))
    })
    .await
}
