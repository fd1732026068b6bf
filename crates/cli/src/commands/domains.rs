//! Domains.

use wire::{Domain, DomainRequest};

use super::certs;
use crate::args::domains::{Command, Domain as Args};
use crate::args::{AppChoice, Show};
use crate::context::{Context, path};
use crate::table::columns;
use crate::terminal::Paint;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(show) => list(cx, show).await,
        Command::Add(args) => add(cx, args).await,
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
