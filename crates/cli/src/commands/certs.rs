//! Certificates.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use wire::{AcmChange, App, Domain, DomainChange, Empty, Flag, Named, SniEndpoint, SniEndpointRequest};

use crate::args::certs::{Add, Command, Disable, Files, Remove, Update};
use crate::args::{AppChoice, Show};
use crate::context::{Context, path};
use crate::table::columns;
use crate::terminal::Paint;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(show) => list(cx, show).await,
        Command::Add(args) => add(cx, args).await,
        Command::Update(args) => update(cx, args).await,
        Command::Remove(args) => remove(cx, args).await,
        Command::Auto(app) => auto(cx, app).await,
        Command::Enable(app) => enable(cx, app).await,
        Command::Disable(args) => disable(cx, args).await,
        Command::Refresh(app) => refresh(cx, app).await,
    }
}

async fn list(cx: &mut Context, show: Show) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&show.app)?;
    let endpoints: Vec<SniEndpoint> = client.list(&path(&["apps", &app, "sni-endpoints"])).await?;
    if show.json {
        return cx.env.screen.json(&endpoints);
    }
    if endpoints.is_empty() {
        return Ok(cx.env.screen.say(format!("{app} has no certificates of its own."))?);
    }
    let mut rows =
        vec![["Name", "Hosts", "Expires", "Trusted", "Type", "Domains"].map(str::to_owned).to_vec()];
    rows.extend(endpoints.into_iter().map(|SniEndpoint { name, ssl_cert, domains, .. }| {
        let trusted = if ssl_cert.ca_signed { "yes" } else { "no" };
        let kind = if ssl_cert.acm { "automatic" } else { "own" };
        let hosts = ssl_cert.cert_domains.join(", ");
        vec![name, hosts, ssl_cert.expires_at, trusted.to_owned(), kind.to_owned(), domains.len().to_string()]
    }));
    Ok(cx.env.screen.say(columns(&rows))?)
}

fn read(files: &Files) -> anyhow::Result<SniEndpointRequest> {
    let text =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()));
    Ok(SniEndpointRequest { certificate_chain: text(&files.certificate)?, private_key: text(&files.key)? })
}

async fn add(cx: &mut Context, args: Add) -> anyhow::Result<()> {
    let request = read(&args.files)?;
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Adding a certificate to {app}"));
    let made: SniEndpoint = client.post(&path(&["apps", &app, "sni-endpoints"]), &request).await?;
    cx.env.screen.done(&made.name);
    for domain in &args.domain {
        serve_with(cx, &app, domain, &made.name).await?;
    }
    if args.domain.is_empty() {
        cx.env
            .screen
            .note(format!("Serve a domain with it: hokku domains:update HOSTNAME --cert {}", made.name));
    }
    Ok(())
}

/// Serves a domain with a certificate.
pub(super) async fn serve_with(cx: &mut Context, app: &str, domain: &str, cert: &str) -> anyhow::Result<()> {
    let client = cx.client()?;
    cx.env.screen.start(format!("Serving {domain} with {cert}"));
    let change = DomainChange { sni_endpoint: Some(Named::from(cert)) };
    client.patch::<Domain>(&path(&["apps", app, "domains", domain]), &change).await?;
    cx.env.screen.done("");
    Ok(())
}

async fn update(cx: &mut Context, args: Update) -> anyhow::Result<()> {
    let request = read(&args.files)?;
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Replacing {} of {app}", args.name));
    client.patch::<SniEndpoint>(&path(&["apps", &app, "sni-endpoints", &args.name]), &request).await?;
    cx.env.screen.done("");
    Ok(())
}

async fn remove(cx: &mut Context, args: Remove) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let warning = format!("This removes the certificate {} from {app}.", args.name);
    cx.confirm(&app, args.confirm.as_deref(), &warning)?;
    cx.env.screen.start(format!("Removing {} from {app}", args.name));
    client.delete::<SniEndpoint>(&path(&["apps", &app, "sni-endpoints", &args.name])).await?;
    cx.env.screen.done("");
    Ok(())
}

async fn auto(cx: &mut Context, app: AppChoice) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app: App = client.get(&path(&["apps", &cx.app(&app)?])).await?;
    let state = if app.acm { "enabled" } else { "disabled" };
    let heading = format!("=== Automatic certificates are {state} on {}", app.name);
    let heading = cx.env.screen.paint(Paint::Bold, &heading);
    cx.env.screen.say(heading)?;
    if !app.acm {
        return Ok(());
    }
    let domains: Vec<Domain> = client.list(&path(&["apps", &app.id, "domains"])).await?;
    let mut rows = vec![["Domain", "Status", "Reason"].map(str::to_owned).to_vec()];
    rows.extend(domains.into_iter().filter(|domain| domain.kind == "custom").map(|domain| {
        let status = domain.acm_status.unwrap_or_else(|| "waiting".to_owned());
        vec![domain.hostname, status, domain.acm_status_reason.unwrap_or_default()]
    }));
    Ok(cx.env.screen.say(format!("\n{}", columns(&rows)))?)
}

async fn enable(cx: &mut Context, app: AppChoice) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&app)?;
    cx.env.screen.start(format!("Enabling automatic certificates for {app}"));
    client.post::<App>(&path(&["apps", &app, "acm"]), &Empty {}).await?;
    cx.env.screen.done("");
    Ok(())
}

async fn disable(cx: &mut Context, args: Disable) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let warning = format!("This removes the automatic certificates of {app}.");
    cx.confirm(&app, args.confirm.as_deref(), &warning)?;
    cx.env.screen.start(format!("Disabling automatic certificates for {app}"));
    client.delete::<App>(&path(&["apps", &app, "acm"])).await?;
    cx.env.screen.done("");
    Ok(())
}

async fn refresh(cx: &mut Context, app: AppChoice) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&app)?;
    cx.env.screen.start(format!("Trying the automatic certificates of {app} again"));
    let change = AcmChange { acm_refresh: Some(Flag(true)) };
    client.patch::<App>(&path(&["apps", &app, "acm"]), &change).await?;
    cx.env.screen.done("");
    Ok(())
}
