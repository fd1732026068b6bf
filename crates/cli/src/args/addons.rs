//! Add-ons.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List an app's add-ons
    #[command(name = "addons")]
    List(Show),
    /// List the services there are, and their plans
    #[command(name = "addons:services", alias = "addons:plans")]
    Services(Services),
    /// Show an add-on
    #[command(name = "addons:info")]
    Info(Info),
    /// Give an app an add-on
    #[command(name = "addons:create", alias = "addons:add")]
    #[command(after_help = "\
Examples:
  hokku addons:create heroku-postgresql:mini
  hokku addons:create heroku-postgresql --as ANALYTICS --wait")]
    Create(Create),
    /// Attach an add-on to one more app, or under one more name
    #[command(name = "addons:attach")]
    #[command(after_help = "Examples:\n  hokku addons:attach postgresql-calm-40213 --app reports")]
    Attach(Attach),
    /// Detach an add-on from an app
    #[command(name = "addons:detach")]
    Detach(Detach),
    /// Give an add-on another plan
    #[command(name = "addons:upgrade", alias = "addons:downgrade")]
    #[command(after_help = "Examples:\n  hokku addons:upgrade DATABASE heroku-postgresql:basic")]
    Upgrade(Upgrade),
    /// Give an add-on another name
    #[command(name = "addons:rename")]
    Rename(Rename),
    /// Wait until an add-on can be used
    #[command(name = "addons:wait")]
    Wait(Wait),
    /// Destroy an add-on with everything in it
    #[command(name = "addons:destroy", alias = "addons:remove")]
    Destroy(Destroy),
}

#[derive(Debug, Args)]
pub(crate) struct Services {
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// Its name, its attachment's, or its service's
    pub(crate) addon: String,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The service, and which of its plans
    #[arg(value_name = "SERVICE[:PLAN]")]
    pub(crate) plan: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
    /// The attachment's name: the config var is NAME_URL
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) attachment: Option<String>,
    /// The add-on's name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Wait until it can be used
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// Its name, its attachment's, or its service's
    pub(crate) addon: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
    /// Also when other apps use it
    #[arg(short, long)]
    pub(crate) force: bool,
    /// The app's name, instead of being asked for it
    #[arg(short, long, value_name = "APP")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// Its name
    pub(crate) addon: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
    /// The attachment's name: the config var is NAME_URL
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) attachment: Option<String>,
    /// The app's name, to replace what is attached under that name
    #[arg(short, long, value_name = "APP")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Detach {
    /// The attachment's name
    pub(crate) attachment: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Upgrade {
    /// Its name, its attachment's, or its service's
    pub(crate) addon: String,
    /// The plan, with its service or without
    pub(crate) plan: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// Its name
    pub(crate) addon: String,
    /// The new name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// Its name, its attachment's, or its service's
    pub(crate) addon: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
