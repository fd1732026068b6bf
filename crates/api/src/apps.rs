//! Apps: list, create, show, change, destroy.

use logs::event;
use model::app::AppName;
use model::release::ReleaseEvent;
use model::slug::STACK;
use store::{App, NewApp, NewRelease, StoreError, Tx};

use crate::account::{check_self, user_ref};
use crate::body::Json;
use crate::call::{Call, Said};
use crate::error::{Problem, no_such_stack};
use crate::identity::cedar;
use crate::reply::{Answer, Reply};
use crate::{access, regions, stacks};

/// Fields an app list can be sorted by.
const FIELDS: &[&str] = &["name", "id"];
/// What some clients (heroku3) call the default stack.
const DEFAULT: &str = "cedar";
/// Names made up before giving up; each is free with a chance of nearly one.
const NAMES_TRIED_MAX: usize = 20;
/// Most apps of one `POST /filters/apps`.
const FILTER_MAX: usize = 1_000;

pub(crate) fn app_ref(app: &App) -> wire::Ref {
    wire::Ref { id: app.id.to_string(), name: app.name.to_string() }
}

pub(crate) fn show(tx: &Tx<'_>, call: &Call, app: &App) -> Result<wire::App, Problem> {
    let site = &call.server.cx.site;
    let owner = tx.account(app.owner)?.ok_or(StoreError::Missing { what: "owner of this app" })?;
    let slug = match tx.current_release(app.id)?.and_then(|release| release.slug) {
        Some(slug) => tx.slug(slug)?,
        None => None,
    };
    Ok(wire::App {
        acm: app.acm,
        archived_at: None,
        build_stack: stacks::stack_ref(&app.stack),
        buildpack_provided_description: slug.as_ref().map(|slug| slug.language.clone()),
        created_at: app.created_at.to_api(),
        generation: cedar(),
        git_url: site.git_url(&app.name),
        id: app.id.to_string(),
        internal_routing: None,
        maintenance: app.maintenance,
        name: app.name.to_string(),
        organization: None,
        owner: user_ref(&owner),
        region: regions::region_ref(),
        released_at: app.released_at.map(|at| at.to_api()),
        repo_size: app.repo_bytes,
        slug_size: slug.map(|slug| slug.bytes),
        space: None,
        stack: stacks::stack_ref(&app.stack),
        team: None,
        updated_at: app.updated_at.to_api(),
        web_url: Some(site.web_url(&app.name)),
    })
}

/// The caller's apps, and those that the caller is a collaborator of.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let shown: Result<Vec<_>, _> =
            tx.apps_open_to(call.caller.id)?.iter().map(|app| show(tx, call, app)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// `GET /users/{account}/apps`: the same; clients tell by the owner which are the caller's own.
pub(crate) async fn list_of_user(call: Call) -> Answer {
    check_self(&call)?;
    list(call).await
}

/// `POST /filters/apps`: those of the named apps that the caller may see.
pub(crate) async fn filter(call: Call, Json(filter): Json<wire::AppFilter>) -> Answer {
    let ids = filter.within.id;
    if ids.len() > FILTER_MAX {
        return Err(Problem::Invalid(format!("At most {FILTER_MAX} apps can be asked for at once.")));
    }
    call.read(move |tx, call| {
        let mut found = Vec::new();
        for id in &ids {
            match access::app(tx, &call.caller, id) {
                Ok(app) => found.push(show(tx, call, &app)?),
                Err(Problem::NotFound { .. }) => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(Reply::ok(&found))
    })
    .await
}

/// One app.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| Ok(Reply::ok(&show(tx, call, &call.app(tx)?)?))).await
}

/// Makes an app with its first two releases, as Heroku does: the first deploy is v3.
pub(crate) async fn create(call: Call, Json(request): Json<wire::AppRequest>) -> Answer {
    let wire::AppRequest { name, region, stack } = request;
    let name: Option<AppName> = name.map(|name| name.parse().map_err(Problem::invalid)).transpose()?;
    region.map_or(Ok(()), |region| regions::check(&region.0))?;
    stack.map_or(Ok(()), |stack| check_stack(&stack.0))?;
    call.write(move |tx, call, said| {
        let name = match &name {
            Some(name) => name.clone(),
            None => free_name(tx)?,
        };
        let hostname = call.server.cx.site.app_host(&name).map_err(Problem::invalid)?;
        let (owner, stack) = (call.caller.id, STACK.to_owned());
        let app = tx.create_app(&NewApp { name, owner, stack, hostname })?;
        for description in [event::initial_release(), event::enable_logplex()] {
            settled_release(tx, &app, description, said)?;
        }
        let app = tx.app(app.id)?.ok_or(StoreError::Missing { what: "app" })?;
        Ok(Reply::created(&show(tx, call, &app)?))
    })
    .await
}

fn free_name(tx: &Tx<'_>) -> Result<AppName, Problem> {
    for _ in 0..NAMES_TRIED_MAX {
        let name = AppName::generated(rand::random());
        if tx.app_by_identity(name.as_str())?.is_none() {
            return Ok(name);
        }
    }
    Err(Problem::Conflict("Could not find a free name. Please choose one.".to_owned()))
}

/// A release that is over at once, because there is nothing to run yet.
fn settled_release(tx: &Tx<'_>, app: &App, description: String, said: &mut Said) -> Result<(), Problem> {
    let new = NewRelease { app: app.id, slug: None, description, user: app.owner, runs_command: false };
    let release = tx.create_release(&new)?;
    tx.release_on(release.id, ReleaseEvent::Settle)?;
    said.released(&release);
    Ok(())
}

/// Renames an app, or turns maintenance mode on or off.
pub(crate) async fn update(call: Call, Json(change): Json<wire::AppChange>) -> Answer {
    let wire::AppChange { name, maintenance, build_stack } = change;
    let name: Option<AppName> = name.map(|name| name.parse().map_err(Problem::invalid)).transpose()?;
    build_stack.map_or(Ok(()), |stack| check_stack(&stack.0))?;
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        if let Some(name) = name.as_ref().filter(|name| **name != app.name) {
            access::check_owner(tx, &call.caller, &app, "rename it")?;
            let hostname = call.server.cx.site.app_host(name).map_err(Problem::invalid)?;
            tx.rename_app(app.id, name, &hostname)?;
        }
        if let Some(wire::Flag(on)) = maintenance {
            tx.set_maintenance(app.id, on)?;
        }
        let app = tx.app(app.id)?.ok_or(StoreError::Missing { what: "app" })?;
        Ok(Reply::ok(&show(tx, call, &app)?))
    })
    .await
}

fn check_stack(name: &str) -> Result<(), Problem> {
    let is_ours = [STACK, DEFAULT].contains(&name) || name == stacks::stack_ref(STACK).id;
    if is_ours { Ok(()) } else { Err(no_such_stack(name)) }
}

/// Destroys an app and everything it has. Its dynos, layers and repository are cleared away by whoever owns them,
/// once they see that the app is gone.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, said| {
        let app = call.own_app(tx, "destroy it")?;
        let shown = show(tx, call, &app)?;
        let elsewhere = call.server.cx.addons.destroy_all(tx, &app, &call.caller)?;
        elsewhere.iter().for_each(|release| said.released(release));
        tx.delete_app(app.id)?;
        said.forget(app.id);
        Ok(Reply::ok(&shown))
    })
    .await
}
