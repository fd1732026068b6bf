//! Asking for add-ons and letting go of them: pure store work, for the API's own transactions.
//!
//! Each function makes the releases that come with it and returns them; their log lines are the caller's, after
//! the commit.

use logs::event;
use model::addon::{Addon, AddonState, Attachment, POSTGRES, Plan, config_keys, generated_name};
use model::config_var::{ConfigKey, Secret};
use model::id::{AccountId, AddonId, AppId};
use model::release::Release;
use store::{ConfigChange, NewRelease, StoreError, Tx};

use crate::service::{BadResource, DataService};

/// The name of an app's first database, which sets `DATABASE_URL`.
const FIRST: &str = "DATABASE";
/// Longest name of an add-on or attachment, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// How often another generated name is tried; a collision is one in millions.
const TRIES_MAX: usize = 8;

/// Later databases are `HEROKU_POSTGRESQL_<COLOR>`.
const COLORS: [&str; 31] = [
    "AMBER", "AQUA", "BLACK", "BLUE", "BRONZE", "BROWN", "CHARCOAL", "COBALT", "COPPER", "CRIMSON", "CYAN",
    "GOLD", "GRAY", "GREEN", "IVORY", "JADE", "MAROON", "MAUVE", "NAVY", "OLIVE", "ONYX", "ORANGE", "PINK",
    "PURPLE", "RED", "ROSE", "SILVER", "TEAL", "VIOLET", "WHITE", "YELLOW",
];

/// An add-on that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The app that will own it.
    pub app: AppId,
    /// What it shall give.
    pub plan: &'static Plan,
    /// Its name; one is made up otherwise.
    pub name: Option<&'a str>,
    /// The attachment's name, in any case; chosen otherwise.
    pub attachment: Option<&'a str>,
    /// Who wants it.
    pub user: AccountId,
}

/// What a request wrote down.
#[derive(Debug, Clone)]
pub struct Requested {
    /// The add-on; the stage provisions it.
    pub addon: Addon,
    /// Its place in the app's config; the var itself comes when it is provisioned.
    pub attachment: Attachment,
    /// `Attach DATABASE (@ref:…)`.
    pub release: Release,
}

/// Why a request is refused; the texts are what API clients show.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The add-on's name cannot be one.
    #[error(
        "Name must start with a letter and can only contain letters, digits, dashes and underscores (at most {NAME_CHARS_MAX})"
    )]
    BadName,
    /// The add-on's name is in use.
    #[error("Name is already taken")]
    NameTaken,
    /// The attachment's name cannot be one.
    #[error(
        "Attachment name must start with a letter and can only contain letters, digits and underscores (at most {NAME_CHARS_MAX})"
    )]
    BadAttachment,
    /// The app has an attachment or a config var of that name.
    #[error("The app already has {key}. Choose another name with --as, or remove that config var first.")]
    AttachmentTaken {
        /// The config var that both would set.
        key: ConfigKey,
    },
    /// Every name for one more attachment is in use.
    #[error("The app has as many add-ons of this kind as there are names for")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes down an add-on, its attachment to its owner, and the release that comes with it.
///
/// # Errors
/// [`RequestError`]; the transaction must then not be committed.
pub fn request(tx: &Tx<'_>, request: &Request<'_>) -> Result<Requested, RequestError> {
    let Request { app, plan, name, attachment, user } = *request;
    let attachment = match attachment {
        Some(name) => free_attachment(tx, app, plan.service, name)?,
        None => choose_attachment(tx, app, plan.service)?,
    };
    let addon = match name {
        Some(name) => named_addon(tx, app, plan, name)?,
        None => unnamed_addon(tx, app, plan)?,
    };
    let attachment = tx.create_attachment(addon.id, app, &attachment)?;
    let release = tx.create_release(&NewRelease {
        app,
        slug: None,
        description: event::attach(&attachment.name, &addon.name),
        user,
        runs_command: true,
    })?;
    Ok(Requested { addon, attachment, release })
}

