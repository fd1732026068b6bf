//! `apps:open`.

use std::process::{Command, Stdio};

use wire::App;

use crate::args::apps::Open;
use crate::context::{Context, path};

/// Programs that open a URL, the user's own aside: those of Linux and of macOS.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

pub(super) async fn run(cx: &mut Context, args: Open) -> anyhow::Result<()> {
    let client = cx.client()?;
    let asked = cx.app(&args.app)?;
    let app: App = client.get(&path(&["apps", &asked])).await?;
    let web_url = app.web_url.unwrap_or_default();
    let page = args.path.unwrap_or_default();
    let url = format!("{}/{}", web_url.trim_end_matches('/'), page.trim_start_matches('/'));
    // In a script the URL itself is wanted.
    if cx.env.screen.terminals().output {
        let own = cx.var("BROWSER");
        let openers = own.iter().map(String::as_str).chain(OPENERS);
        let quiet = |opener: &str| {
            Command::new(opener)
                .arg(&url)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        if openers.into_iter().all(|opener| quiet(opener).is_err()) {
            cx.env.screen.note("No browser was found here; open it yourself:");
        }
    }
    Ok(cx.env.screen.say(url)?)
}
