//! One action at a time, each safe to do again: a kill between any two lines is healed by the next scan.

use std::sync::Arc;

use logs::event;
use model::addon::{Addon, AddonState, POSTGRES};
use model::config_var::Secret;
use model::database::{Database, IllegalStandingEvent};
use model::id::AppId;
use model::log::{Line, Source};
use store::{StoreError, Tx};
use tracing::{error, info};

use crate::attach::{self, Announced};
use crate::plan::Action;
use crate::service::{BadResource, DataService, ServiceError};
use crate::stage::Context;

mod upkeep;

/// Why an action is not done yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    #[error("the service did not do its part")]
    Service(#[source] ServiceError),
    #[error("the store did not do its part")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Resource(#[from] BadResource),
    #[error(transparent)]
    Standing(#[from] IllegalStandingEvent),
}

/// Does one action; false when it has to be done again.
pub(crate) async fn act(cx: &Context, action: Action) -> bool {
    let (doing, addon) = doing(&action);
    let name = addon.name.clone();
    // What is not served here is not planned.
    let Some(service) = cx.services.of(addon.plan) else { return true };
    let result = match action {
        Action::Provision(addon) => provision(cx, &service, &addon).await,
        Action::Move(addon) => relocate(cx, &service, &addon).await,
        Action::Remove(addon, users) => remove(cx, service.as_ref(), &addon, &users).await,
        Action::Renew(addon) => upkeep::renew(cx, &addon).await,
        Action::Switch(addon, database) => upkeep::switch(cx, &addon, database).await,
        Action::Retire(addon, database) => upkeep::retire(cx, &addon, database).await,
        Action::Reset(addon, database) => upkeep::reset(cx, &addon, database).await,
        Action::Equip(addon, connections) => upkeep::equip(cx, &addon, connections).await,
        Action::Resize(addon) => resize(service.as_ref(), &addon).await,
        Action::Inspect(addon, database) => upkeep::inspect(cx, &addon, database).await,
    };
    if let Err(error) = &result {
        error!(addon.name = %name, error = error as &dyn std::error::Error, "could not {doing} {name}");
    }
    result.is_ok()
}

fn doing(action: &Action) -> (&'static str, &Addon) {
    match action {
        Action::Provision(addon) => ("provision", addon),
        Action::Move(addon) => ("move", addon),
        Action::Remove(addon, _) => ("remove", addon),
        Action::Renew(addon) => ("ask for other credentials of", addon),
        Action::Switch(addon, _) => ("change the credentials of", addon),
        Action::Retire(addon, _) => ("end the old credentials of", addon),
        Action::Reset(addon, _) => ("reset", addon),
        Action::Equip(addon, _) => ("apply the plan of", addon),
        Action::Resize(addon) => ("change the size of", addon),
        Action::Inspect(addon, _) => ("look at", addon),
    }
}

/// Names and keys are written down before the service hears of them, so that a repetition uses the same.
async fn provision(cx: &Context, service: &Arc<dyn DataService>, addon: &Addon) -> Result<(), ActError> {
    let Some(resource) = keep_resource(cx, service.as_ref(), addon).await? else { return Ok(()) };
    service.create(&resource, addon.plan).await.map_err(ActError::Service)?;
    let (id, values) = (addon.id, Arc::clone(service));
    let plan = addon.plan;
    let announced = cx
        .store
        .write(move |tx| {
            if plan.service == POSTGRES && tx.addon(id)?.is_some() {
                let database = tx.database(id)?;
                tx.set_database(&Database { equipped: Some(plan), ..database })?;
            }
            attach::provisioned(tx, id, &resource, values.as_ref())
        })
        .await?;
    announce(cx, &announced);
    info!(addon.name = %addon.name, "{} is provisioned", addon.name);
    Ok(())
}

/// The store does not keep that this was done: every start of the server does it again.
async fn resize(service: &dyn DataService, addon: &Addon) -> Result<(), ActError> {
    let resource = addon.resource.as_ref().ok_or(BadResource)?;
    service.create(resource, addon.plan).await.map_err(ActError::Service)
}

/// None when the add-on is not wanted any more.
async fn keep_resource(
    cx: &Context,
    service: &dyn DataService,
    addon: &Addon,
) -> Result<Option<Secret>, StoreError> {
    if addon.resource.is_some() {
        return Ok(addon.resource.clone());
    }
    let (id, resource) = (addon.id, service.make_up());
    cx.store
        .write(move |tx| {
            if !is_still(tx, id, AddonState::Provisioning)? {
                return Ok(None);
            }
            tx.set_addon_resource(id, &resource)?;
            Ok(Some(resource))
        })
        .await
}

/// Tells apps the service's new address, once it is known that their data is there.
async fn relocate(cx: &Context, service: &Arc<dyn DataService>, addon: &Addon) -> Result<(), ActError> {
    let known = addon.resource.as_ref().ok_or(BadResource)?;
    let Some(resource) = service.moved(known)? else { return Ok(()) };
    service.find(&resource).await.map_err(ActError::Service)?;
    let (id, values) = (addon.id, Arc::clone(service));
    let announced = cx
        .store
        .write(move |tx| {
            if !is_still(tx, id, AddonState::Provisioned)? {
                return Ok(Vec::new());
            }
            tx.set_addon_resource(id, &resource)?;
            attach::updated(tx, id, &resource, values.as_ref())
        })
        .await?;
    announce(cx, &announced);
    info!(addon.name = %addon.name, "{} is now at {}", addon.name, service.address());
    Ok(())
}

/// `others` open the same thing, for a change of its credentials was under way.
async fn remove(
    cx: &Context,
    service: &dyn DataService,
    addon: &Addon,
    others: &[Secret],
) -> Result<(), ActError> {
    for resource in addon.resource.iter().chain(others) {
        service.remove(resource).await.map_err(ActError::Service)?;
    }
    let id = addon.id;
    cx.store.write(move |tx| tx.delete_addon(id)).await?;
    info!(addon.name = %addon.name, "{} is gone", addon.name);
    Ok(())
}

fn is_still(tx: &Tx<'_>, id: model::id::AddonId, state: AddonState) -> Result<bool, StoreError> {
    Ok(tx.addon(id)?.is_some_and(|addon| addon.state == state))
}

fn announce(cx: &Context, announced: &[Announced]) {
    for Announced { release, line, user } in announced {
        say(cx, release.app, line);
        say(cx, release.app, &event::release_created(release.version, user));
    }
}

/// A line of `app[api]`.
fn say(cx: &Context, app: AppId, message: &str) {
    say_as(cx, app, "api", message);
}

fn say_as(cx: &Context, app: AppId, process: &str, message: &str) {
    let (process, message) = (process.to_owned(), message.to_owned());
    cx.logs.append(app, Line { at: cx.store.now(), source: Source::App, process, message });
}
