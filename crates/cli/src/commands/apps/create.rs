//! `apps:create`: an app, what it starts with, and the remote to push it to.

use std::collections::BTreeMap;

use wire::{
    Addon, AddonRequest, App, AppRequest, BuildpackChoice, BuildpackInstallation, BuildpackInstallations,
    Named,
};

use crate::args::apps::Create;
use crate::commands::git;
use crate::context::{Context, path};
use crate::remotes;

pub(super) async fn run(cx: &mut Context, args: Create) -> anyhow::Result<()> {
    let client = cx.client()?;
    let name = args.name.or(args.app);
    cx.env.screen.start("Creating app");
    let app: App = client.post("/apps", &AppRequest { name, ..AppRequest::default() }).await?;
    cx.env.screen.done(&app.name);
    for plan in &args.addons {
        cx.env.screen.start(format!("Adding {plan}"));
        let request = AddonRequest {
            plan: Named(plan.clone()),
            attachment: None,
            name: None,
            confirm: None,
            config: BTreeMap::new(),
        };
        let addon: Addon = client.post(&path(&["apps", &app.name, "addons"]), &request).await?;
        cx.env.screen.done(addon.name);
    }
    if let Some(buildpack) = args.buildpack {
        cx.env.screen.start(format!("Setting buildpack to {buildpack}"));
        let list = BuildpackInstallations { updates: vec![BuildpackChoice { buildpack: Some(buildpack) }] };
        let at = path(&["apps", &app.name, "buildpack-installations"]);
        client.put::<Vec<BuildpackInstallation>>(&at, &list).await?;
        cx.env.screen.done("");
    }
    if !args.no_remote && remotes::is_repository(&cx.env.dir) {
        git::remote::make(cx, args.remote.as_deref(), &app.git_url)?;
    }
    if args.json {
        return cx.env.screen.json(&app);
    }
    let web_url = app.web_url.as_deref().unwrap_or("-");
    Ok(cx.env.screen.say(format!("{web_url} | {}", app.git_url))?)
}
