//! git.

use clap::{Args, Subcommand};

use super::AppChoice;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the git remote of an app, ready for `git push`
    #[command(name = "git:remote")]
    #[command(after_help = "\
Examples:
  hokku git:remote --app shop
  hokku git:remote --app shop-staging --remote staging

It also makes git, in this repository alone, ask `hokku` for the password of the server and trust its certificate.")]
    Remote(Remote),
    /// Tell git the password (called by git)
    #[command(name = "git:credentials", hide = true)]
    Credentials(Credentials),
}

#[derive(Debug, Args)]
pub(crate) struct Remote {
    // As in the other commands, but here the remote is what is made.
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Credentials {
    /// What git wants: get, store or erase
    pub(crate) what: String,
}
