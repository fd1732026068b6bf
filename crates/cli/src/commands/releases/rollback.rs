//! `rollback`.

use wire::{Client, Release, ReleaseRequest};

use crate::args::releases::Rollback;
use crate::context::{Context, path};
use crate::words::Problem;

/// How far back a release to go back to is looked for.
const RANGE: &str = "version ..; order=desc, max=50";

pub(super) async fn run(cx: &mut Context, args: Rollback) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let target = match &args.version {
        Some(version) => super::find(&client, &app, Some(version)).await?,
        None => previous(&client, &app).await?,
    };
    cx.env.screen.start(format!("Rolling back {app} to v{}", target.version));
    let request = ReleaseRequest { release: Some(target.id), ..ReleaseRequest::default() };
    let made: Release = client.post(&path(&["apps", &app, "releases"]), &request).await?;
    cx.env.screen.done(format!("v{}", made.version));
    cx.env.screen.note("Code and config vars are as they were; add-ons stay as they are");
    match &made.output_stream_url {
        Some(url) => super::stream(cx, &client, url).await,
        None => Ok(()),
    }
}

/// The newest good release with code before the one that the app runs.
async fn previous(client: &Client, app: &str) -> anyhow::Result<Release> {
    let releases: Vec<Release> = client.page(&path(&["apps", app, "releases"]), RANGE).await?;
    let current = releases.iter().find(|release| release.current).map_or(u32::MAX, |release| release.version);
    let eligible =
        releases.into_iter().filter(|release| release.eligible_for_rollback && release.version < current);
    eligible.max_by_key(|release| release.version).ok_or_else(|| {
        let what = format!("{app} has no release to go back to");
        Problem::Missing { what, hint: "`hokku releases` lists them" }.into()
    })
}
