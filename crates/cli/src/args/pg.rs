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
