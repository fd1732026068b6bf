//! What can be typed. One file per topic says its commands and their options; what they do is in `commands`.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod addons;
pub(crate) mod apps;
pub(crate) mod authorizations;
pub(crate) mod buildpacks;
pub(crate) mod certs;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod domains;
pub(crate) mod drains;
pub(crate) mod git;
mod hoist;
pub(crate) mod logs;
pub(crate) mod maintenance;
pub(crate) mod pg;
pub(crate) mod ps;
pub(crate) mod releases;
pub(crate) mod run;
pub(crate) mod shell;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// The Heroku that you own: git push, and it runs
#[derive(Debug, Parser)]
#[command(
    name = "hokku",
    bin_name = "hokku",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_value_name = "COMMAND",
    help_template = "{about}\n\n{usage-heading} {usage}{after-help}\n\nOptions:\n{options}\n"
)]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Options {
    /// The server's API, such as https://api.example.com [default: HOKKU_SERVER, else the one logged in to last, else the
    /// one of this machine]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) server: Option<String>,
}

/// The app that a command is about.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct AppChoice {
    /// The app [default: HOKKU_APP, else the one of this folder's git remote]
    #[arg(short, long, value_name = "APP")]
    pub(crate) app: Option<String>,
    /// The git remote that names the app
    #[arg(short, long, value_name = "REMOTE")]
    pub(crate) remote: Option<String>,
}

/// An app, and in which form to show something of it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) app: AppChoice,
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Account(account::Command),
    #[command(flatten)]
    Apps(apps::Command),
    #[command(flatten)]
    Config(config::Command),
    #[command(flatten)]
    Ps(ps::Command),
    #[command(flatten)]
    Logs(logs::Command),
    #[command(flatten)]
    Run(run::Command),
    #[command(flatten)]
    Releases(releases::Command),
    #[command(flatten)]
    Addons(addons::Command),
    #[command(flatten)]
    Pg(pg::Command),
    #[command(flatten)]
    Buildpacks(buildpacks::Command),
    #[command(flatten)]
    Domains(domains::Command),
    #[command(flatten)]
    Certs(certs::Command),
    #[command(flatten)]
    Drains(drains::Command),
    #[command(flatten)]
    Maintenance(maintenance::Command),
    #[command(flatten)]
    Access(access::Command),
    #[command(flatten)]
    Accounts(accounts::Command),
    #[command(flatten)]
    Authorizations(authorizations::Command),
    #[command(flatten)]
    Git(git::Command),
    #[command(flatten)]
    Doctor(doctor::Command),
    #[command(flatten)]
    Shell(shell::Command),
}

type Augment = fn(clap::Command) -> clap::Command;

/// How `hokku --help` groups them.
const TOPICS: [(&str, &[Augment]); 8] = [
    ("Apps", &[apps::Command::augment_subcommands, maintenance::Command::augment_subcommands]),
    ("Config", &[config::Command::augment_subcommands]),
    (
        "Processes",
        &[
            ps::Command::augment_subcommands,
            run::Command::augment_subcommands,
            logs::Command::augment_subcommands,
        ],
    ),
    ("Releases", &[releases::Command::augment_subcommands, buildpacks::Command::augment_subcommands]),
    ("Add-ons", &[addons::Command::augment_subcommands, pg::Command::augment_subcommands]),
    ("Log and events", &[drains::Command::augment_subcommands]),
    (
        "Access",
        &[
            domains::Command::augment_subcommands,
            certs::Command::augment_subcommands,
            access::Command::augment_subcommands,
            accounts::Command::augment_subcommands,
            authorizations::Command::augment_subcommands,
        ],
    ),
    (
        "Here",
        &[
            account::Command::augment_subcommands,
            git::Command::augment_subcommands,
            doctor::Command::augment_subcommands,
            shell::Command::augment_subcommands,
        ],
    ),
];

const ENVIRONMENT: &str = "\
Environment:
  HOKKU_SERVER   the server's API, as --server
  HOKKU_API_KEY  the token to use instead of a login's
  HOKKU_CA       file with the certificates to trust (PEM)
  HOKKU_APP      the app, as --app
  NO_COLOR       no colours";

/// Reads a command line without the program's name. `others` are commands that the program has besides.
pub(crate) fn parse(args: Vec<OsString>, others: &[clap::Command]) -> Result<Line, clap::Error> {
    let args = hoist::options_first(args);
    let mut command = command(others);
    let matches = command.try_get_matches_from_mut(std::iter::once("hokku".into()).chain(args))?;
    Line::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// All commands as clap knows them.
pub(crate) fn command(others: &[clap::Command]) -> clap::Command {
    let line = Line::command().subcommands(others.iter().cloned());
    line.after_help(listing(others))
}

/// Every command with what it does, by topic.
fn listing(others: &[clap::Command]) -> String {
    let mut topics: Vec<(&str, Vec<clap::Command>)> = TOPICS
        .into_iter()
        .map(|(topic, augments)| {
            let gathered =
                augments.iter().fold(clap::Command::new(topic), |gathered, augment| augment(gathered));
            (topic, gathered.get_subcommands().cloned().collect())
        })
        .collect();
    if !others.is_empty() {
        topics.push(("The server", others.to_vec()));
    }
    let shown: Vec<String> = topics.into_iter().map(|(topic, commands)| told(topic, &commands)).collect();
    format!("{}\n\n{ENVIRONMENT}\n\n`hokku COMMAND --help` tells more, with examples.", shown.join("\n\n"))
}

fn told(topic: &str, commands: &[clap::Command]) -> String {
    let shown = commands.iter().filter(|command| !command.is_hide_set());
    let lines = shown.map(|command| {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        format!("\n  {:<22} {about}", command.get_name())
    });
    format!("{topic}:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::command;

    #[test]
    fn every_command_is_well_formed_and_listed() {
        let all = command(&[]);
        all.clone().debug_assert();
        let help = all.clone().render_help().to_string();
        let names: BTreeSet<_> =
            all.get_subcommands().filter(|it| !it.is_hide_set()).map(clap::Command::get_name).collect();
        for name in names.iter().filter(|name| **name != "help") {
            assert!(help.contains(&format!("\n  {name} ")), "{name} is not in the listing");
        }
    }
}
