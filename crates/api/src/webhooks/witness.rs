//! Turns what a transaction changed into what webhooks are told, in that transaction.
//!
//! Each thing of an app with webhooks is kept as the API last showed it. A change is told with the thing as it is
//! shown now; the difference between the two is `previous_data`, and no difference is no event. What is gone is told as
//! it was.

use std::error::Error;
use std::sync::Arc;

use model::build::Build;
use model::domain::Domain;
use model::dyno::DynoState;
use model::formation::Formation;
use model::webhook::{Action, Include, Resource};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Account, App, Change, NewWebhookEvent, StoreError, Tx, Witness};

use crate::call::Call;
use crate::error::Problem;
use crate::{
    Context, Server, addon_attachments, addons, apps, builds, collaborators, domains, dynos, formation,
    releases, sni_endpoints,
};

/// Properties that change without anything having happened: URLs that are their own permission, and times.
const UNTOLD: [&str; 2] = ["output_stream_url", "updated_at"];

type Thing = Map<String, Value>;

/// The witness that the store is to have. It keeps the context, and the store in it, as long as the store lives: to
/// the end of the process.
pub(crate) fn witness(cx: Context) -> Witness {
    let server = Arc::new(Server::new(cx));
    Arc::new(move |tx, changes| {
        for change in changes {
            tell(tx, &server, change).map_err(|problem| match problem {
                Problem::Internal(cause) => Box::<dyn Error + Send + Sync>::from(cause.to_string()),
                other => format!("{other:?}").into(),
            })?;
        }
        Ok(())
    })
}

/// Keeps everything of an app as it is shown now: what comes later is told against this.
pub(super) fn remember(tx: &Tx<'_>, call: &Call, app: &App) -> Result<(), Problem> {
    let mut all: Vec<(Resource, String)> = vec![(Resource::App, app.id.to_string())];
    let mut add = |resource, ids: Vec<String>| all.extend(ids.into_iter().map(|id| (resource, id)));
    add(Resource::Addon, tx.addons_of(app.id)?.iter().map(|it| it.id.to_string()).collect());
    add(Resource::Attachment, tx.attachments_to(app.id)?.iter().map(|it| it.id.to_string()).collect());
    add(Resource::Build, tx.builds(app.id)?.iter().map(|it| it.id.to_string()).collect());
    add(Resource::Collaborator, tx.collaborators(app.id)?.iter().map(|it| it.id.to_string()).collect());
    add(Resource::Domain, tx.domains(app.id)?.iter().map(|it| it.id.to_string()).collect());
    add(Resource::SniEndpoint, tx.sni_endpoints(app.id)?.iter().map(|it| it.id.to_string()).collect());
    add(Resource::Dyno, tx.dynos_of(app.id)?.iter().map(|it| it.id.to_string()).collect());
    add(Resource::Formation, tx.formation(app.id)?.iter().map(|it| it.id.to_string()).collect());
    add(Resource::Release, tx.releases(app.id)?.iter().map(|it| it.id.to_string()).collect());
    for (resource, id) in all {
        let change = Change { resource, id, app: app.id, is_new: false };
        if let Some(thing) = shown(tx, call, app, &change)? {
            keep(tx, &change, Some(&thing))?;
        }
    }
    Ok(())
}

fn tell(tx: &Tx<'_>, server: &Arc<Server>, change: &Change) -> Result<(), Problem> {
    let before = tx.last_shown(change.resource, &change.id)?;
    let before: Option<Thing> = before.and_then(|json| serde_json::from_str(&json).ok());
    let app = tx.app(change.app)?;
    let owner = app.as_ref().map(|app| tx.account(app.owner)).transpose()?.flatten();
    let now = match (&app, &owner) {
        (Some(app), Some(owner)) => {
            let call = Call::of_platform(Arc::clone(server), owner.clone());
            shown(tx, &call, app, change)?
        }
        _ => None,
    };
    let actor = match actor(tx, now.as_ref().or(before.as_ref()))? {
        Some(actor) => Some(actor),
        None => owner.or(tx.owner()?),
    };
    keep(tx, change, now.as_ref())?;
    let Some((action, data, previous)) = what_happened(change, before, now) else { return Ok(()) };
    let Some(include) = Include::of(change.resource, action) else { return Ok(()) };
    // The account of the one who did it may be gone with what they did.
    let Some(actor) = actor else { return Ok(()) };
    tx.create_webhook_event(&NewWebhookEvent {
        app: change.app,
        include,
        action,
        resource: change.resource,
        actor: actor.id,
        actor_email: actor.email.to_string(),
        data: Value::Object(data).to_string(),
        previous_data: Value::Object(previous).to_string(),
    })?;
    Ok(())
}