/// Writes down that an add-on is to go. Its attachments and their config vars go at once, each with a release of
/// its app; the stage removes what it holds. Doing it again changes nothing.
///
/// # Errors
/// Only the store's own.
pub fn destroy(tx: &Tx<'_>, addon: &Addon, user: AccountId) -> Result<Vec<Release>, StoreError> {
    let mut releases = Vec::new();
    for attachment in tx.attachments_of(addon.id)? {
        tx.delete_attachment(attachment.id)?;
        releases.push(tx.create_release(&NewRelease {
            app: attachment.app,
            slug: None,
            description: event::detach(&attachment.name, &addon.name),
            user,
            runs_command: true,
        })?);
    }
    tx.set_addon_state(addon.id, AddonState::Deprovisioning)?;
    Ok(releases)
}

/// Lets go of everything an app owns, so that it can be deleted in the same transaction: the add-ons outlive it
/// until the stage has removed what they hold. Returns the releases of *other* apps that used them.
///
/// # Errors
/// Only the store's own.
pub fn destroy_all(tx: &Tx<'_>, app: AppId, user: AccountId) -> Result<Vec<Release>, StoreError> {
    // The app's own attachments need no release: it goes away.
    for attachment in tx.attachments_to(app)? {
        tx.delete_attachment(attachment.id)?;
    }
    let mut releases = Vec::new();
    for addon in tx.addons_of(app)? {
        releases.extend(destroy(tx, &addon, user)?);
    }
    Ok(releases)
}

/// A release that the stage made, with what is said of it in the app's log.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) release: Release,
    pub(crate) line: String,
    pub(crate) user: String,
}

/// The add-on is there: gives its values to all apps it is attached to. Nothing happens when it was destroyed
/// meanwhile, or was provisioned already.
pub(crate) fn provisioned(
    tx: &Tx<'_>,
    id: AddonId,
    resource: &Secret,
    service: &dyn DataService,
) -> Result<Vec<Announced>, StoreError> {
    let Some(addon) = tx.addon(id)?.filter(|addon| addon.state == AddonState::Provisioning) else {
        return Ok(Vec::new());
    };
    tx.set_addon_state(id, AddonState::Provisioned)?;
    give_values(tx, id, resource, service, |_, keys, user| {
        let description = event::provisioned(&addon.name, keys);
        let line = event::by_user(&description, user);
        (description, line)
    })
}

/// The add-on has another address or other keys: all apps it is attached to get them.
pub(crate) fn updated(
    tx: &Tx<'_>,
    id: AddonId,
    resource: &Secret,
    service: &dyn DataService,
) -> Result<Vec<Announced>, StoreError> {
    let Some(addon) = tx.addon(id)? else { return Ok(Vec::new()) };
    give_values(tx, id, resource, service, |attachment, _, _| {
        let description = event::updated_by_addon(&attachment.name, addon.plan.service);
        (description.clone(), description)
    })
}

/// Sets the config vars of all attachments, with a release each. `say` words the release's description and the
/// log line, of the attachment, its keys and the name of the app's owner.
fn give_values(
    tx: &Tx<'_>,
    id: AddonId,
    resource: &Secret,
    service: &dyn DataService,
    say: impl Fn(&Attachment, &[&str], &str) -> (String, String),
) -> Result<Vec<Announced>, StoreError> {
    let mut announced = Vec::new();
    for attachment in tx.attachments_of(id)? {
        let app = tx.app(attachment.app)?.ok_or(StoreError::Missing { what: "app" })?;
        let user = tx.account(app.owner)?.ok_or(StoreError::Missing { what: "account" })?.email.to_string();
        let keys = set_values(tx, &attachment, resource, service)?;
        let names: Vec<&str> = keys.iter().map(ConfigKey::as_str).collect();
        let (description, line) = say(&attachment, &names, &user);
        let release = tx.create_release(&NewRelease {
            app: app.id,
            slug: None,
            description,
            user: app.owner,
            runs_command: false,
        })?;
        announced.push(Announced { release, line, user });
    }
    Ok(announced)
}

