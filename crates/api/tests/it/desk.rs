//! An add-on desk over the store alone: what it asks for is there at once, and nothing runs.

use api::{AddonDesk, AddonRefusal, AddonWish, AttachWish, DatabaseLogin, DoneFuture, FactsFuture};
use model::addon::{Addon, AddonState, Attachment, generated_name};
use model::config_var::{ConfigKey, Secret};
use model::database::Database;
use model::release::Release;
use store::{Account, App, ConfigChange, NewRelease, StoreError, Tx};

/// Gives every add-on the same address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk;

pub(crate) const URL: &str = "postgres://user:secret@pg.example.com:5432/database";

fn released(tx: &Tx<'_>, app: &App, user: &Account, description: String) -> Result<Release, StoreError> {
    let (app, user) = (app.id, user.id);
    tx.create_release(&NewRelease { app, slug: None, description, user, runs_command: false })
}

fn set_url(tx: &Tx<'_>, attachment: &Attachment) -> Result<(), AddonRefusal> {
    let key = ConfigKey::of_platform(&format!("{}_URL", attachment.name))
        .map_err(|error| AddonRefusal::Invalid(error.to_string()))?;
    let change = ConfigChange::from([(key, Some(Secret::from(URL)))]);
    Ok(tx.change_config_vars(attachment.app, &change, Some(attachment.id))?)
}

impl AddonDesk for Desk {
    fn request(&self, tx: &Tx<'_>, wish: &AddonWish<'_>) -> Result<(Addon, Release), AddonRefusal> {
        let made_up = generated_name(wish.plan, tx.addons()?.len() as u64);
        let addon = tx.create_addon(wish.app.id, wish.name.unwrap_or(&made_up), wish.plan)?;
        let attachment =
            tx.create_attachment(addon.id, wish.app.id, wish.attachment.unwrap_or("DATABASE"))?;
        tx.set_addon_resource(addon.id, &Secret::from(URL))?;
        tx.set_addon_state(addon.id, AddonState::Provisioned)?;
        set_url(tx, &attachment)?;
        let attached = logs::event::attach(&attachment.name, &addon.name);
        let release = released(tx, wish.app, wish.user, attached)?;
        Ok((Addon { state: AddonState::Provisioned, ..addon }, release))
    }

    fn destroy(&self, tx: &Tx<'_>, addon: &Addon, user: &Account) -> Result<Vec<Release>, AddonRefusal> {
        let mut releases = Vec::new();
        for attachment in tx.attachments_of(addon.id)? {
            tx.delete_attachment(attachment.id)?;
            let app = tx.app(attachment.app)?.ok_or(StoreError::Missing { what: "app" })?;
            releases.push(released(tx, &app, user, logs::event::detach(&attachment.name, &addon.name))?);
        }
        tx.set_addon_state(addon.id, AddonState::Deprovisioning)?;
        Ok(releases)
    }

    fn destroy_all(&self, tx: &Tx<'_>, app: &App, user: &Account) -> Result<Vec<Release>, AddonRefusal> {
        for addon in tx.addons_of(app.id)? {
            self.destroy(tx, &addon, user)?;
        }
        Ok(Vec::new())
    }

    fn attach(&self, tx: &Tx<'_>, wish: &AttachWish<'_>) -> Result<(Attachment, Vec<Release>), AddonRefusal> {
        let name = wish.name.unwrap_or("HEROKU_POSTGRESQL_BLUE");
        let old = tx.attachments_to(wish.app.id)?.into_iter().find(|attachment| attachment.name == name);
        if let Some(old) = old {
            if !wish.replaces {
                return Err(AddonRefusal::NeedsConfirmation(format!("{name} will be replaced.")));
            }
            tx.delete_attachment(old.id)?;
        }
        let attachment = tx.create_attachment(wish.addon.id, wish.app.id, name)?;
        set_url(tx, &attachment)?;
        let description = logs::event::attach(&attachment.name, &wish.addon.name);
        let release = released(tx, wish.app, wish.user, description)?;
        Ok((attachment, vec![release]))
    }

    fn detach(&self, tx: &Tx<'_>, attachment: &Attachment, user: &Account) -> Result<Release, AddonRefusal> {
        let app = tx.app(attachment.app)?.ok_or(StoreError::Missing { what: "app" })?;
        tx.delete_attachment(attachment.id)?;
        Ok(released(tx, &app, user, format!("Detach {}", attachment.name))?)
    }

    fn rename(&self, tx: &Tx<'_>, addon: &Addon, name: &str) -> Result<(), AddonRefusal> {
        Ok(tx.rename_addon(addon.id, name)?)
    }

    fn login(&self, _: &Secret) -> Result<DatabaseLogin, AddonRefusal> {
        Ok(DatabaseLogin {
            host: "pg.example.com".to_owned(),
            port: 5432,
            database: "database".to_owned(),
            user: "user".to_owned(),
            password: Secret::from("secret"),
        })
    }

    fn disconnect<'a>(&'a self, _: &'a Addon) -> DoneFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    fn facts<'a>(&'a self, addon: &'a Addon, _: &'a Database) -> FactsFuture<'a> {
        Box::pin(async move {
            let fact = |name: &str, value: &str| wire::DatabaseFact {
                name: name.to_owned(),
                values: vec![value.to_owned()],
            };
            Ok(vec![
                fact("Plan", addon.plan.human_name),
                fact("Status", "Available"),
                fact("Connections", "0/20"),
            ])
        })
    }
}
