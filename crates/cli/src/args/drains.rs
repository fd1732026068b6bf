//! Log drains and webhooks.

use clap::{Args, Subcommand};

use super::{AppChoice, Show};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List where copies of an app's log go
    #[command(name = "drains")]
    Drains(Show),
    /// Send a copy of an app's log somewhere
    #[command(name = "drains:add")]
    #[command(after_help = "\
Examples:
  hokku drains:add https://user:password@logs.example.com/in --app shop
  hokku drains:add syslog+tls://logs.example.com:6514 --app shop")]
    AddDrain(Drain),
    /// End that a copy of an app's log goes somewhere
    #[command(name = "drains:remove")]
    RemoveDrain(Drain),
    /// List who is told what happens to an app
    #[command(name = "webhooks")]
    Webhooks(Show),
    /// Tell somebody what happens to an app
    #[command(name = "webhooks:add")]
    #[command(after_help = "\
Examples:
  hokku webhooks:add --include api:release,api:build --level sync --url https://example.com/hooks --app shop

Deliveries are signed: the header Heroku-Webhook-Hmac-SHA256 is the HMAC-SHA256 of the body with
the secret, in base64. The secret is shown once.")]
    AddWebhook(NewWebhook),
    /// End that somebody is told what happens to an app
    #[command(name = "webhooks:remove")]
    RemoveWebhook(Webhook),
    /// List what webhooks were told, and how that went
    #[command(name = "webhooks:deliveries")]
    Deliveries(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// The URL; to remove a drain, its token will do
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct NewWebhook {
    /// What to tell: api:addon, api:addon-attachment, api:app, api:build, api:collaborator, api:domain, api:dyno,
    /// api:formation, api:release, api:sni-endpoint, dyno
    #[arg(short, long, value_name = "EVENTS", value_delimiter = ',', required = true)]
    pub(crate) include: Vec<String>,
    /// notify tries once, sync until it succeeds
    #[arg(short, long, value_name = "LEVEL", default_value = "notify")]
    pub(crate) level: String,
    /// Where to
    #[arg(short, long, value_name = "URL")]
    pub(crate) url: String,
    /// What to sign deliveries with [default: one is made up]
    #[arg(short, long, value_name = "SECRET")]
    pub(crate) secret: Option<String>,
    /// What deliveries carry as Authorization header
    #[arg(short = 't', long, value_name = "VALUE")]
    pub(crate) authorization: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Webhook {
    /// Its id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) app: AppChoice,
}
