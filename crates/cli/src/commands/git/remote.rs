//! `git:remote`: the remote of an app, and what git must know to push to it.

use wire::App;

use crate::args::git::Remote;
use crate::context::{Context, path};
use crate::credentials::write_private;
use crate::remotes;
use crate::server::host;
use crate::words::Problem;

pub(super) async fn run(cx: &mut Context, args: Remote) -> anyhow::Result<()> {
    if !remotes::is_repository(&cx.env.dir) {
        return Err(Problem::NoRepository.into());
    }
    let client = cx.client()?;
    let mut choice = args.app;
    let remote = choice.remote.take();
    let asked = cx.app(&choice)?;
    let app: App = client.get(&path(&["apps", &asked])).await?;
    make(cx, remote.as_deref(), &app.git_url)
}

/// Points a remote at an app's repository.
pub(in crate::commands) fn make(cx: &mut Context, remote: Option<&str>, git_url: &str) -> anyhow::Result<()> {
    let name = remotes::point(&cx.env.dir, remote, git_url).ok_or(Problem::GitRefused)?;
    let git_host = host(git_url);
    let ca_file = match cx.server()?.own_ca_pem()? {
        Some(pem) => {
            let folder = cx.folder()?.join("ca");
            let file = format!("{}.pem", git_host.replace([':', '/'], "_"));
            write_private(&folder, &file, pem.as_bytes())?;
            Some(folder.join(file))
        }
        None => None,
    };
    remotes::introduce(&cx.env.dir, git_host, &cx.env.program, ca_file.as_deref())
        .ok_or(Problem::GitRefused)?;
    cx.env.screen.note(format!("Set the git remote {name} to {git_url}"));
    if ca_file.is_some() && cx.var("GIT_SSL_CAINFO").is_some() {
        cx.env
            .screen
            .note("Warning: GIT_SSL_CAINFO is set, so git will not look at this server's own certificate");
    }
    Ok(())
}
