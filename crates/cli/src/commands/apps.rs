//! Apps.

mod create;
mod destroy;
mod info;
mod open;
mod rename;
mod transfer;

use crate::args::apps::{Command, List};
use crate::context::Context;
use crate::table::columns;
use crate::terminal::Paint;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(cx, args).await,
        Command::Create(args) => create::run(cx, args).await,
        Command::Info(args) => info::run(cx, args).await,
        Command::Destroy(args) => destroy::run(cx, args).await,
        Command::Rename(args) => rename::run(cx, args).await,
        Command::Transfer(args) => transfer::offer(cx, args).await,
        Command::Accept(args) => transfer::accept(cx, args).await,
        Command::Decline(args) => transfer::decline(cx, args).await,
        Command::Cancel(args) => transfer::cancel(cx, args).await,
        Command::Open(args) => open::run(cx, args).await,
    }
}

async fn list(cx: &mut Context, args: List) -> anyhow::Result<()> {
    let client = cx.client()?;
    let (account, apps): (wire::Account, Vec<wire::App>) =
        tokio::try_join!(client.get("/account"), client.list("/apps"))?;
    if args.json {
        return cx.env.screen.json(&apps);
    }
    if apps.is_empty() {
        cx.env.screen.note("You have no apps; `hokku create` makes one");
    }
    let (own, others): (Vec<_>, Vec<_>) = apps.iter().partition(|app| app.owner.id == account.id);
    own.iter().try_for_each(|app| cx.env.screen.say(&app.name))?;
    if !others.is_empty() {
        let heading = cx.env.screen.paint(Paint::Bold, "=== Collaborated Apps");
        let rows: Vec<_> = others.iter().map(|app| vec![app.name.clone(), app.owner.email.clone()]).collect();
        let gap = if own.is_empty() { "" } else { "\n" };
        cx.env.screen.say(format!("{gap}{heading}\n\n{}", columns(&rows)))?;
    }
    Ok(())
}
