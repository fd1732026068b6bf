//! Databases: the data API, a host of its own on Heroku, which `heroku pg` asks.

use std::sync::Arc;
use std::time::Duration;

use logs::event;
use model::addon::{Addon, AddonState, POSTGRES};
use model::database::Reset;
use model::log::{Line, Source};
use store::{Topic, Tx};

use crate::access;
use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const MISSING: Problem = Problem::NotFound { resource: "database" };

/// Longest wait for a database to be empty.
const RESET_MAX: Duration = Duration::from_secs(120);

/// The database that the path names.
pub(crate) fn find(tx: &Tx<'_>, call: &Call) -> Result<Addon, Problem> {
    let addon = access::addon(tx, &call.caller, call.param("database"))?;
    let is_there = addon.plan.service == POSTGRES && addon.state != AddonState::Deprovisioning;
    if is_there { Ok(addon) } else { Err(MISSING) }
}

/// A database that can be used.
pub(crate) fn find_provisioned(tx: &Tx<'_>, call: &Call) -> Result<Addon, Problem> {
    find(tx, call)
        .and_then(|addon| if addon.state == AddonState::Provisioned { Ok(addon) } else { Err(MISSING) })
}

/// Where a database is reached: what its owner's config says.
fn resource_url(tx: &Tx<'_>, addon: &Addon) -> Result<Option<String>, Problem> {
    let vars = tx.config_vars(addon.app)?;
    let owned = tx.attached_keys(addon.app)?;
    let attachments = tx.attachments_of(addon.id)?;
    let is_own = |id| attachments.iter().any(|attachment| attachment.id == id);
    let key = owned.into_iter().find(|(_, attachment)| is_own(*attachment)).map(|(key, _)| key);
    Ok(key.and_then(|key| vars.get(&key).map(|url| url.expose_secret().to_owned())))
}

/// `pg:info`.
pub(crate) async fn info(call: Call) -> Answer {
    let server = Arc::clone(&call.server);
    let store = server.cx.store.clone();
    let (addon, database, resource_url) = store
        .read(move |tx| {
            let addon = find_provisioned(tx, &call)?;
            let url = resource_url(tx, &addon)?;
            let database = tx.database(addon.id)?;
            Ok::<_, Problem>((addon, database, url))
        })
        .await?;
    let info = server.cx.addons.facts(&addon, &database).await?;
    Ok(Reply::ok(&wire::Database {
        id: addon.id.to_string(),
        name: addon.name,
        info,
        resource_url,
        following: None,
        forked_from: None,
        waiting: false,
    }))
}

/// `pg:wait`.
pub(crate) async fn wait_status(call: Call) -> Answer {
    call.read(|tx, call| {
        let addon = find(tx, call)?;
        let is_reset = tx.database(addon.id)?.reset != Reset::None;
        let (waiting, message) = match addon.state {
            AddonState::Provisioning => (true, "being created"),
            _ if is_reset => (true, "being reset"),
            _ => (false, "available"),
        };
        Ok(Reply::ok(&wire::WaitStatus { waiting, message: message.to_owned() }))
    })
    .await
}

/// `pg:reset`: replaces a database by an empty one, and answers when that is there.
pub(crate) async fn reset(call: Call, Json(asked): Json<wire::DatabaseReset>) -> Answer {
    if asked.extensions.is_some_and(|extensions| !extensions.is_empty()) {
        let why =
            "Extensions cannot be made by a reset here. After it: heroku pg:psql -c 'CREATE EXTENSION …'";
        return Err(Problem::invalid(why));
    }
    let server = Arc::clone(&call.server);
    let (store, logs) = (server.cx.store.clone(), server.cx.logs.clone());
    // Before the write, so that nothing is missed.
    let mut wake = store.watch(&[Topic::Addons]);
    let asking = store.write(move |tx| {
        let addon = find_provisioned(tx, &call)?;
        tx.ask_reset(addon.id)?;
        Ok::<_, Problem>((event::database_reset(&addon.name, &call.caller.email.to_string()), addon))
    });
    let (message, addon) = asking.await?;
    logs.append(addon.app, Line { at: store.now(), source: Source::App, process: "api".to_owned(), message });
    let is_empty = async {
        loop {
            let id = addon.id;
            match store.read(move |tx| Ok::<_, Problem>(tx.database(id)?.reset)).await {
                Ok(Reset::None) => return Ok(()),
                Ok(_) => wake.changed_or_after(RESET_MAX).await,
                Err(problem) => return Err(problem),
            }
        }
    };
    match tokio::time::timeout(RESET_MAX, is_empty).await {
        Ok(done) => done?,
        Err(_) => {
            return Err(Problem::Conflict(format!("{} is still being reset: heroku pg:wait", addon.name)));
        }
    }
    Ok(Reply::ok(&wire::DatabaseMessage { message: format!("{} is empty", addon.name) }))
}

/// `pg:killall`.
pub(crate) async fn connection_reset(call: Call) -> Answer {
    let server = Arc::clone(&call.server);
    let addon = server.cx.store.clone().read(move |tx| find_provisioned(tx, &call)).await?;
    server.cx.addons.disconnect(&addon).await?;
    Ok(Reply::ok(&wire::DatabaseMessage { message: "Connections terminated.".to_owned() }))
}