/// Sets the config vars of an attachment; returns their keys.
fn set_values(
    tx: &Tx<'_>,
    attachment: &Attachment,
    resource: &Secret,
    service: &dyn DataService,
) -> Result<Vec<ConfigKey>, StoreError> {
    let broken = |error: BadResource| StoreError::Broken { what: "add-on", detail: error.to_string() };
    let values = service.values(resource, &attachment.name).map_err(broken)?;
    let keys = values.keys().cloned().collect();
    let change: ConfigChange = values.into_iter().map(|(key, value)| (key, Some(value))).collect();
    tx.change_config_vars(attachment.app, &change, Some(attachment.id))?;
    Ok(keys)
}

fn named_addon(tx: &Tx<'_>, app: AppId, plan: &'static Plan, name: &str) -> Result<Addon, RequestError> {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    // A name that reads as an id would be found in place of the add-on with that id.
    let is_id = name.parse::<AddonId>().is_ok();
    if is_id || !starts || !name.chars().all(inner) || name.len() > NAME_CHARS_MAX {
        return Err(RequestError::BadName);
    }
    tx.create_addon(app, name, plan).map_err(|error| match error {
        StoreError::Taken { .. } => RequestError::NameTaken,
        other => RequestError::Store(other),
    })
}

fn unnamed_addon(tx: &Tx<'_>, app: AppId, plan: &'static Plan) -> Result<Addon, RequestError> {
    for _ in 0..TRIES_MAX {
        match tx.create_addon(app, &generated_name(plan, rand::random()), plan) {
            Err(StoreError::Taken { .. }) => {}
            made => return Ok(made?),
        }
    }
    Err(RequestError::NameTaken)
}

/// The name the user chose, in capitals, if nothing else of the app has it.
fn free_attachment(tx: &Tx<'_>, app: AppId, service: &str, name: &str) -> Result<String, RequestError> {
    let name = name.to_ascii_uppercase();
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let keys = config_keys(service, &name).filter(|_| starts && name.len() <= NAME_CHARS_MAX);
    let keys = keys.ok_or(RequestError::BadAttachment)?;
    match taken(tx, app, &name, &keys)? {
        None => Ok(name),
        Some(key) => Err(RequestError::AttachmentTaken { key }),
    }
}

/// `DATABASE`, or a colour's name when the app has that already, be it a var of its own; other services' attachments
/// are called like the service (`BUCKETEER`).
fn choose_attachment(tx: &Tx<'_>, app: AppId, service: &str) -> Result<String, RequestError> {
    let (first, more) = if service == POSTGRES {
        (FIRST.to_owned(), "HEROKU_POSTGRESQL".to_owned())
    } else {
        let name = service.to_ascii_uppercase().replace('-', "_");
        (name.clone(), name)
    };
    let start = rand::random::<u8>() as usize % COLORS.len();
    let colors = COLORS.iter().cycle().skip(start).take(COLORS.len());
    let names = colors.map(|color| format!("{more}_{color}"));
    for name in std::iter::once(first).chain(names) {
        let keys = config_keys(service, &name).ok_or(RequestError::BadAttachment)?;
        if taken(tx, app, &name, &keys)?.is_none() {
            return Ok(name);
        }
    }
    Err(RequestError::TooMany)
}

/// The config var that keeps an attachment from having this name.
fn taken(tx: &Tx<'_>, app: AppId, name: &str, keys: &[ConfigKey]) -> Result<Option<ConfigKey>, StoreError> {
    let vars = tx.config_vars(app)?;
    let is_attached = tx.attachments_to(app)?.iter().any(|attachment| attachment.name == name);
    let clash = keys.iter().find(|key| is_attached || vars.contains_key(*key));
    Ok(clash.cloned())
}

#[cfg(test)]
mod tests;
