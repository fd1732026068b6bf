//! Log drains and webhooks.

use wire::{LogDrain, LogDrainRequest, WebhookDelivery, WebhookRequest};

use crate::args::Show;
use crate::args::drains::{Command, Drain, NewWebhook, Webhook};
use crate::context::{Context, path};
use crate::table::columns;

/// Where the server tells a webhook's secret, once.
const SECRET: &str = "heroku-webhook-secret";

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Drains(show) => drains(cx, show).await,
        Command::AddDrain(args) => add_drain(cx, args).await,
        Command::RemoveDrain(args) => remove_drain(cx, args).await,
        Command::Webhooks(show) => webhooks(cx, show).await,
        Command::AddWebhook(args) => add_webhook(cx, args).await,
        Command::RemoveWebhook(args) => remove_webhook(cx, args).await,
        Command::Deliveries(show) => deliveries(cx, show).await,
    }
}

async fn drains(cx: &mut Context, show: Show) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&show.app)?;
    let list: Vec<LogDrain> = client.list(&path(&["apps", &app, "log-drains"])).await?;
    if show.json {
        return cx.env.screen.json(&list);
    }
    for drain in list {
        cx.env.screen.say(format!("{} ({})", drain.url, drain.token))?;
    }
    Ok(())
}

async fn add_drain(cx: &mut Context, args: Drain) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let request = LogDrainRequest { url: args.url };
    let drain: LogDrain = client.post(&path(&["apps", &app, "log-drains"]), &request).await?;
    Ok(cx.env.screen.say(format!("Successfully added drain {}", drain.url))?)
}

async fn remove_drain(cx: &mut Context, args: Drain) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let drain: LogDrain = client.delete(&path(&["apps", &app, "log-drains", &args.url])).await?;
    Ok(cx.env.screen.say(format!("Successfully removed drain {}", drain.url))?)
}

async fn webhooks(cx: &mut Context, show: Show) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&show.app)?;
    let list: Vec<wire::Webhook> = client.list(&path(&["apps", &app, "webhooks"])).await?;
    if show.json {
        return cx.env.screen.json(&list);
    }
    if list.is_empty() {
        return Ok(cx
            .env
            .screen
            .say(format!("{app} has no webhooks. Add one with `hokku webhooks:add`."))?);
    }
    let mut rows = vec![["Webhook ID", "URL", "Include", "Level"].map(str::to_owned).to_vec()];
    rows.extend(list.into_iter().map(|one| vec![one.id, one.url, one.include.join(","), one.level]));
    Ok(cx.env.screen.say(columns(&rows))?)
}

async fn add_webhook(cx: &mut Context, args: NewWebhook) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Adding webhook to {app}"));
    let NewWebhook { include, level, url, secret, authorization, app: _ } = args;
    let request = WebhookRequest { authorization, include, level, secret, url };
    let path = path(&["apps", &app, "webhooks"]);
    let (_, secret): (wire::Webhook, _) = client.post_for(&path, &request, SECRET).await?;
    cx.env.screen.done("");
    match secret {
        Some(secret) => Ok(cx.env.screen.say(format!("Signing secret: {secret}"))?),
        None => Ok(()),
    }
}

async fn remove_webhook(cx: &mut Context, args: Webhook) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Removing webhook {} from {app}", args.id));
    client.delete::<wire::Webhook>(&path(&["apps", &app, "webhooks", &args.id])).await?;
    cx.env.screen.done("");
    Ok(())
}

async fn deliveries(cx: &mut Context, show: Show) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&show.app)?;
    let list: Vec<WebhookDelivery> = client.list(&path(&["apps", &app, "webhook-deliveries"])).await?;
    if show.json {
        return cx.env.screen.json(&list);
    }
    if list.is_empty() {
        return Ok(cx.env.screen.say(format!("{app} has no deliveries."))?);
    }
    let heads = ["Delivery ID", "Created", "Status", "Include", "Level", "Attempts", "Last", "Next attempt"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(list.into_iter().map(|one| {
        let last = one.last_attempt.map(|last| match (last.error_class, last.code) {
            (None, code) => code.map(|code| code.to_string()).unwrap_or_default(),
            (Some(error), None) => error,
            (Some(error), Some(code)) => format!("{code} {error}"),
        });
        vec![
            one.id,
            one.created_at,
            one.status,
            one.event.include,
            one.webhook.level,
            one.num_attempts.to_string(),
            last.unwrap_or_default(),
            one.next_attempt_at.unwrap_or_default(),
        ]
    }));
    Ok(cx.env.screen.say(columns(&rows))?)
}
