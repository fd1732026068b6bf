//! Access.

use clap::Subcommand;

use super::Show;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List who may work on an app
    #[command(name = "access")]
    List(Show),
}
