//! Releases.

mod info;
mod list;
mod rollback;

use wire::{Client, ClientError, Release};

use crate::args::releases::{Command, Output};
use crate::context::{Context, newest_release, path};
use crate::words::Problem;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list::run(cx, args).await,
        Command::Info(args) => info::run(cx, args).await,
        Command::Output(args) => output(cx, args).await,
        Command::Rollback(args) => rollback::run(cx, args).await,
    }
}

/// The release that is named, else the newest.
async fn find(client: &Client, app: &str, version: Option<&str>) -> anyhow::Result<Release> {
    match version {
        Some(version) => {
            Ok(client.get(&path(&["apps", app, "releases", version.trim_start_matches('v')])).await?)
        }
        None => newest_release(client, app).await?.ok_or_else(|| none(app).into()),
    }
}

fn none(app: &str) -> Problem {
    Problem::Missing { what: format!("{app} has no releases"), hint: "`git push heroku main` makes one" }
}

async fn output(cx: &mut Context, args: Output) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let release = find(&client, &app, args.version.as_deref()).await?;
    match &release.output_stream_url {
        Some(url) => stream(cx, &client, url).await,
        None => {
            cx.env.screen.note(format!("Release v{} ran no command", release.version));
            Ok(())
        }
    }
}

/// Shows what a release's command prints, to its end.
async fn stream(cx: &mut Context, client: &Client, url: &str) -> anyhow::Result<()> {
    let mut output = match client.open(url, "*/*").await {
        Ok(output) => output,
        Err(ClientError::Refused { status, .. }) if status.as_u16() == 404 => {
            cx.env.screen.note("The release command printed nothing yet");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    while let Some(piece) = output.next().await? {
        cx.env.screen.write(&piece)?;
    }
    Ok(())
}
