//! Domains.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List an app's domains
    #[command(name = "domains")]
    List(Show),
    /// Show all that is known of a domain
    #[command(name = "domains:info")]
    Info(Domain),
    /// Add a domain
    #[command(name = "domains:add")]
    #[command(after_help = "Examples:\n  hokku domains:add www.example.com")]
    Add(Domain),
    /// Wait until a domain is active
    #[command(name = "domains:wait")]
    Wait(Domain),
    /// Remove a domain
    #[command(name = "domains:remove")]
    Remove(Domain),
    /// Remove all custom domains
    #[command(name = "domains:clear")]
    Clear(AppChoice),
    /// Serve a domain with another certificate
    #[command(name = "domains:update")]
    Update(Update),
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The host name
    pub(crate) hostname: String,
    /// The certificate's name, as `certs` shows it
    #[arg(long, value_name = "NAME")]
    pub(crate) cert: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Domain {
    /// The host name
    pub(crate) hostname: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
