//! `addons:destroy`.

use wire::{Addon, AddonDestruction, Flag};

use crate::args::addons::Destroy;
use crate::context::{Context, path};

pub(super) async fn run(cx: &mut Context, args: Destroy) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = super::find(&client, &app, &args.addon).await?;
    let warning = format!("This destroys {} with everything in it, and restarts {app}.", addon.name);
    cx.confirm(&app, args.confirm.as_deref(), &warning)?;
    cx.env.screen.start(format!("Destroying {} on {app}", addon.name));
    let at = path(&["apps", &addon.app.id, "addons", &addon.id]);
    client.delete_with::<Addon>(&at, &AddonDestruction { force: Some(Flag(args.force)) }).await?;
    cx.env.screen.done("");
    Ok(())
}
