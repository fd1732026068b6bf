//! Apps.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List your apps
    #[command(name = "apps", alias = "apps:list")]
    List(List),
    /// Make an app, and the git remote to push it to
    #[command(name = "apps:create", visible_alias = "create")]
    #[command(after_help = "\
Examples:
  hokku create
  hokku create shop --addons heroku-postgresql:mini
  hokku create shop-staging --remote staging

In a git repository it makes the remote `heroku` (`hokku`, if `heroku` points elsewhere), ready for `git push`.")]
    Create(Create),
    /// Show an app
    #[command(name = "apps:info", visible_alias = "info")]
    Info(Info),
    /// Destroy an app with everything it has
    #[command(name = "apps:destroy", visible_alias = "destroy", alias = "apps:delete")]
    Destroy(Destroy),
    /// Give an app another name
    #[command(name = "apps:rename", visible_alias = "rename")]
    #[command(after_help = "Examples:\n  hokku rename shop-2 --app shop")]
    Rename(Rename),
    /// Offer an app to somebody else of this platform
    #[command(name = "apps:transfer")]
    #[command(after_help = "\
Examples:
  hokku apps:transfer jane@example.com --app shop

It is theirs once they take it; you stay a collaborator.")]
    Transfer(Transfer),
    /// Take an app that somebody offers you
    #[command(name = "apps:transfer:accept")]
    Accept(Decide),
    /// Do not take an app that somebody offers you
    #[command(name = "apps:transfer:decline")]
    Decline(Decide),
    /// Take an offer back
    #[command(name = "apps:transfer:cancel")]
    Cancel(Decide),
    /// Open an app in a browser
    #[command(name = "apps:open", visible_alias = "open")]
    Open(Open),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name; one is made up otherwise
    pub(crate) name: Option<String>,
    /// Its name
    #[arg(short, long, value_name = "APP", hide = true, conflicts_with = "name")]
    pub(crate) app: Option<String>,
    /// Add-ons to give it
    #[arg(long, value_name = "PLAN", value_delimiter = ',')]
    pub(crate) addons: Vec<String>,
    /// Its buildpack
    #[arg(short, long, value_name = "BUILDPACK")]
    pub(crate) buildpack: Option<String>,
    /// The git remote to make
    #[arg(short, long, value_name = "REMOTE")]
    pub(crate) remote: Option<String>,
    /// Make no git remote
    #[arg(short, long, conflicts_with = "remote")]
    pub(crate) no_remote: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    #[command(flatten)]
    pub(crate) show: Show,
    /// Print lines for a shell
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) shell: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    #[command(flatten)]
    pub(crate) app: AppChoice,
    /// The app's name, instead of being asked for it
    #[arg(short, long, value_name = "APP")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// Its new name
    pub(crate) new_name: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Transfer {
    /// Their e-mail address
    #[arg(value_name = "EMAIL")]
    pub(crate) recipient: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The app
    #[arg(value_name = "APP")]
    pub(crate) app: String,
}

#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The page
    pub(crate) path: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