/// Who did it: the person behind the request, else the one for whom the platform did it.
fn actor(tx: &Tx<'_>, thing: Option<&Thing>) -> Result<Option<Account>, Problem> {
    let told = || thing?.get("user")?.get("id")?.as_str()?.parse().ok();
    match tx.actor().or_else(told) {
        Some(who) => Ok(tx.account(who)?),
        None => Ok(None),
    }
}

/// What it was, and what it is now, as an action with its data.
fn what_happened(
    change: &Change,
    before: Option<Thing>,
    now: Option<Thing>,
) -> Option<(Action, Thing, Thing)> {
    match (before, now) {
        (None, Some(now)) => {
            let action = if change.is_new { Action::Create } else { Action::Update };
            Some((action, now, Thing::new()))
        }
        (Some(before), Some(now)) => {
            let previous = difference(&before, &now);
            let is_end = change.resource == Resource::Dyno && has_ended(&now) && !has_ended(&before);
            let action = if is_end { Action::Destroy } else { Action::Update };
            (!previous.is_empty()).then_some((action, now, previous))
        }
        // A dyno's end is told when it ends, not when its row goes.
        (Some(before), None) => {
            let was_told = change.resource == Resource::Dyno && has_ended(&before);
            (!was_told).then(|| (Action::Destroy, before, Thing::new()))
        }
        (None, None) => None,
    }
}

fn has_ended(dyno: &Thing) -> bool {
    let ends = [DynoState::Crashed, DynoState::Down, DynoState::Complete];
    dyno.get("state")
        .and_then(Value::as_str)
        .is_some_and(|state| ends.iter().any(|end| end.as_str() == state))
}

/// The old values of what is different now.
fn difference(before: &Thing, now: &Thing) -> Thing {
    let is_told = |key: &str| !UNTOLD.contains(&key);
    let changed = before.iter().filter(|(key, value)| is_told(key) && now.get(*key) != Some(*value));
    changed.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn keep(tx: &Tx<'_>, change: &Change, thing: Option<&Thing>) -> Result<(), Problem> {
    let json = thing.map(|thing| Value::Object(thing.clone()).to_string());
    Ok(tx.set_last_shown(change.app, change.resource, &change.id, json.as_deref())?)
}

fn object(thing: &impl Serialize) -> Result<Thing, Problem> {
    match serde_json::to_value(thing).map_err(Problem::internal)? {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::internal(StoreError::Missing { what: "object" })),
    }
}

/// The thing as the API shows it now; none when it is not there.
fn shown(tx: &Tx<'_>, call: &Call, app: &App, change: &Change) -> Result<Option<Thing>, Problem> {
    let id = change.id.as_str();
    Ok(match change.resource {
        Resource::App => Some(object(&apps::show(tx, call, app)?)?),
        Resource::Addon => match tx.addon_by_identity(id)?.filter(addons::is_there) {
            Some(addon) => Some(object(&addons::show(tx, call, &addon)?)?),
            None => None,
        },
        Resource::Attachment => match id.parse().ok().map(|id| tx.attachment(id)).transpose()?.flatten() {
            Some(attachment) => Some(object(&addon_attachments::show(tx, call, &attachment)?)?),
            None => None,
        },
        Resource::Build => {
            let found: Option<Build> = id.parse().ok().map(|id| tx.build(id)).transpose()?.flatten();
            found.map(|build| object(&builds::show(tx, call, app, &build)?)).transpose()?
        }
        Resource::Domain => {
            let found = tx.domains(app.id)?.into_iter().find(|it: &Domain| it.id.to_string() == id);
            found.map(|domain| object(&domains::show(tx, call, app, &domain)?)).transpose()?
        }
        Resource::Dyno => match id.parse().ok().map(|id| tx.dyno(id)).transpose()?.flatten() {
            Some(dyno) => {
                let mut thing = object(&dynos::show(tx, app, &dyno, None)?)?;
                thing.insert("exit_status".to_owned(), dyno.exit.map(|exit| exit.status).into());
                Some(thing)
            }
            None => None,
        },
        Resource::Formation => {
            let found = tx.formation(app.id)?.into_iter().find(|it: &Formation| it.id.to_string() == id);
            found.map(|entry| object(&formation::show(app, &entry))).transpose()?
        }
        Resource::Release => match id.parse().ok().map(|id| tx.release(id)).transpose()?.flatten() {
            Some(release) => Some(object(&releases::show(tx, call, app, &release)?)?),
            None => None,
        },
        Resource::Collaborator => match collaborators::find(tx, app, id) {
            Ok(person) => Some(object(&person)?),
            Err(Problem::NotFound { .. }) => None,
            Err(problem) => return Err(problem),
        },
        Resource::SniEndpoint => sni_endpoints::shown(tx, app, id)?.map(|it| object(&it)).transpose()?,
    })
}

#[cfg(test)]
mod tests;
