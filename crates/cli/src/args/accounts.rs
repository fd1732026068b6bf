//! The people of a platform, for its owner.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the people of this platform (its owner)
    #[command(name = "accounts")]
    List(List),
    /// Add somebody; prints a link to choose a password by (its owner)
    #[command(name = "accounts:add")]
    #[command(after_help = "\
Examples:
  hokku accounts:add jane@example.com

No mail is sent: give the link to the person. It works once, for three days.")]
    Add(Person),
    /// Print a new link for somebody who forgot the password (its owner)
    #[command(name = "accounts:reset")]
    Reset(Person),
    /// Remove somebody: their logins and tokens end at once (its owner)
    #[command(name = "accounts:remove")]
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Person {
    /// Their e-mail address
    #[arg(value_name = "EMAIL")]
    pub(crate) email: String,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Their e-mail address
    #[arg(value_name = "EMAIL")]
    pub(crate) email: String,
    /// Who gets their apps
    #[arg(long, value_name = "EMAIL")]
    pub(crate) apps_to: Option<String>,
}
