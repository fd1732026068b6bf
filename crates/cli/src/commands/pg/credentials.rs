//! `pg:credentials` and what changes them.

use wire::{Client, CredentialRotation, DatabaseCredential, Empty, Flag};

use crate::args::pg::{One, Rotate};
use crate::commands::addons;
use crate::context::{Context, path};
use crate::table::columns;
use crate::words::Problem;

/// The one that apps get.
const DEFAULT: &str = "default";

fn at(addon: &str, rest: &[&str]) -> String {
    let mut parts = vec!["postgres", "v0", "databases", addon, "credentials"];
    parts.extend(rest);
    path(&parts)
}

pub(super) async fn list(cx: &mut Context, args: One) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = addons::find(&client, &app, &args.database).await?;
    let credentials: Vec<DatabaseCredential> = client.list(&at(&addon.id, &[])).await?;
    let mut rows = vec![["Credential", "User", "State"].map(str::to_owned).to_vec()];
    for credential in credentials {
        let users = credential.credentials.into_iter();
        rows.extend(users.map(|user| vec![credential.name.clone(), user.user, user.state]));
    }
    Ok(cx.env.screen.say(columns(&rows))?)
}

pub(super) async fn url(cx: &mut Context, args: One) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = addons::find(&client, &app, &args.database).await?;
    let url = active_url(&client, &addon.id).await?.ok_or_else(|| Problem::Missing {
        what: format!("{} has no address", addon.name),
        hint: "`hokku addons` shows its state",
    })?;
    Ok(cx.env.screen.say(url)?)
}

async fn active_url(client: &Client, addon: &str) -> anyhow::Result<Option<String>> {
    let credential: DatabaseCredential = client.get(&at(addon, &[DEFAULT])).await?;
    let DatabaseCredential { host, port, database, credentials, .. } = credential;
    let active = credentials.into_iter().find(|user| user.state == "active");
    Ok(active.and_then(|user| {
        let password = user.password?;
        Some(format!("postgres://{}:{password}@{host}:{port}/{database}", user.user))
    }))
}

pub(super) async fn rotate(cx: &mut Context, args: Rotate) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.one.app)?;
    let addon = addons::find(&client, &app, &args.one.database).await?;
    cx.env.screen.start(format!("Rotating the credentials of {}", addon.name));
    let rotation = CredentialRotation { forced: args.force.then_some(Flag(true)) };
    client.post::<Empty>(&at(&addon.id, &[DEFAULT, "credentials_rotation"]), &rotation).await?;
    cx.env.screen.done("");
    cx.env
        .screen
        .note("the apps restart with the new ones; `hokku pg:credentials` shows when the old ones are gone");
    Ok(())
}
