//! Asking for add-ons and letting go of them: pure store work, for the API's own transactions.
//!
//! Each function makes the releases that come with it and returns them; their log lines are the caller's, after
//! the commit.

use logs::event;
use model::addon::{Addon, AddonState, Attachment, Plan};
use model::config_var::{ConfigKey, Secret};
use model::id::{AccountId, AddonId, AppId};
use model::release::Release;
use store::{ConfigChange, NewRelease, StoreError, Tx};

pub use self::names::{NAME_CHARS_MAX, rename};
use self::names::{choose_attachment, free_attachment, named_addon, unnamed_addon};
use crate::service::{BadResource, DataService};

mod names;

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

/// An attachment that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Attach<'a> {
    /// The add-on.
    pub addon: &'a Addon,
    /// The app whose config it is to set.
    pub app: AppId,
    /// The attachment's name, in any case; chosen otherwise.
    pub name: Option<&'a str>,
    /// Whether an attachment of that name may be replaced.
    pub replaces: bool,
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
    /// An attachment of that name would have to make room, which the user has not agreed to.
    #[error(
        "The app already has an attachment {name}, of {addon}. It will be replaced; confirm that with the app's name."
    )]
    NeedsConfirmation {
        /// The attachment's name.
        name: String,
        /// The add-on that is attached under it.
        addon: String,
    },
    /// The add-on is attached so already.
    #[error("{addon} is already attached to the app as {name}")]
    AlreadyAttached {
        /// The add-on.
        addon: String,
        /// The attachment's name.
        name: String,
    },
    /// The app that owns an add-on keeps one attachment of it.
    #[error(
        "Cannot destroy last attachment to billing app for resource {addon}. To remove it with all its data: \
         heroku addons:destroy {addon}"
    )]
    LastAttachment {
        /// The add-on.
        addon: String,
    },
    /// The add-on is being destroyed.
    #[error("{addon} is being destroyed")]
    Going {
        /// The add-on.
        addon: String,
    },
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

/// Attaches an add-on to an app. An attachment in its place makes room if `replaces`; both changes take effect in one
/// step, so that no release of the app is without the config vars. Returns the releases, oldest first.
///
/// # Errors
/// [`RequestError`]; the transaction must then not be committed.
pub fn attach(
    tx: &Tx<'_>,
    wish: &Attach<'_>,
    service: &dyn DataService,
) -> Result<(Attachment, Vec<Release>), RequestError> {
    let Attach { addon, app, name, replaces, user } = *wish;
    if addon.state == AddonState::Deprovisioning {
        return Err(RequestError::Going { addon: addon.name.clone() });
    }
    let mut releases = Vec::new();
    let mut release = |description, runs_command| {
        let new = NewRelease { app, slug: None, description, user, runs_command };
        tx.create_release(&new).map(|release| releases.push(release))
    };
    let old = name.map(|name| attached_as(tx, app, name)).transpose()?.flatten();
    if let Some(old) = old {
        let holder = may_make_room(tx, &old, addon, replaces)?;
        // Made before anything is changed: should its dynos ever serve, they still have what they need.
        release(event::detach(&old.name, &holder), false)?;
        tx.delete_attachment(old.id)?;
    }
    let name = match name {
        Some(name) => free_attachment(tx, app, addon.plan.service, name)?,
        None => choose_attachment(tx, app, addon.plan.service)?,
    };
    let attachment = tx.create_attachment(addon.id, app, &name)?;
    if let Some(resource) = addon.resource.as_ref().filter(|_| addon.state == AddonState::Provisioned) {
        set_values(tx, &attachment, resource, service)?;
    }
    release(event::attach(&name, &addon.name), true)?;
    Ok((attachment, releases))
}

fn attached_as(tx: &Tx<'_>, app: AppId, name: &str) -> Result<Option<Attachment>, StoreError> {
    let attachments = tx.attachments_to(app)?;
    Ok(attachments.into_iter().find(|attachment| attachment.name.eq_ignore_ascii_case(name)))
}

/// Whether an attachment may be taken away for one of another add-on; returns the name of the add-on that it is of.
fn may_make_room(tx: &Tx<'_>, old: &Attachment, by: &Addon, replaces: bool) -> Result<String, RequestError> {
    let holder = tx.addon(old.addon)?.ok_or(StoreError::Missing { what: "add-on" })?;
    let name = old.name.clone();
    if holder.id == by.id {
        return Err(RequestError::AlreadyAttached { addon: by.name.clone(), name });
    }
    if !replaces {
        return Err(RequestError::NeedsConfirmation { name, addon: holder.name });
    }
    keep_last(tx, old, &holder)?;
    Ok(holder.name)
}

/// Detaches an add-on from an app, with a release of it.
///
/// # Errors
/// [`RequestError::LastAttachment`], or the store's own.
pub fn detach(tx: &Tx<'_>, attachment: &Attachment, user: AccountId) -> Result<Release, RequestError> {
    let addon = tx.addon(attachment.addon)?.ok_or(StoreError::Missing { what: "add-on" })?;
    keep_last(tx, attachment, &addon)?;
    tx.delete_attachment(attachment.id)?;
    Ok(tx.create_release(&NewRelease {
        app: attachment.app,
        slug: None,
        description: event::detach(&attachment.name, &addon.name),
        user,
        runs_command: true,
    })?)
}

/// Without an attachment to its owner an add-on could not be found any more.
fn keep_last(tx: &Tx<'_>, attachment: &Attachment, addon: &Addon) -> Result<(), RequestError> {
    let others = tx.attachments_of(addon.id)?;
    let stays = others.iter().any(|it| it.app == addon.app && it.id != attachment.id);
    if attachment.app == addon.app && !stays {
        return Err(RequestError::LastAttachment { addon: addon.name.clone() });
    }
    Ok(())
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

#[cfg(test)]
mod tests;
