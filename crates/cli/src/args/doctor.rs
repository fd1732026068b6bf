//! The doctor.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look through an app's source for what goes wrong on the platform
    #[command(name = "doctor")]
    #[command(after_help = "\
Examples:
  hokku doctor
  hokku doctor ../shop --json

It reads the files that `git add .` would take, runs nothing and asks no server.
Exit code: 0 when nothing was found, else 1. A push prints the same.")]
    Doctor(Doctor),
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The app's folder [default: this one]
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}
