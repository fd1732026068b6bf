//! `apps:info`.

use std::collections::BTreeMap;

use serde_json::json;
use wire::{Addon, App, Collaborator, Dyno};

use crate::args::apps::Info;
use crate::context::{Context, path};
use crate::table::facts;
use crate::terminal::Paint;
use crate::words::bytes;

pub(super) async fn run(cx: &mut Context, args: Info) -> anyhow::Result<()> {
    let client = cx.client()?;
    let asked = cx.app(&args.show.app)?;
    let at = |what: &str| path(&["apps", &asked, what]);
    let (app, addons, dynos, collaborators) =
        (path(&["apps", &asked]), at("addons"), at("dynos"), at("collaborators"));
    let (app, addons, dynos, collaborators) = tokio::try_join!(
        client.get::<App>(&app),
        client.list::<Addon>(&addons),
        client.list::<Dyno>(&dynos),
        client.list::<Collaborator>(&collaborators),
    )?;
    if args.show.json {
        return cx.env.screen.json(&json!({
            "app": app, "addons": addons, "dynos": dynos, "collaborators": collaborators,
        }));
    }
    if args.shell {
        return shell(cx, &app);
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    dynos.iter().for_each(|dyno| *counts.entry(&dyno.kind).or_default() += 1);
    let dynos: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
    let addons: Vec<&str> = addons.iter().filter_map(|addon| addon.plan["name"].as_str()).collect();
    let size = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), bytes);
    let told = facts([
        ("Add-ons", addons.join(", ")),
        ("Created", cx.when(&app.created_at)),
        ("Dynos", dynos.join(", ")),
        ("Git URL", app.git_url.clone()),
        ("Language", app.buildpack_provided_description.clone().unwrap_or_default()),
        ("Maintenance", if app.maintenance { "on" } else { "off" }.to_owned()),
        ("Owner", app.owner.email.clone()),
        ("Region", app.region.name.clone()),
        ("Repo size", size(app.repo_size)),
        ("Slug size", size(app.slug_size)),
        ("Stack", app.stack.name.clone()),
        ("Web URL", app.web_url.clone().unwrap_or_default()),
    ]);
    let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {}", app.name));
    Ok(cx.env.screen.say(format!("{heading}\n\n{told}"))?)
}

fn shell(cx: &mut Context, app: &App) -> anyhow::Result<()> {
    for (name, value) in [
        ("git_url", app.git_url.as_str()),
        ("id", &app.id),
        ("maintenance", if app.maintenance { "on" } else { "off" }),
        ("name", &app.name),
        ("owner", &app.owner.email),
        ("region", &app.region.name),
        ("stack", &app.stack.name),
        ("web_url", app.web_url.as_deref().unwrap_or_default()),
    ] {
        cx.env.screen.say(format!("{name}={value}"))?;
    }
    Ok(())
}
