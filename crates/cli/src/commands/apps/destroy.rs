//! `apps:destroy`.

use wire::App;

use crate::args::apps::Destroy;
use crate::context::{Context, path};
use crate::remotes;

pub(super) async fn run(cx: &mut Context, args: Destroy) -> anyhow::Result<()> {
    let client = cx.client()?;
    let asked = cx.app(&args.app)?;
    let app: App = client.get(&path(&["apps", &asked])).await?;
    let warning = format!("This destroys {} with its add-ons and their data.", app.name);
    cx.confirm(&app.name, args.confirm.as_deref(), &warning)?;
    cx.env.screen.start(format!("Destroying {} (including all add-ons)", app.name));
    client.delete::<App>(&path(&["apps", &app.id])).await?;
    cx.env.screen.done("");
    let git_host = cx.server()?.git_host();
    for remote in remotes::repoint(&cx.env.dir, &git_host, &app.name, None) {
        cx.env.screen.note(format!("Removed the git remote {remote}"));
    }
    Ok(())
}
