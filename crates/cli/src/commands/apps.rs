//! Apps.

mod create;
mod destroy;
mod info;
mod open;
mod rename;

use crate::args::apps::{Command, List};
use crate::context::Context;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(cx, args).await,
        Command::Create(args) => create::run(cx, args).await,
        Command::Info(args) => info::run(cx, args).await,
        Command::Destroy(args) => destroy::run(cx, args).await,
        Command::Rename(args) => rename::run(cx, args).await,
        Command::Open(args) => open::run(cx, args).await,
    }
}

async fn list(cx: &mut Context, args: List) -> anyhow::Result<()> {
    let apps: Vec<wire::App> = cx.client()?.list("/apps").await?;
    if args.json {
        return cx.env.screen.json(&apps);
    }
    if apps.is_empty() {
        cx.env.screen.note("You have no apps; `hokku create` makes one");
    }
    apps.iter().try_for_each(|app| cx.env.screen.say(&app.name))?;
    Ok(())
}
