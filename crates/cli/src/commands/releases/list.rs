//! `releases`.

use wire::Release;

use crate::args::releases::List;
use crate::context::{Context, path};
use crate::table::columns;
use crate::terminal::Paint;

pub(super) async fn run(cx: &mut Context, args: List) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.show.app)?;
    let range = format!("version ..; order=desc, max={}", args.num);
    let releases: Vec<Release> = client.page(&path(&["apps", &app, "releases"]), &range).await?;
    if args.show.json {
        return cx.env.screen.json(&releases);
    }
    let current = releases.iter().find(|release| release.current);
    let current = current.map(|release| format!(" - Current: v{}", release.version)).unwrap_or_default();
    let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {app} Releases{current}"));
    let row = |release: &Release| {
        let status = match release.status.as_str() {
            "succeeded" => String::new(),
            "failed" => cx.env.screen.paint(Paint::Bad, "failed"),
            other => cx.env.screen.paint(Paint::Warning, other),
        };
        let number = cx.env.screen.paint(Paint::Warning, &format!("v{}", release.version));
        let mut described = release.description.clone();
        if !status.is_empty() {
            described = format!("{described} ({status})");
        }
        vec![number, described, release.user.email.clone(), cx.when(&release.created_at)]
    };
    let rows: Vec<_> = releases.iter().map(row).collect();
    Ok(cx.env.screen.say(format!("{heading}\n\n{}", columns(&rows)))?)
}
