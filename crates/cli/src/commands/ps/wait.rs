//! `ps:wait`.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use wire::Dyno;

use crate::args::ps::Wait;
use crate::context::{Context, newest_release, path};
use crate::words::Problem;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long it looks: a release command may take an hour.
const WAIT_MAX: Duration = Duration::from_secs(3600);

pub(super) async fn run(cx: &mut Context, args: Wait) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let missing = |what: String| Problem::Missing { what, hint: "`hokku releases` lists its releases" };
    let newest = newest_release(&client, &app).await?;
    let newest = newest.ok_or_else(|| missing(format!("{app} has no releases")))?;
    cx.env.screen.start(format!("Waiting for every dyno to be running v{}", newest.version));
    let until = Instant::now() + WAIT_MAX;
    loop {
        let dynos: Vec<Dyno> = client.list(&path(&["apps", &app, "dynos"])).await?;
        let meant = |dyno: &&Dyno| match &args.process_type {
            Some(kind) => dyno.kind == *kind,
            None => dyno.kind != "release" && (args.with_run || dyno.kind != "run"),
        };
        let meant: Vec<_> = dynos.iter().filter(meant).collect();
        let runs = |dyno: &&&Dyno| dyno.state == "up" && dyno.release.version >= newest.version;
        let running = meant.iter().filter(runs).count();
        if running == meant.len() {
            cx.env.screen.done(format!("{running} / {}", meant.len()));
            return Ok(());
        }
        let version = newest.version.to_string();
        let now: wire::Release = client.get(&path(&["apps", &app, "releases", &version])).await?;
        if now.status == "failed" {
            return Err(missing(format!("v{version} failed, so no dyno will run it")).into());
        }
        if Instant::now() >= until {
            let waited = WAIT_MAX;
            return Err(Problem::DynosNotUp { running, of: meant.len(), waited }.into());
        }
        sleep(LOOK_EVERY).await;
    }
}
