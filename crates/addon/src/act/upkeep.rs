//! Keeping up databases: their credentials, an emptying, their plan's limits.

use std::sync::Arc;

use logs::event;
use model::addon::{Addon, AddonState};
use model::config_var::Secret;
use model::database::{Database, Reset, ResetEvent, Rotation, RotationEvent, Standing};
use model::id::AddonId;
use store::{StoreError, Tx};
use tracing::info;

use super::{ActError, announce, is_still, say_as};
use crate::attach;
use crate::info::minute;
use crate::limits::{self, Excess};
use crate::service::{BadResource, DataService};
use crate::stage::Context;

/// Who says in an app's log what happens to its database.
const POSTGRES: &str = "heroku-postgres";

fn resource(addon: &Addon) -> Result<&Secret, BadResource> {
    addon.resource.as_ref().ok_or(BadResource)
}

/// The platform's own wish for other credentials.
pub(super) async fn renew(cx: &Context, addon: &Addon) -> Result<(), ActError> {
    let id = addon.id;
    Ok(cx.store.write(move |tx| tx.ask_rotation(id, false)).await?)
}

/// The new credentials are written down before the server hears of them, so that a repetition uses the same. Apps are
/// told once both work.
pub(super) async fn switch(cx: &Context, addon: &Addon, database: Database) -> Result<(), ActError> {
    let old = resource(addon)?.clone();
    let Some(new) = keep_next(cx, addon, &database).await? else { return Ok(()) };
    cx.services.postgres.switch(&old, &new, addon.plan).await.map_err(ActError::Service)?;
    let (id, values) = (addon.id, Arc::clone(&cx.services.postgres) as Arc<dyn DataService>);
    let announced = cx
        .store
        .write(move |tx| {
            let Some(database) = wanted(tx, id)? else { return Ok(Vec::new()) };
            let rotation = database.rotation.on(RotationEvent::Switched)?;
            let (retiring, rotated_at) = (Some(old), Some(tx.now()));
            tx.set_database(&Database { rotation, next: None, retiring, rotated_at, ..database })?;
            tx.set_addon_resource(id, &new)?;
            attach::updated(tx, id, &new, values.as_ref())
        })
        .await?;
    announce(cx, &announced);
    info!(addon.name = %addon.name, "{} has new credentials", addon.name);
    Ok(())
}

/// None when the rotation is not wanted any more.
async fn keep_next(cx: &Context, addon: &Addon, database: &Database) -> Result<Option<Secret>, ActError> {
    if database.next.is_some() {
        return Ok(database.next.clone());
    }
    let (id, new) = (addon.id, cx.services.postgres.renew(resource(addon)?)?);
    let kept = cx.store.write(move |tx| {
        let Some(database) = wanted(tx, id)? else { return Ok(None) };
        tx.set_database(&Database { next: Some(new.clone()), ..database })?;
        Ok::<_, StoreError>(Some(new))
    });
    Ok(kept.await?)
}

fn wanted(tx: &Tx<'_>, id: AddonId) -> Result<Option<Database>, StoreError> {
    if !is_still(tx, id, AddonState::Provisioned)? {
        return Ok(None);
    }
    Ok(Some(tx.database(id)?).filter(|database| matches!(database.rotation, Rotation::Wanted { .. })))
}

pub(super) async fn retire(cx: &Context, addon: &Addon, database: Database) -> Result<(), ActError> {
    let old = database.retiring.ok_or(BadResource)?;
    cx.services.postgres.retire(&old, resource(addon)?, addon.plan).await.map_err(ActError::Service)?;
    let (id, plan) = (addon.id, addon.plan);
    cx.store
        .write(move |tx| {
            let database = tx.database(id)?;
            if !is_still(tx, id, AddonState::Provisioned)? || database.retiring.as_ref() != Some(&old) {
                return Ok(());
            }
            let rotation = database.rotation.on(RotationEvent::Retired)?;
            tx.set_database(&Database { rotation, retiring: None, equipped: Some(plan), ..database })
        })
        .await?;
    say_as(cx, addon.app, POSTGRES, &event::credentials_retired(&addon.name));
    info!(addon.name = %addon.name, "the old credentials of {} are gone", addon.name);
    Ok(())
}

