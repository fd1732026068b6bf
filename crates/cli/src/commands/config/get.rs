//! `config:get`.

use wire::ConfigVars;

use super::quoted;
use crate::args::config::Get;
use crate::context::{Context, path};

pub(super) async fn run(cx: &mut Context, args: Get) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let vars: ConfigVars = client.get(&path(&["apps", &app, "config-vars"])).await?;
    for key in &args.keys {
        // What is not set is an empty line and no failure, as on Heroku.
        let value = vars.get(key).map_or("", String::as_str);
        if args.shell {
            cx.env.screen.say(format!("{key}={}", quoted(value)))?;
        } else {
            cx.env.screen.say(value)?;
        }
        if !vars.contains_key(key) {
            cx.env.screen.note(format!("{key} is not set"));
        }
    }
    Ok(())
}
