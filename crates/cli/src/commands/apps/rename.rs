//! `apps:rename`.

use wire::{App, AppChange};

use crate::args::apps::Rename;
use crate::context::{Context, path};
use crate::remotes;

pub(super) async fn run(cx: &mut Context, args: Rename) -> anyhow::Result<()> {
    let client = cx.client()?;
    let old = cx.app(&args.app)?;
    cx.env.screen.start(format!("Renaming {old} to {}", args.new_name));
    let change = AppChange { name: Some(args.new_name), ..AppChange::default() };
    let app: App = client.patch(&path(&["apps", &old]), &change).await?;
    cx.env.screen.done("");
    let git_host = cx.server()?.git_host();
    for remote in remotes::repoint(&cx.env.dir, &git_host, &old, Some(&app.git_url)) {
        cx.env.screen.note(format!("Pointed the git remote {remote} at it"));
    }
    let web_url = app.web_url.as_deref().unwrap_or("-");
    Ok(cx.env.screen.say(format!("{web_url} | {}", app.git_url))?)
}
