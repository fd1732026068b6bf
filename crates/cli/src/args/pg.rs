//! Postgres.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show an app's databases
    #[command(name = "pg:info", alias = "pg")]
    Info(Info),
    /// Open a database with psql
    #[command(name = "pg:psql", visible_alias = "psql")]
    #[command(after_help = "Examples:\n  hokku pg:psql\n  hokku pg:psql -c 'select count(*) from auth_user'")]
    Psql(Psql),
    /// Wait until a database can be used
    #[command(name = "pg:wait")]
    Wait(One),
    /// Make a database the one in DATABASE_URL
    #[command(name = "pg:promote")]
    Promote(Named),
    /// Delete everything in a database
    #[command(name = "pg:reset")]
    Reset(Destructive),
    /// Show what a database is doing
    #[command(name = "pg:ps")]
    Ps(One),
    /// End a query, or with --force its connection
    #[command(name = "pg:kill")]
    Kill(Kill),
    /// End all connections to a database
    #[command(name = "pg:killall")]
    Killall(One),
    /// Show the users of a database
    #[command(name = "pg:credentials")]
    Credentials(One),
    /// Show what opens a database
    #[command(name = "pg:credentials:url")]
    Url(One),
    /// Change a database's user and password
    #[command(name = "pg:credentials:rotate")]
    #[command(after_help = "The old ones work until no dyno uses them; with --force they end at once.")]
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The database: its add-on or config var
    #[arg(value_name = "DATABASE", default_value = "DATABASE_URL")]
    pub(crate) database: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The database: its add-on or config var
    #[arg(value_name = "DATABASE")]
    pub(crate) database: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Destructive {
    #[command(flatten)]
    pub(crate) one: One,
    /// The app's name, instead of being asked for it
    #[arg(short, long, value_name = "APP")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Kill {
    /// The query's process, as `pg:ps` shows it
    pub(crate) pid: u32,
    #[command(flatten)]
    pub(crate) one: One,
    /// End the whole connection
    #[arg(short, long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    pub(crate) one: One,
    /// End the old user at once, also while dynos use it
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The database: its add-on or config var [default: all]
    #[arg(value_name = "DATABASE")]
    pub(crate) database: Option<String>,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Args)]
pub(crate) struct Psql {
    /// The database: its add-on or config var
    #[arg(value_name = "DATABASE", default_value = "DATABASE_URL")]
    pub(crate) database: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
    /// SQL to run
    #[arg(short, long, value_name = "SQL")]
    pub(crate) command: Option<String>,
    /// File of SQL to run
    #[arg(short, long, value_name = "FILE", conflicts_with = "command")]
    pub(crate) file: Option<String>,
}
