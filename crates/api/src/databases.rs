//! Databases: the data API, a host of its own on Heroku, which `heroku pg` asks.

use model::addon::{Addon, AddonState, POSTGRES};
use store::Tx;

use crate::access;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const MISSING: Problem = Problem::NotFound { resource: "database" };

fn find(tx: &Tx<'_>, call: &Call) -> Result<Addon, Problem> {
    let addon = access::addon(tx, &call.caller, call.param("database"))?;
    let is_there = addon.plan.service == POSTGRES && addon.state != AddonState::Deprovisioning;
    if is_there { Ok(addon) } else { Err(MISSING) }
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

/// `pg:info`. A database that is still being made is not found: the official CLI says it in its own words then.
pub(crate) async fn info(call: Call) -> Answer {
    let server = std::sync::Arc::clone(&call.server);
    let store = server.cx.store.clone();
    let (addon, resource_url) = store
        .read(move |tx| {
            let addon = find(tx, &call)?;
            if addon.state != AddonState::Provisioned {
                return Err(MISSING);
            }
            let url = resource_url(tx, &addon)?;
            Ok((addon, url))
        })
        .await?;
    let info = server.cx.addons.facts(&addon).await?;
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
        let waiting = find(tx, call)?.state == AddonState::Provisioning;
        let message = if waiting { "being created" } else { "available" }.to_owned();
        Ok(Reply::ok(&wire::WaitStatus { waiting, message }))
    })
    .await
}
