//! Maintenance mode.

use clap::Subcommand;

use super::AppChoice;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show whether an app is in maintenance mode
    #[command(name = "maintenance")]
    Show(AppChoice),
    /// Answer every request with the maintenance page
    #[command(name = "maintenance:on")]
    On(AppChoice),
    /// Serve requests again
    #[command(name = "maintenance:off")]
    Off(AppChoice),
}
