//! Who may see and change what: an app's owner everything, its collaborators all but what its owner alone decides
//! (as on Heroku), everybody else nothing, and nobody learns that it exists.

use model::addon::{Addon, Attachment};
use model::id::AppId;
use store::{Account, App, Tx};

use crate::error::Problem;

fn may_use(tx: &Tx<'_>, account: &Account, app: &App) -> Result<bool, Problem> {
    Ok(tx.role(account.id, app)?.is_some())
}

/// For what is not a collaborator's to do: destroy, rename or give away an app, destroy its add-ons.
pub(crate) fn check_owner(tx: &Tx<'_>, account: &Account, app: &App, what: &str) -> Result<(), Problem> {
    if app.owner == account.id {
        return Ok(());
    }
    let owner = tx.account(app.owner)?.map(|owner| owner.email.to_string()).unwrap_or_default();
    Err(Problem::Forbidden(format!("Only the owner of {} may {what}. It belongs to {owner}.", app.name)))
}

/// An app by id or name.
pub(crate) fn app(tx: &Tx<'_>, account: &Account, identity: &str) -> Result<App, Problem> {
    let missing = Problem::NotFound { resource: "app" };
    let Some(app) = tx.app_by_identity(identity)? else { return Err(missing) };
    if may_use(tx, account, &app)? { Ok(app) } else { Err(missing) }
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
        if may_use_app(tx, account, attachment.app)? {
            seen.push(attachment);
        }
    }
    Ok(seen)
}

fn may_use_addon(tx: &Tx<'_>, account: &Account, addon: &Addon) -> Result<bool, Problem> {
    may_use_app(tx, account, addon.app)
}

fn may_use_app(tx: &Tx<'_>, account: &Account, app: AppId) -> Result<bool, Problem> {
    let app = tx.app(app)?;
    app.map_or(Ok(false), |app| may_use(tx, account, &app))
}
