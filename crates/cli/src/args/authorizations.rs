//! API tokens.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List your API tokens
    #[command(name = "authorizations")]
    List(List),
    /// Make an API token; it is shown once
    #[command(name = "authorizations:create")]
    #[command(after_help = "\
Examples:
  hokku authorizations:create --description \"CI of the shop\" --scope write
  TOKEN=$(hokku authorizations:create --short)

Scopes: global (everything), identity, read, write, read-protected and write-protected (with config vars).")]
    Create(Create),
    /// Show one
    #[command(name = "authorizations:info")]
    Info(Show),
    /// Say anew what one is for
    #[command(name = "authorizations:update")]
    Update(Update),
    /// Revoke one: it stops working at once
    #[command(name = "authorizations:revoke", alias = "authorizations:destroy")]
    Revoke(One),
    /// Give one another token; the one before stops working at once
    #[command(name = "authorizations:rotate")]
    Rotate(One),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is for
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// What it allows
    #[arg(short, long, value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scope: Vec<String>,
    /// Seconds until it stops working
    #[arg(short = 'e', long, value_name = "SECONDS")]
    pub(crate) expires_in: Option<u64>,
    /// Print only the token
    #[arg(short = 'S', long)]
    pub(crate) short: bool,
    /// Print JSON
    #[arg(short, long, conflicts_with = "short")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Its id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// What it is for
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) description: String,
}
