//! One-off dynos.

use clap::{Args, Subcommand};

use super::AppChoice;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a command in a dyno of its own, attached to this terminal
    #[command(name = "run")]
    #[command(after_help = "\
Examples:
  hokku run bash
  hokku run python manage.py migrate --app shop
  hokku run --app shop -- ls -a          words behind `--` are all the command's
  hokku run 'pg_dump $DATABASE_URL' > dump.sql

It ends with the command's own exit code. Unless both ends are terminals, bytes pass as they are.")]
    Run(Run),
    /// Run a command in a dyno of its own, and do not wait for it
    #[command(name = "run:detached")]
    Detached(Detached),
}

#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// The command; a process type stands for its own
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
    /// Environment besides the config vars; several are parted by `;`
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ';')]
    pub(crate) env: Vec<String>,
    /// The dyno's size
    #[arg(short, long, value_name = "SIZE")]
    pub(crate) size: Option<String>,
    /// The process type it counts as
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// No terminal at the other end
    #[arg(long)]
    pub(crate) no_tty: bool,
    /// Ends with the command's exit code, as it does anyway
    #[arg(short = 'x', long, hide = true)]
    exit_code: bool,
    /// There are no notifications
    #[arg(long, hide = true)]
    no_notify: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Detached {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// Show what it prints, as it prints it
    #[arg(short, long)]
    pub(crate) tail: bool,
}
