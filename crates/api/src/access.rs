//! Who may see and change what: the owner his own, everybody else nothing, and nobody learns that it exists.

use model::addon::{Addon, Attachment};
use store::{Account, App, Tx};

use crate::error::Problem;

fn may_use(account: &Account, app: &App) -> bool {
    app.owner == account.id
}

/// An app by id or name.
pub(crate) fn app(tx: &Tx<'_>, account: &Account, identity: &str) -> Result<App, Problem> {
    tx.app_by_identity(identity)?
        .filter(|app| may_use(account, app))
        .ok_or(Problem::NotFound { resource: "app" })
}

/// An add-on by id or name.
pub(crate) fn addon(tx: &Tx<'_>, account: &Account, identity: &str) -> Result<Addon, Problem> {
    let missing = Problem::NotFound { resource: "add_on" };
    let Some(addon) = tx.addon_by_identity(identity)? else { return Err(missing) };
    if may_use_addon(tx, account, &addon)? { Ok(addon) } else { Err(missing) }
}

/// Every add-on the account may see, oldest first.
pub(crate) fn addons(tx: &Tx<'_>, account: &Account) -> Result<Vec<Addon>, Problem> {
    let mut seen = Vec::new();
    for addon in tx.addons()? {
        if may_use_addon(tx, account, &addon)? {
            seen.push(addon);
        }
    }
    Ok(seen)
}

/// Every attachment to an app the account may see, oldest first.
pub(crate) fn attachments(tx: &Tx<'_>, account: &Account) -> Result<Vec<Attachment>, Problem> {
    let mut seen = Vec::new();
    for attachment in tx.attachments()? {
        if tx.app(attachment.app)?.is_some_and(|app| may_use(account, &app)) {
            seen.push(attachment);
        }
    }
    Ok(seen)
}

fn may_use_addon(tx: &Tx<'_>, account: &Account, addon: &Addon) -> Result<bool, Problem> {
    Ok(tx.app(addon.app)?.is_some_and(|app| may_use(account, &app)))
}
