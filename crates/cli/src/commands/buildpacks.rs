//! Buildpacks. The API knows the whole list only, so a change is read, made and written back.

use wire::{BuildpackChoice, BuildpackInstallation, BuildpackInstallations, Client};

use crate::args::Show;
use crate::args::buildpacks::{Command, Place, Remove};
use crate::context::{Context, path};
use crate::terminal::Paint;
use crate::words::Problem;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(show) => list(cx, show).await,
        Command::Set(args) => set(cx, args).await,
        Command::Add(args) => add(cx, args).await,
        Command::Remove(args) => remove(cx, args).await,
        Command::Clear(app) => {
            let app = cx.app(&app)?;
            write(cx, &app, Vec::new()).await
        }
    }
}

async fn list(cx: &mut Context, show: Show) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&show.app)?;
    let installed: Vec<BuildpackInstallation> = client.get(&at(&app)).await?;
    if show.json {
        return cx.env.screen.json(&installed);
    }
    if installed.is_empty() {
        cx.env.screen.note(format!("{app} has no buildpacks set: they are detected"));
        return Ok(());
    }
    let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {app} Buildpacks"));
    let names: Vec<String> = installed.into_iter().map(|it| it.buildpack.name).collect();
    Ok(cx.env.screen.say(format!("{heading}\n\n{}", numbered(&names)))?)
}

async fn set(cx: &mut Context, args: Place) -> anyhow::Result<()> {
    let app = cx.app(&args.app)?;
    let mut names = read(&cx.client()?, &app).await?;
    match args.index.unwrap_or(1).checked_sub(1) {
        Some(index) if index < names.len() => names[index] = args.buildpack,
        _ => names.push(args.buildpack),
    }
    write(cx, &app, names).await
}

async fn add(cx: &mut Context, args: Place) -> anyhow::Result<()> {
    let app = cx.app(&args.app)?;
    let mut names = read(&cx.client()?, &app).await?;
    let last = names.len();
    let index = args.index.map_or(last, |index| index.saturating_sub(1).min(last));
    names.insert(index, args.buildpack);
    write(cx, &app, names).await
}

async fn remove(cx: &mut Context, args: Remove) -> anyhow::Result<()> {
    let app = cx.app(&args.app)?;
    let mut names = read(&cx.client()?, &app).await?;
    let named = |name: &String| args.buildpack.as_ref() == Some(name);
    let index = args.index.and_then(|index| index.checked_sub(1)).or_else(|| names.iter().position(named));
    let found = index.filter(|index| *index < names.len());
    let Some(index) = found else {
        let what = format!("{app} has no such buildpack");
        return Err(Problem::Missing { what, hint: "`hokku buildpacks` lists them" }.into());
    };
    names.remove(index);
    write(cx, &app, names).await
}

fn at(app: &str) -> String {
    path(&["apps", app, "buildpack-installations"])
}

async fn read(client: &Client, app: &str) -> anyhow::Result<Vec<String>> {
    let installed: Vec<BuildpackInstallation> = client.get(&at(app)).await?;
    Ok(installed.into_iter().map(|it| it.buildpack.name).collect())
}

async fn write(cx: &mut Context, app: &str, names: Vec<String>) -> anyhow::Result<()> {
    let client = cx.client()?;
    cx.env.screen.start(format!("Changing the buildpacks of {app}"));
    let updates = names.into_iter().map(|name| BuildpackChoice { buildpack: Some(name) }).collect();
    let made: Vec<BuildpackInstallation> = client.put(&at(app), &BuildpackInstallations { updates }).await?;
    cx.env.screen.done("");
    let names: Vec<String> = made.into_iter().map(|it| it.buildpack.name).collect();
    if names.is_empty() {
        cx.env.screen.note("They are detected at the next deploy");
        return Ok(());
    }
    cx.env.screen.note("The next deploy uses:");
    Ok(cx.env.screen.say(numbered(&names))?)
}

/// One is told alone, several in their order.
fn numbered(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        several => {
            let lines = several.iter().enumerate().map(|(at, name)| format!("{}. {name}", at + 1));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}
