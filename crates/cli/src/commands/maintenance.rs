//! Maintenance mode.

use wire::{App, AppChange, Flag};

use crate::args::AppChoice;
use crate::args::maintenance::Command;
use crate::context::{Context, path};

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Show(app) => show(cx, app).await,
        Command::On(app) => set(cx, app, true).await,
        Command::Off(app) => set(cx, app, false).await,
    }
}

async fn show(cx: &mut Context, app: AppChoice) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app: App = client.get(&path(&["apps", &cx.app(&app)?])).await?;
    Ok(cx.env.screen.say(if app.maintenance { "on" } else { "off" })?)
}

async fn set(cx: &mut Context, app: AppChoice, on: bool) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&app)?;
    let (doing, change) = if on { ("Enabling", true) } else { ("Disabling", false) };
    cx.env.screen.start(format!("{doing} maintenance mode for {app}"));
    let change = AppChange { maintenance: Some(Flag(change)), ..AppChange::default() };
    client.patch::<App>(&path(&["apps", &app]), &change).await?;
    cx.env.screen.done("");
    Ok(())
}
