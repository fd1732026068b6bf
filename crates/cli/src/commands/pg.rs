//! Postgres.

mod credentials;
mod info;
mod promote;
mod psql;
mod sessions;
mod upkeep;

use crate::args::pg::Command;
use crate::context::Context;

/// The service whose add-ons are Postgres databases.
const SERVICE: &str = "heroku-postgresql";

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Info(args) => info::run(cx, args).await,
        Command::Psql(args) => psql::run(cx, args).await,
        Command::Wait(args) => upkeep::wait(cx, args).await,
        Command::Promote(args) => promote::run(cx, args).await,
        Command::Reset(args) => upkeep::reset(cx, args).await,
        Command::Ps(args) => sessions::list(cx, args).await,
        Command::Kill(args) => sessions::kill(cx, args).await,
        Command::Killall(args) => upkeep::killall(cx, args).await,
        Command::Credentials(args) => credentials::list(cx, args).await,
        Command::Url(args) => credentials::url(cx, args).await,
        Command::Rotate(args) => credentials::rotate(cx, args).await,
    }
}
