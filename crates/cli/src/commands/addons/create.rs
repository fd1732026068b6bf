//! `addons:create` and `addons:wait`.

use std::collections::BTreeMap;
use std::time::Duration;

use wire::{Addon, AddonRequest, Client, Named, NewAttachmentName};

use crate::args::addons::{Create, Wait};
use crate::context::{Context, path};
use crate::words::Problem;

/// How often is looked whether it can be used, and for how long.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(600);
const PROVISIONING: &str = "provisioning";

pub(super) async fn run(cx: &mut Context, args: Create) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Creating {} on {app}", args.plan));
    let request = AddonRequest {
        plan: Named(args.plan),
        attachment: args.attachment.map(|name| NewAttachmentName { name: Some(name) }),
        name: args.name,
        confirm: None,
        config: BTreeMap::new(),
    };
    let mut addon: Addon = client.post(&path(&["apps", &app, "addons"]), &request).await?;
    if args.wait && addon.state == PROVISIONING {
        addon = provisioned(&client, &app, &addon.name).await?;
    }
    cx.env.screen.done("");
    let vars = addon.config_vars.join(", ");
    if addon.state == PROVISIONING {
        cx.env.screen.note(format!(
            "{} is being created in the background; the app restarts when it is there",
            addon.name
        ));
        cx.env.screen.note("`hokku addons` shows its state");
    } else {
        cx.env.screen.note(format!("Created {} as {vars}", addon.name));
    }
    Ok(cx.env.screen.say(addon.name)?)
}

pub(super) async fn wait(cx: &mut Context, args: Wait) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = super::find(&client, &app, &args.addon).await?;
    cx.env.screen.start(format!("Waiting for {}", addon.name));
    let addon = provisioned(&client, &addon.app.id, &addon.id).await?;
    cx.env.screen.done(&addon.state);
    Ok(())
}

async fn provisioned(client: &Client, app: &str, name: &str) -> anyhow::Result<Addon> {
    let wait = async {
        loop {
            let addon: Addon = client.get(&path(&["apps", app, "addons", name])).await?;
            if addon.state != PROVISIONING {
                return Ok(addon);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let late = || Problem::StillWaiting { name: name.to_owned(), waited: WAIT_MAX };
    tokio::time::timeout(WAIT_MAX, wait).await.map_err(|_| late())?
}
