//! `ps:scale`.

use wire::{Formation, FormationBatch, FormationChange, Text};

use crate::args::ps::{Scale, Type};
use crate::context::{Context, path};
use crate::words::Problem;

pub(super) async fn run(cx: &mut Context, args: Scale) -> anyhow::Result<()> {
    let updates = args.changes.iter().map(|text| change(text)).collect::<Result<Vec<_>, _>>()?;
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let at = path(&["apps", &app, "formation"]);
    if updates.is_empty() {
        let formation: Vec<Formation> = client.list(&at).await?;
        if formation.is_empty() {
            cx.env.screen.note(format!("{app} has no process types yet; deploy it first"));
            return Ok(());
        }
        let told: Vec<String> = formation
            .iter()
            .map(|entry| format!("{}={}:{}", entry.kind, entry.quantity, entry.size))
            .collect();
        return Ok(cx.env.screen.say(told.join(" "))?);
    }
    cx.env.screen.start("Scaling dynos");
    let changed: Vec<Formation> = client.patch(&at, &FormationBatch { updates }).await?;
    let told: Vec<String> =
        changed.iter().map(|entry| format!("{} at {}:{}", entry.kind, entry.quantity, entry.size)).collect();
    cx.env.screen.done(format!("now running {}", told.join(", ")));
    Ok(())
}

/// `ps:type`: sizes only; a size alone is meant for every process type.
pub(super) async fn resize(cx: &mut Context, args: Type) -> anyhow::Result<()> {
    let mut sizes = args.changes.clone();
    if let [only] = args.changes.as_slice()
        && !only.contains('=')
    {
        let client = cx.client()?;
        let app = cx.app(&args.app)?;
        let formation: Vec<Formation> = client.list(&path(&["apps", &app, "formation"])).await?;
        let all = formation.iter().filter(|entry| entry.kind != "release");
        sizes = all.map(|entry| format!("{}={only}", entry.kind)).collect();
    }
    if let Some(count) = sizes.iter().find(|text| !is_size(text)) {
        return Err(Problem::NotInForm { given: count.clone(), form: "SIZE or TYPE=SIZE" }.into());
    }
    run(cx, Scale { changes: sizes, app: args.app }).await
}

fn is_size(text: &str) -> bool {
    let is_name = |size: &str| size.starts_with(|first: char| first.is_ascii_alphabetic());
    text.split_once('=').is_some_and(|(kind, size)| !kind.is_empty() && is_name(size) && !size.contains(':'))
}

/// `web=2`, `web=2:standard-2x`, `web+1`, `web-1`, `web=standard-2x`.
fn change(text: &str) -> Result<FormationChange, Problem> {
    let wrong =
        || Problem::NotInForm { given: text.to_owned(), form: "TYPE=COUNT, TYPE=COUNT:SIZE or TYPE+COUNT" };
    let at = text.find(['=', '+']).or_else(|| relative(text)).ok_or_else(wrong)?;
    let (kind, rest) = text.split_at(at);
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let (quantity, size) = match rest.split_once(':') {
        Some((quantity, size)) => (Some(quantity), Some(size)),
        None if rest.starts_with(|first: char| first.is_ascii_alphabetic()) => (None, Some(rest)),
        None => (Some(rest), None),
    };
    if kind.is_empty() || quantity == Some("") || size == Some("") {
        return Err(wrong());
    }
    Ok(FormationChange {
        kind: Some(kind.to_owned()),
        quantity: quantity.map(Text::from),
        size: size.map(str::to_owned),
        dyno_size: None,
    })
}

/// Where the `-1` of `some-worker-1` begins.
fn relative(text: &str) -> Option<usize> {
    let before_size = text.split(':').next().unwrap_or_default();
    let at = before_size.rfind('-')?;
    let count = &before_size[at + 1..];
    (!count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn a_change_is_a_count_a_size_or_both() {
        for (text, kind, quantity, size) in [
            ("web=2", "web", Some("2"), None),
            ("web=2:Standard-2X", "web", Some("2"), Some("Standard-2X")),
            ("web=+1", "web", Some("+1"), None),
            ("web+1", "web", Some("+1"), None),
            ("some-worker-1", "some-worker", Some("-1"), None),
            ("web-2:basic", "web", Some("-2"), Some("basic")),
            ("web=basic", "web", None, Some("basic")),
        ] {
            let read = change(text).expect(text);
            assert_eq!(read.kind.as_deref(), Some(kind), "{text}");
            assert_eq!(read.quantity.map(|quantity| quantity.0).as_deref(), quantity, "{text}");
            assert_eq!(read.size.as_deref(), size, "{text}");
        }
        for wrong in ["web", "=2", "web=", "web=2:", "some-worker", ""] {
            assert!(change(wrong).is_err(), "{wrong}");
        }
    }
}
