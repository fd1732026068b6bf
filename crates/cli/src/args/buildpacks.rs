//! Buildpacks.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List an app's buildpacks
    #[command(name = "buildpacks")]
    List(Show),
    /// Set the buildpack, or the one at a place
    #[command(name = "buildpacks:set")]
    #[command(after_help = "Examples:\n  hokku buildpacks:set heroku/python")]
    Set(Place),
    /// Add a buildpack, last or at a place
    #[command(name = "buildpacks:add")]
    Add(Place),
    /// Remove a buildpack
    #[command(name = "buildpacks:remove")]
    Remove(Remove),
    /// Remove all buildpacks: they are detected again
    #[command(name = "buildpacks:clear")]
    Clear(AppChoice),
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Its name, or the URL of its git repository
    pub(crate) buildpack: String,
    /// Its place, from 1
    #[arg(short, long, value_name = "PLACE")]
    pub(crate) index: Option<usize>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Its name or URL
    #[arg(required_unless_present = "index")]
    pub(crate) buildpack: Option<String>,
    /// Its place, from 1
    #[arg(short, long, value_name = "PLACE", conflicts_with = "buildpack")]
    pub(crate) index: Option<usize>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
