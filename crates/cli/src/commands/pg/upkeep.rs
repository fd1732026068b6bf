//! `pg:wait`, `pg:reset`, `pg:killall`.

use std::time::Duration;

use wire::{DatabaseMessage, DatabaseReset, Empty, WaitStatus};

use crate::args::pg::{Destructive, One};
use crate::commands::addons;
use crate::context::{Context, path};
use crate::words::Problem;

/// How often is looked whether it can be used, and for how long.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(600);

pub(super) async fn wait(cx: &mut Context, args: One) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = addons::find(&client, &app, &args.database).await?;
    cx.env.screen.start(format!("Waiting for {}", addon.name));
    let at = path(&["client", "v11", "databases", &addon.id, "wait_status"]);
    let waiting = async {
        loop {
            let status: WaitStatus = client.get(&at).await?;
            if !status.waiting {
                return Ok::<_, anyhow::Error>(status.message);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let late = || Problem::StillWaiting { name: addon.name.clone(), waited: WAIT_MAX };
    let message = tokio::time::timeout(WAIT_MAX, waiting).await.map_err(|_| late())??;
    cx.env.screen.done(&message);
    Ok(())
}

pub(super) async fn reset(cx: &mut Context, args: Destructive) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.one.app)?;
    let addon = addons::find(&client, &app, &args.one.database).await?;
    let warning = format!("This deletes everything in {}.", addon.name);
    cx.confirm(&app, args.confirm.as_deref(), &warning)?;
    cx.env.screen.start(format!("Resetting {}", addon.name));
    let at = path(&["client", "v11", "databases", &addon.id, "reset"]);
    client.put::<DatabaseMessage>(&at, &DatabaseReset::default()).await?;
    cx.env.screen.done("");
    Ok(())
}

pub(super) async fn killall(cx: &mut Context, args: One) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = addons::find(&client, &app, &args.database).await?;
    cx.env.screen.start(format!("Ending all connections to {}", addon.name));
    let at = path(&["client", "v11", "databases", &addon.id, "connection_reset"]);
    client.post::<DatabaseMessage>(&at, &Empty {}).await?;
    cx.env.screen.done("");
    Ok(())
}
