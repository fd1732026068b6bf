//! What commands do: one file per verb.

mod access;
mod account;
mod accounts;
mod addons;
mod apps;
mod authorizations;
mod buildpacks;
mod certs;
mod config;
mod doctor;
mod domains;
mod drains;
mod git;
mod logs;
mod maintenance;
mod pg;
mod ps;
mod releases;
mod run;
mod shell;

use crate::args::Command;
use crate::context::Context;

/// Runs a command.
pub(crate) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Account(command) => account::run(command, cx).await,
        Command::Apps(command) => apps::run(command, cx).await,
        Command::Config(command) => config::run(command, cx).await,
        Command::Ps(command) => ps::run(command, cx).await,
        Command::Logs(command) => logs::run(command, cx).await,
        Command::Run(command) => run::run(command, cx).await,
        Command::Releases(command) => releases::run(command, cx).await,
        Command::Addons(command) => addons::run(command, cx).await,
        Command::Pg(command) => pg::run(command, cx).await,
        Command::Buildpacks(command) => buildpacks::run(command, cx).await,
        Command::Domains(command) => domains::run(command, cx).await,
        Command::Certs(command) => certs::run(command, cx).await,
        Command::Drains(command) => drains::run(command, cx).await,
        Command::Maintenance(command) => maintenance::run(command, cx).await,
        Command::Access(command) => access::run(command, cx).await,
        Command::Accounts(command) => accounts::run(command, cx).await,
        Command::Authorizations(command) => authorizations::run(command, cx).await,
        Command::Git(command) => git::run(command, cx).await,
        Command::Doctor(command) => doctor::run(command, cx),
        Command::Shell(command) => shell::run(command, cx),
    }
}
