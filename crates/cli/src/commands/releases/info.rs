//! `releases:info`.

use serde_json::json;
use wire::ConfigVars;

use crate::args::releases::Info;
use crate::context::{Context, path};
use crate::table::facts;
use crate::terminal::Paint;

pub(super) async fn run(cx: &mut Context, args: Info) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.show.app)?;
    let release = super::find(&client, &app, args.version.as_deref()).await?;
    let version = release.version.to_string();
    let vars: ConfigVars = client.get(&path(&["apps", &app, "releases", &version, "config-vars"])).await?;
    if args.show.json {
        return cx.env.screen.json(&json!({ "release": release, "config_vars": vars }));
    }
    let told = facts([
        ("Add-ons", release.addon_plan_names.join(", ")),
        ("Change", release.description.clone()),
        ("By", release.user.email.clone()),
        ("Status", release.status.clone()),
        ("Eligible for rollback", if release.eligible_for_rollback { "yes" } else { "no" }.to_owned()),
        ("When", cx.when(&release.created_at)),
    ]);
    let heading = cx.env.screen.paint(Paint::Bold, &format!("=== Release v{version}"));
    cx.env.screen.say(format!("{heading}\n\n{told}"))?;
    let heading = cx.env.screen.paint(Paint::Bold, &format!("=== v{version} Config vars"));
    let told = facts(vars.iter().map(|(key, value)| (key.as_str(), value.clone())));
    Ok(cx.env.screen.say(format!("\n{heading}\n\n{told}"))?)
}
