//! `run:detached`.

use wire::{Dyno, DynoRequest, Flag, LogSessionRequest};

use crate::args::run::Detached;
use crate::commands::logs;
use crate::context::{Context, path};

pub(super) async fn run(cx: &mut Context, args: Detached) -> anyhow::Result<()> {
    let (request, command) = super::request(&args.wish)?;
    let client = cx.client()?;
    let app = cx.app(&args.wish.app)?;
    cx.env.screen.start(format!("Running {command} on {app}"));
    let request = DynoRequest { attach: Some(Flag(false)), ..request };
    let dyno: Dyno = client.post(&path(&["apps", &app, "dynos"]), &request).await?;
    cx.env.screen.done(&dyno.name);
    if args.tail {
        let request = LogSessionRequest {
            dyno: Some(dyno.name),
            tail: Some(Flag(true)),
            ..LogSessionRequest::default()
        };
        return logs::show(cx, &app, &request).await;
    }
    cx.env.screen.note(format!("`hokku logs --app {app} --dyno {}` shows what it prints", dyno.name));
    Ok(())
}