/// Which database is replaced is written down first: were it looked up again after a kill, the new one would be taken
/// for the old, with what apps have written since.
pub(super) async fn reset(cx: &Context, addon: &Addon, database: Database) -> Result<(), ActError> {
    let id = addon.id;
    let identity = match database.reset {
        Reset::Begun { identity } => identity,
        Reset::None | Reset::Wanted => {
            let identity =
                cx.services.postgres.identity(resource(addon)?).await.map_err(ActError::Service)?;
            reset_on(cx, id, ResetEvent::Found { identity }).await?;
            identity
        }
    };
    cx.services.postgres.replace(resource(addon)?, identity).await.map_err(ActError::Service)?;
    reset_on(cx, id, ResetEvent::Done).await?;
    info!(addon.name = %addon.name, "{} was reset", addon.name);
    Ok(())
}

async fn reset_on(cx: &Context, id: AddonId, event: ResetEvent) -> Result<(), StoreError> {
    cx.store
        .write(move |tx| {
            if !is_still(tx, id, AddonState::Provisioned)? {
                return Ok(());
            }
            let database = tx.database(id)?;
            let reset = database.reset.clone().on(event)?;
            // Nothing is in it, and nothing was taken from whoever made it.
            let standing = if reset == Reset::None { Standing::Within } else { database.standing };
            tx.set_database(&Database { reset, standing, ..database })
        })
        .await
}

pub(super) async fn equip(cx: &Context, addon: &Addon, connections: u32) -> Result<(), ActError> {
    cx.services.postgres.equip(resource(addon)?, connections).await.map_err(ActError::Service)?;
    let (id, plan) = (addon.id, addon.plan);
    cx.store
        .write(move |tx| {
            if !is_still(tx, id, AddonState::Provisioned)? {
                return Ok(());
            }
            let database = tx.database(id)?;
            tx.set_database(&Database { equipped: Some(plan), ..database })
        })
        .await?;
    Ok(())
}

/// The server is made to hold before the store says that it does: after a kill in between it is found and done again.
pub(super) async fn inspect(cx: &Context, addon: &Addon, database: Database) -> Result<(), ActError> {
    let resource = resource(addon)?;
    let measured = cx.services.postgres.measure(resource, addon.plan).await.map_err(ActError::Service)?;
    let excess = limits::excess(addon.plan, &measured);
    let (id, before) = (addon.id, database.standing);
    let after = limits::judge(before, excess, cx.store.now(), cx.upkeep.grace)?;
    match (after, excess) {
        (Standing::Restricted { .. }, Some(excess)) => {
            cx.services.postgres.restrict(resource, excess.restriction()).await.map_err(ActError::Service)?;
        }
        (Standing::Within, _) if before != Standing::Within => {
            cx.services.postgres.free(resource).await.map_err(ActError::Service)?;
        }
        _ => {}
    }
    if after == before {
        return Ok(());
    }
    let plan = addon.plan;
    let is_kept = cx.store.write(move |tx| {
        let database = tx.database(id)?;
        let same_plan = tx.addon(id)?.is_some_and(|addon| addon.plan == plan);
        if !same_plan || database.standing != before || !is_still(tx, id, AddonState::Provisioned)? {
            return Ok(false);
        }
        tx.set_database(&Database { standing: after, ..database })?;
        Ok::<_, StoreError>(true)
    });
    if is_kept.await? {
        tell(cx, addon, after, excess);
    }
    Ok(())
}

/// What became of a database's standing, in its app's log.
fn tell(cx: &Context, addon: &Addon, standing: Standing, excess: Option<Excess>) {
    let what = excess.map(Excess::words).unwrap_or_default();
    let line = match standing {
        Standing::Over { since } => {
            let until = format!("{} UTC", minute(since.plus(cx.upkeep.grace)));
            event::database_over_limit(&addon.name, &what, &until)
        }
        Standing::Restricted { .. } => event::database_restricted(&addon.name, &what),
        Standing::Within => event::database_within_limits(&addon.name),
    };
    say_as(cx, addon.app, POSTGRES, &line);
    info!(addon.name = %addon.name, standing = standing.as_str(), "{} is {}", addon.name, standing.as_str());
}
