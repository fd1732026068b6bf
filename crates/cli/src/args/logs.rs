//! Logs.

use clap::{Args, Subcommand};

use super::AppChoice;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show an app's log
    #[command(name = "logs")]
    #[command(after_help = "\
Examples:
  hokku logs --tail
  hokku logs -n 500 --dyno web.1
  hokku logs --tail --source heroku")]
    Logs(Logs),
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Go on with new lines as they come
    #[arg(short, long)]
    pub(crate) tail: bool,
    /// How many lines of the past, at most 1500
    #[arg(short, long, value_name = "COUNT", default_value_t = 100)]
    pub(crate) num: u32,
    /// Only this dyno, such as web.1
    #[arg(short, long, visible_alias = "dyno-name", value_name = "DYNO")]
    pub(crate) dyno: Option<String>,
    /// Only dynos of this process type
    #[arg(short, long, visible_alias = "ps", value_name = "TYPE", conflicts_with = "dyno")]
    pub(crate) process_type: Option<String>,
    /// Only lines of the app (`app`), or of the platform (`heroku`)
    #[arg(short, long)]
    pub(crate) source: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
