//! Config vars.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show an app's config vars
    #[command(name = "config")]
    List(List),
    /// Print config vars
    #[command(name = "config:get")]
    Get(Get),
    /// Set config vars, which makes a release
    #[command(name = "config:set", alias = "config:add")]
    #[command(after_help = "Examples:\n  hokku config:set DEBUG=0 SECRET_KEY=\"$(openssl rand -hex 32)\"")]
    Set(Set),
    /// Change config vars in an editor (VISUAL, EDITOR)
    #[command(name = "config:edit")]
    Edit(AppChoice),
    /// Remove config vars, which makes a release
    #[command(name = "config:unset", alias = "config:remove")]
    Unset(Unset),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) show: Show,
    /// Print lines for a shell
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) shell: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Their names
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
    /// Print lines for a shell
    #[arg(short, long)]
    pub(crate) shell: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Names and values
    #[arg(required = true, value_name = "KEY=VALUE")]
    pub(crate) vars: Vec<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Unset {
    /// Their names
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
