//! `ps`.

use wire::Dyno;

use crate::args::ps::List;
use crate::commands::run::exit_status::typed;
use crate::context::{Context, path};
use crate::terminal::Paint;

pub(super) async fn run(cx: &mut Context, args: List) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.show.app)?;
    let mut dynos: Vec<Dyno> = client.list(&path(&["apps", &app, "dynos"])).await?;
    dynos.retain(|dyno| args.types.is_empty() || args.types.contains(&dyno.kind));
    dynos.sort_by_key(|dyno| (dyno.kind.clone(), number(&dyno.name)));
    if args.show.json {
        return cx.env.screen.json(&dynos);
    }
    if dynos.is_empty() {
        cx.env.screen.note(format!("No dynos run on {app}; `hokku ps:scale web=1` starts one"));
    }
    // One-offs have a command each, so they are told together but one by one.
    let groups = dynos.chunk_by(|a, b| a.kind == b.kind && a.command == b.command && a.size == b.size);
    for (at, group) in groups.enumerate() {
        let Some(first) = group.first() else { continue };
        let heading =
            format!("=== {} ({}): {} ({})", first.kind, first.size, typed(&first.command), group.len());
        let heading = cx.env.screen.paint(Paint::Bold, &heading);
        let gap = if at == 0 { "" } else { "\n" };
        cx.env.screen.say(format!("{gap}{heading}\n"))?;
        for dyno in group {
            let paint = match dyno.state.as_str() {
                "up" => Paint::Good,
                "crashed" => Paint::Bad,
                _ => Paint::Warning,
            };
            let state = cx.env.screen.paint(paint, &dyno.state);
            cx.env.screen.say(format!("{}: {state} {}", dyno.name, cx.when(&dyno.updated_at)))?;
        }
    }
    Ok(())
}

/// `web.10` comes after `web.9`.
fn number(name: &str) -> u64 {
    name.rsplit_once('.').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}
