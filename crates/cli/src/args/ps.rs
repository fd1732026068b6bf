//! Processes.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List an app's dynos
    #[command(name = "ps")]
    List(List),
    /// Scale process types, or show how they are scaled
    #[command(name = "ps:scale", visible_alias = "scale", alias = "dyno:scale")]
    #[command(after_help = "\
Examples:
  hokku ps:scale                       show the formation
  hokku ps:scale web=2 worker=1
  hokku ps:scale web+1                 one more
  hokku ps:scale web=2:standard-2x     of another size")]
    Scale(Scale),
    /// Change the size of dynos, or show it
    #[command(name = "ps:type", visible_alias = "resize", alias = "ps:resize", alias = "dyno:type")]
    #[command(after_help = "\
Examples:
  hokku ps:type                        show the formation
  hokku ps:type web=standard-2x worker=basic
  hokku ps:type standard-1x            all of them")]
    Type(Type),
    /// Wait until every dyno runs the newest release
    #[command(name = "ps:wait")]
    Wait(Wait),
    /// Restart dynos: all, one, or those of a process type
    #[command(name = "ps:restart", visible_alias = "restart", alias = "dyno:restart")]
    #[command(after_help = "Examples:\n  hokku ps:restart\n  hokku ps:restart web.1\n  hokku ps:restart web")]
    Restart(Restart),
    /// Stop a dyno; what the formation wants comes back
    #[command(name = "ps:stop", visible_alias = "stop", alias = "ps:kill", alias = "kill")]
    Stop(Stop),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Process types to show
    #[arg(value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Args)]
pub(crate) struct Scale {
    /// How many dynos of which size
    #[arg(value_name = "TYPE=COUNT[:SIZE]")]
    pub(crate) changes: Vec<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Type {
    /// Which size for which process type
    #[arg(value_name = "TYPE=SIZE|SIZE")]
    pub(crate) changes: Vec<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// Only this process type
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    pub(crate) process_type: Option<String>,
    /// One-off dynos, too
    #[arg(short = 'R', long, conflicts_with = "process_type")]
    pub(crate) with_run: bool,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// A dyno or a process type
    #[arg(value_name = "DYNO|TYPE")]
    pub(crate) which: Option<String>,
    /// A dyno
    #[arg(short, long, value_name = "DYNO", conflicts_with = "which")]
    pub(crate) dyno_name: Option<String>,
    /// A process type
    #[arg(short, long, value_name = "TYPE", conflicts_with_all = ["which", "dyno_name"])]
    pub(crate) process_type: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// A dyno or a process type
    #[arg(value_name = "DYNO|TYPE", required_unless_present_any = ["dyno_name", "process_type"])]
    pub(crate) which: Option<String>,
    /// A dyno
    #[arg(short, long, value_name = "DYNO", conflicts_with = "which")]
    pub(crate) dyno_name: Option<String>,
    /// A process type
    #[arg(short, long, value_name = "TYPE", conflicts_with_all = ["which", "dyno_name"])]
    pub(crate) process_type: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
