//! Postgres.

mod info;
mod psql;

use crate::args::pg::Command;
use crate::context::Context;

/// The service whose add-ons are Postgres databases.
const SERVICE: &str = "heroku-postgresql";

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Info(args) => info::run(cx, args).await,
        Command::Psql(args) => psql::run(cx, args).await,
    }
}
