//! Who you are.

mod login;
mod logout;

use crate::args::account::Command;
use crate::context::Context;
use crate::words::Problem;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Login(args) => login::run(cx, args).await,
        Command::Logout => logout::run(cx).await,
        Command::Whoami => whoami(cx).await,
        Command::Token => token(cx),
    }
}

async fn whoami(cx: &mut Context) -> anyhow::Result<()> {
    let account: wire::Account = cx.client()?.get("/account").await?;
    Ok(cx.env.screen.say(account.email)?)
}

fn token(cx: &mut Context) -> anyhow::Result<()> {
    let server = cx.server()?;
    let token = server.token.ok_or(Problem::NotLoggedIn { url: server.url })?;
    Ok(cx.env.screen.say(token)?)
}
