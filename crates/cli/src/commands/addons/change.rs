//! `addons:upgrade` and `addons:rename`.

use wire::{Addon, AddonChange, Named};

use crate::args::addons::{Rename, Upgrade};
use crate::context::{Context, path};

pub(super) async fn upgrade(cx: &mut Context, args: Upgrade) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = super::find(&client, &app, &args.addon).await?;
    let plan = match args.plan.split_once(':') {
        Some(_) => args.plan,
        None => format!("{}:{}", addon.addon_service.name, args.plan),
    };
    cx.env.screen.start(format!("Changing {} from {} to {plan}", addon.name, super::plan(&addon)));
    let change = AddonChange { plan: Some(Named(plan)), name: None };
    client.patch::<Addon>(&path(&["apps", &addon.app.id, "addons", &addon.id]), &change).await?;
    cx.env.screen.done("");
    Ok(())
}

pub(super) async fn rename(cx: &mut Context, args: Rename) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = super::find(&client, &app, &args.addon).await?;
    cx.env.screen.start(format!("Renaming {} to {}", addon.name, args.name));
    let change = AddonChange { plan: None, name: Some(args.name) };
    client.patch::<Addon>(&path(&["apps", &addon.app.id, "addons", &addon.id]), &change).await?;
    cx.env.screen.done("");
    Ok(())
}
