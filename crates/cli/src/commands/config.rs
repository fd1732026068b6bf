//! Config vars.

mod edit;
mod get;
mod set;

use wire::ConfigVars;

use crate::args::config::{Command, List};
use crate::context::{Context, path};
use crate::table::facts;
use crate::terminal::Paint;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(cx, args).await,
        Command::Get(args) => get::run(cx, args).await,
        Command::Edit(app) => edit::run(cx, app).await,
        Command::Set(args) => set::set(cx, args).await,
        Command::Unset(args) => set::unset(cx, args).await,
    }
}

async fn list(cx: &mut Context, args: List) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.show.app)?;
    let vars: ConfigVars = client.get(&path(&["apps", &app, "config-vars"])).await?;
    if args.show.json {
        return cx.env.screen.json(&vars);
    }
    if args.shell {
        vars.iter().try_for_each(|(key, value)| cx.env.screen.say(format!("{key}={}", quoted(value))))?;
        return Ok(());
    }
    let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {app} Config Vars"));
    let told = facts(vars.iter().map(|(key, value)| (key.as_str(), value.clone())));
    Ok(cx.env.screen.say(format!("{heading}\n\n{told}"))?)
}

/// A value as one word of a shell.
fn quoted(value: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-./:,=@%+".contains(char);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}
