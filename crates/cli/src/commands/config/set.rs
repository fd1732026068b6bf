//! `config:set` and `config:unset`.

use wire::{ConfigVars, ConfigVarsChange};

use crate::args::config::{Set, Unset};
use crate::context::{Context, newest_release, path};
use crate::table::facts;
use crate::words::Problem;

pub(super) async fn set(cx: &mut Context, args: Set) -> anyhow::Result<()> {
    let mut change = ConfigVarsChange::new();
    for var in &args.vars {
        let in_form = var.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) =
            in_form.ok_or_else(|| Problem::NotInForm { given: var.clone(), form: "KEY=VALUE" })?;
        change.insert(key.to_owned(), Some(value.to_owned()));
    }
    let app = cx.app(&args.app)?;
    let vars = make(cx, &app, "Setting", &change).await?;
    let set = vars.iter().filter(|(key, _)| change.contains_key(*key));
    let told = facts(set.map(|(key, value)| (key.as_str(), value.clone())));
    Ok(cx.env.screen.say(told)?)
}

pub(super) async fn unset(cx: &mut Context, args: Unset) -> anyhow::Result<()> {
    let change: ConfigVarsChange = args.keys.into_iter().map(|key| (key, None)).collect();
    let app = cx.app(&args.app)?;
    make(cx, &app, "Unsetting", &change).await.map(drop)
}

pub(super) async fn make(
    cx: &mut Context,
    app: &str,
    doing: &str,
    change: &ConfigVarsChange,
) -> anyhow::Result<ConfigVars> {
    let client = cx.client()?;
    let keys: Vec<&str> = change.keys().map(String::as_str).collect();
    cx.env.screen.start(format!("{doing} {} and restarting {app}", keys.join(", ")));
    let vars = client.patch(&path(&["apps", app, "config-vars"]), change).await?;
    let release = newest_release(&client, app).await?;
    cx.env.screen.done(release.map(|release| format!("v{}", release.version)).unwrap_or_default());
    Ok(vars)
}
