//! Add-ons.

mod attach;
mod change;
mod create;
mod destroy;
mod services;

use wire::{Addon, AddonResolution, Client};

use crate::args::Show;
use crate::args::addons::{Command, Info};
use crate::context::{Context, path};
use crate::table::{columns, facts};
use crate::terminal::Paint;
use crate::words::Problem;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(show) => list(cx, show).await,
        Command::Services(args) => services::run(cx, args).await,
        Command::Info(args) => info(cx, args).await,
        Command::Create(args) => create::run(cx, args).await,
        Command::Attach(args) => attach::attach(cx, args).await,
        Command::Detach(args) => attach::detach(cx, args).await,
        Command::Upgrade(args) => change::upgrade(cx, args).await,
        Command::Rename(args) => change::rename(cx, args).await,
        Command::Wait(args) => create::wait(cx, args).await,
        Command::Destroy(args) => destroy::run(cx, args).await,
    }
}

async fn list(cx: &mut Context, show: Show) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&show.app)?;
    let addons: Vec<Addon> = client.list(&path(&["apps", &app, "addons"])).await?;
    if show.json {
        return cx.env.screen.json(&addons);
    }
    if addons.is_empty() {
        cx.env.screen.note(format!("{app} has no add-ons; `hokku addons:services` lists what there is"));
        return Ok(());
    }
    let mut rows = vec![["Add-on", "Plan", "State", "Config vars"].map(str::to_owned).to_vec()];
    rows.extend(addons.iter().map(|addon| {
        vec![addon.name.clone(), plan(addon), addon.state.clone(), addon.config_vars.join(", ")]
    }));
    Ok(cx.env.screen.say(columns(&rows))?)
}

async fn info(cx: &mut Context, args: Info) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.show.app)?;
    let addon = find(&client, &app, &args.addon).await?;
    if args.show.json {
        return cx.env.screen.json(&addon);
    }
    let told = facts([
        ("Plan", plan(&addon)),
        ("State", addon.state.clone()),
        ("Owning app", addon.app.name.clone()),
        ("Config vars", addon.config_vars.join(", ")),
        ("Created", cx.when(&addon.created_at)),
    ]);
    let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {}", addon.name));
    Ok(cx.env.screen.say(format!("{heading}\n\n{told}"))?)
}

fn plan(addon: &Addon) -> String {
    addon.plan["name"].as_str().unwrap_or(&addon.addon_service.name).to_owned()
}

/// The one add-on of an app that a text means.
pub(super) async fn find(client: &Client, app: &str, text: &str) -> anyhow::Result<Addon> {
    let asked = AddonResolution { addon: text.to_owned(), app: Some(app.to_owned()), addon_service: None };
    let mut found: Vec<Addon> = client.post("/actions/addons/resolve", &asked).await?;
    match (found.pop(), found.len()) {
        (Some(addon), 0) => Ok(addon),
        (Some(last), _) => {
            let names: Vec<_> = found.iter().chain([&last]).map(|addon| addon.name.as_str()).collect();
            let what = format!("`{text}` may be {}", names.join(" or "));
            Err(Problem::Missing { what, hint: "use its own name" }.into())
        }
        (None, _) => {
            let what = format!("{app} has no add-on `{text}`");
            Err(Problem::Missing { what, hint: "`hokku addons` lists them" }.into())
        }
    }
}
