//! Certificates.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List an app's certificates
    #[command(name = "certs")]
    List(Show),
    /// Add a certificate
    #[command(name = "certs:add")]
    #[command(after_help = "Examples:\n  hokku certs:add www.crt www.key --domain www.example.com")]
    Add(Add),
    /// Replace a certificate
    #[command(name = "certs:update")]
    Update(Update),
    /// Remove a certificate
    #[command(name = "certs:remove")]
    Remove(Remove),
    /// Show the state of automatic certificates
    #[command(name = "certs:auto")]
    Auto(AppChoice),
    /// Get certificates for the app's custom domains automatically
    #[command(name = "certs:auto:enable")]
    Enable(AppChoice),
    /// Stop that, and remove them
    #[command(name = "certs:auto:disable")]
    Disable(Disable),
    /// Try those again that failed
    #[command(name = "certs:auto:refresh")]
    Refresh(AppChoice),
}

#[derive(Debug, Args)]
pub(crate) struct Files {
    /// File with the certificate and those that signed it, in PEM
    #[arg(value_name = "CRT")]
    pub(crate) certificate: PathBuf,
    /// File with the private key, in PEM
    #[arg(value_name = "KEY")]
    pub(crate) key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    pub(crate) files: Files,
    /// Serve this domain of the app with it. May be repeated
    #[arg(long, value_name = "HOSTNAME")]
    pub(crate) domain: Vec<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The certificate's name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) files: Files,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The certificate's name
    pub(crate) name: String,
    /// The app's name, instead of being asked
    #[arg(short, long, value_name = "APP")]
    pub(crate) confirm: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// The app's name, instead of being asked
    #[arg(short, long, value_name = "APP")]
    pub(crate) confirm: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
