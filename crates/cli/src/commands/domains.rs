//! Domains.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use wire::{Domain, DomainRequest};

use super::certs;
use crate::args::domains::{Command, Domain as Args};
use crate::args::{AppChoice, Show};
use crate::context::{Context, path};
use crate::table::{columns, facts};
use crate::terminal::Paint;
use crate::words::Problem;

/// How often is looked whether a domain is active.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long is looked.
const WAIT_MAX: Duration = Duration::from_secs(600);

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(show) => list(cx, show).await,
        Command::Info(args) => info(cx, args).await,
        Command::Add(args) => add(cx, args).await,
        Command::Wait(args) => wait(cx, args).await,
        Command::Remove(args) => remove(cx, args).await,
        Command::Clear(app) => clear(cx, app).await,
        Command::Update(args) => {
            let app = cx.app(&args.app)?;
            certs::serve_with(cx, &app, &args.hostname, &args.cert).await
        }
    }
}

async fn list(cx: &mut Context, show: Show) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&show.app)?;
    let domains: Vec<Domain> = client.list(&path(&["apps", &app, "domains"])).await?;
    if show.json {
        return cx.env.screen.json(&domains);
    }
    let (own, custom): (Vec<_>, Vec<_>) = domains.into_iter().partition(|domain| domain.kind == "heroku");
    for domain in own {
        let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {app} Domain"));
        cx.env.screen.say(format!("{heading}\n\n{}", domain.hostname))?;
    }
    if !custom.is_empty() {
        let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {app} Custom Domains"));
        let mut rows = vec![vec!["Domain name".to_owned(), "DNS target".to_owned()]];
        rows.extend(custom.into_iter().map(|domain| vec![domain.hostname, domain.cname.unwrap_or_default()]));
        cx.env.screen.say(format!("\n{heading}\n\n{}", columns(&rows)))?;
    }
    Ok(())
}

async fn info(cx: &mut Context, args: Args) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let domain: Domain = client.get(&path(&["apps", &app, "domains", &args.hostname])).await?;
    let known = [
        ("Hostname", Some(domain.hostname)),
        ("App", Some(domain.app.name)),
        ("Kind", Some(domain.kind)),
        ("DNS target", domain.cname),
        ("Status", Some(domain.status)),
        ("Certificate", domain.sni_endpoint.map(|it| it.name)),
        ("Automatic certificate", domain.acm_status),
        ("Reason", domain.acm_status_reason),
        ("Created at", Some(domain.created_at)),
    ];
    Ok(cx.env.screen.say(facts(known.into_iter().filter_map(|(name, value)| Some((name, value?)))))?)
}

async fn wait(cx: &mut Context, args: Args) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let at = path(&["apps", &app, "domains", &args.hostname]);
    cx.env.screen.start(format!("Waiting for {}", args.hostname));
    let until = Instant::now() + WAIT_MAX;
    loop {
        let domain: Domain = client.get(&at).await?;
        match domain.status.as_str() {
            "none" | "succeeded" => break cx.env.screen.done(""),
            "pending" if Instant::now() < until => sleep(LOOK_EVERY).await,
            status => {
                let what = format!("{} is not active, its status is {status}", args.hostname);
                let hint = "`hokku domains:info` shows what is known of it";
                return Err(Problem::Missing { what, hint }.into());
            }
        }
    }
    Ok(())
}

async fn add(cx: &mut Context, args: Args) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Adding {} to {app}", args.hostname));
    let request = DomainRequest { hostname: args.hostname, sni_endpoint: None };
    let domain: Domain = client.post(&path(&["apps", &app, "domains"]), &request).await?;
    cx.env.screen.done("");
    if let Some(target) = domain.cname {
        cx.env.screen.note(format!("Point the DNS entry of {} at {target}", domain.hostname));
    }
    Ok(())
}

async fn remove(cx: &mut Context, args: Args) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Removing {} from {app}", args.hostname));
    client.delete::<Domain>(&path(&["apps", &app, "domains", &args.hostname])).await?;
    cx.env.screen.done("");
    Ok(())
}

async fn clear(cx: &mut Context, app: AppChoice) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&app)?;
    cx.env.screen.start(format!("Removing all custom domains from {app}"));
    let domains: Vec<Domain> = client.list(&path(&["apps", &app, "domains"])).await?;
    for domain in domains.iter().filter(|domain| domain.kind == "custom") {
        client.delete::<Domain>(&path(&["apps", &app, "domains", &domain.hostname])).await?;
    }
    cx.env.screen.done("");
    Ok(())
}
