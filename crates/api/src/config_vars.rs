//! Config vars.

use std::collections::BTreeMap;

use logs::event;
use model::addon::config_keys;
use model::config_var::{self, ConfigKey, ConfigVars, Secret};
use model::release::ReleaseVersion;
use store::{App, ConfigChange, NewRelease, Tx};

use crate::body::Json;
use crate::call::Call;
use crate::error::{Problem, config_too_large, holds_nul, owned_by_addon};
use crate::reply::{Answer, Reply};

fn show(vars: &ConfigVars) -> wire::ConfigVars {
    vars.iter().map(|(key, value)| (key.to_string(), value.expose_secret().to_owned())).collect()
}

/// An app's present config vars.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        Ok(Reply::ok(&show(&tx.config_vars(app.id)?)))
    })
    .await
}

/// The config vars that a release was made with.
pub(crate) async fn of_release(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let release = crate::releases::find(tx, &app, call.param("release"))?;
        Ok(Reply::ok(&show(&tx.release_config(release.id)?)))
    })
    .await
}

/// Sets and removes config vars, which makes a release.
pub(crate) async fn update(call: Call, Json(asked): Json<wire::ConfigVarsChange>) -> Answer {
    call.write(move |tx, call, said| {
        let app = call.app(tx)?;
        let change = plan(tx, &app, asked)?;
        if !change.is_empty() {
            tx.change_config_vars(app.id, &change, None)?;
            let description = describe(&change);
            let user = call.caller.id;
            let new = NewRelease { app: app.id, slug: None, description, user, runs_command: true };
            said.released(&tx.create_release(&new)?);
        }
        let vars = tx.config_vars(app.id)?;
        if config_var::bytes(&vars) > config_var::BYTES_MAX {
            return Err(config_too_large(config_var::BYTES_MAX));
        }
        Ok(Reply::ok(&show(&vars)))
    })
    .await
}

/// What is to be changed of what was asked. `config:edit` sends every var back, so values that stay are left out,
/// unless all of them stay: then the release was asked for as such.
fn plan(tx: &Tx<'_>, app: &App, asked: wire::ConfigVarsChange) -> Result<ConfigChange, Problem> {
    let present = tx.config_vars(app.id)?;
    let attached = attached_keys(tx, app)?;
    let mut changed = ConfigChange::new();
    let mut same = ConfigChange::new();
    for (key, value) in asked {
        let value = value.filter(|value| !value.is_empty()).map(Secret::new);
        let key = ConfigKey::of_platform(&key).map_err(Problem::invalid)?;
        if value.as_ref().is_some_and(|value| value.expose_secret().contains('\0')) {
            return Err(holds_nul(&format!("The value of {key}")));
        }
        let is_same = present.get(&key) == value.as_ref();
        if let Some(addon) = attached.get(&key) {
            if !is_same {
                return Err(owned_by_addon(key.as_str(), addon));
            }
        } else if !is_same {
            if value.is_some() {
                key.as_str().parse::<ConfigKey>().map_err(Problem::invalid)?;
            }
            changed.insert(key, value);
        } else if value.is_some() {
            same.insert(key, value);
        }
    }
    Ok(if changed.is_empty() { same } else { changed })
}

/// The keys that belong to add-ons, also those that have no values yet, with the add-on's name.
fn attached_keys(tx: &Tx<'_>, app: &App) -> Result<BTreeMap<ConfigKey, String>, Problem> {
    let mut keys = BTreeMap::new();
    for attachment in tx.attachments_to(app.id)? {
        let Some(addon) = tx.addon(attachment.addon)? else { continue };
        let reserved = config_keys(addon.plan.service, &attachment.name).unwrap_or_default();
        keys.extend(reserved.into_iter().map(|key| (key, addon.name.clone())));
    }
    Ok(keys)
}

/// `Set FOO, BAR config vars`; both kinds of change are told one after the other.
fn describe(change: &ConfigChange) -> String {
    let keys = |set: bool| -> Vec<&str> {
        change.iter().filter(|(_, value)| value.is_some() == set).map(|(key, _)| key.as_str()).collect()
    };
    match (keys(true).as_slice(), keys(false).as_slice()) {
        (set, []) => event::set_config_vars(set),
        ([], removed) => event::remove_config_vars(removed),
        (set, removed) => {
            format!("{}, {}", event::set_config_vars(set), event::remove_config_vars(removed))
        }
    }
}

/// A release back to older config vars: those of add-ons stay as they are now.
pub(crate) fn restore(tx: &Tx<'_>, app: &App, to: ReleaseVersion) -> Result<(), Problem> {
    let release = tx.release_by_version(app.id, to)?.ok_or(Problem::NotFound { resource: "release" })?;
    let config = tx.release_own_config(release.id)?;
    Ok(tx.replace_own_config_vars(app.id, &config)?)
}
