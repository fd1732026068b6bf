//! Access.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List who may work on an app
    #[command(name = "access")]
    List(Show),
    /// Let somebody work on an app
    #[command(name = "access:add", alias = "sharing:add")]
    #[command(after_help = "\
Examples:
  hokku access:add jane@example.com --app shop

A collaborator may do all but destroy, rename or transfer the app, or destroy its add-ons.")]
    Add(Person),
    /// End that somebody works on an app
    #[command(name = "access:remove", alias = "sharing:remove")]
    Remove(Person),
}

#[derive(Debug, Args)]
pub(crate) struct Person {
    /// Their e-mail address
    #[arg(value_name = "EMAIL")]
    pub(crate) email: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
