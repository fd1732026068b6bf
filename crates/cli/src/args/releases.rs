//! Releases.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List an app's releases, the newest first
    #[command(name = "releases")]
    List(List),
    /// Show a release
    #[command(name = "releases:info")]
    Info(Info),
    /// Show what a release's command printed
    #[command(name = "releases:output")]
    Output(Output),
    /// Go back to an older release's code and config
    #[command(name = "rollback", alias = "releases:rollback")]
    #[command(
        after_help = "Examples:\n  hokku rollback          to the release before the current one\n  hokku rollback v12"
    )]
    Rollback(Rollback),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// How many
    #[arg(short, long, value_name = "COUNT", default_value_t = 15)]
    pub(crate) num: u32,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// Its number, such as v12 [default: the newest]
    #[arg(value_name = "RELEASE")]
    pub(crate) version: Option<String>,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Its number, such as v12 [default: the newest]
    #[arg(value_name = "RELEASE")]
    pub(crate) version: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The release to go back to [default: the last good one before the current one]
    #[arg(value_name = "RELEASE")]
    pub(crate) version: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
