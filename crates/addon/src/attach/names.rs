//! What add-ons and attachments may be called, and are called when nobody says.

use model::addon::{Addon, POSTGRES, Plan, config_keys, generated_name};
use model::config_var::ConfigKey;
use model::id::{AddonId, AppId};
use store::{StoreError, Tx};

use super::RequestError;

/// The name of an app's first database, which sets `DATABASE_URL`.
const FIRST: &str = "DATABASE";
/// Longest name of an add-on or attachment, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// How often another generated name is tried; a collision is one in millions.
const TRIES_MAX: usize = 8;

/// Later databases are `HEROKU_POSTGRESQL_<COLOR>`.
pub(super) const COLORS: [&str; 31] = [
    "AMBER", "AQUA", "BLACK", "BLUE", "BRONZE", "BROWN", "CHARCOAL", "COBALT", "COPPER", "CRIMSON", "CYAN",
    "GOLD", "GRAY", "GREEN", "IVORY", "JADE", "MAROON", "MAUVE", "NAVY", "OLIVE", "ONYX", "ORANGE", "PINK",
    "PURPLE", "RED", "ROSE", "SILVER", "TEAL", "VIOLET", "WHITE", "YELLOW",
];

fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    // A name that reads as an id would be found in place of the add-on with that id.
    let is_id = name.parse::<AddonId>().is_ok();
    !is_id && starts && name.chars().all(inner) && name.len() <= NAME_CHARS_MAX
}

/// Gives an add-on another name.
///
/// # Errors
/// [`RequestError::BadName`], [`RequestError::NameTaken`], or the store's own.
pub fn rename(tx: &Tx<'_>, addon: &Addon, name: &str) -> Result<(), RequestError> {
    if !is_name(name) {
        return Err(RequestError::BadName);
    }
    tx.rename_addon(addon.id, name).map_err(|error| match error {
        StoreError::Taken { .. } => RequestError::NameTaken,
        other => RequestError::Store(other),
    })
}

pub(super) fn named_addon(
    tx: &Tx<'_>,
    app: AppId,
    plan: &'static Plan,
    name: &str,
) -> Result<Addon, RequestError> {
    if !is_name(name) {
        return Err(RequestError::BadName);
    }
    tx.create_addon(app, name, plan).map_err(|error| match error {
        StoreError::Taken { .. } => RequestError::NameTaken,
        other => RequestError::Store(other),
    })
}

pub(super) fn unnamed_addon(tx: &Tx<'_>, app: AppId, plan: &'static Plan) -> Result<Addon, RequestError> {
    for _ in 0..TRIES_MAX {
        match tx.create_addon(app, &generated_name(plan, rand::random()), plan) {
            Err(StoreError::Taken { .. }) => {}
            made => return Ok(made?),
        }
    }
    Err(RequestError::NameTaken)
}

/// The name the user chose, in capitals, if nothing else of the app has it.
pub(super) fn free_attachment(
    tx: &Tx<'_>,
    app: AppId,
    service: &str,
    name: &str,
) -> Result<String, RequestError> {
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
pub(super) fn choose_attachment(tx: &Tx<'_>, app: AppId, service: &str) -> Result<String, RequestError> {
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
