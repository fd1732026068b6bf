//! Formations: how many dynos of which size run each process type.

use logs::event;
use model::formation::{DYNOS_PER_APP_MAX, DynoSize, Formation, Quantity};
use store::{App, Tx};

use crate::apps::app_ref;
use crate::body::Json;
use crate::call::{Call, Said};
use crate::dyno_sizes;
use crate::error::{Problem, too_many_dynos};
use crate::reply::{Answer, Reply};

/// Fields a formation can be sorted by.
const FIELDS: &[&str] = &["type", "id"];

pub(crate) fn show(app: &App, entry: &Formation) -> wire::Formation {
    wire::Formation {
        app: app_ref(app),
        command: entry.command.clone(),
        created_at: entry.created_at.to_api(),
        dyno_size: dyno_sizes::size_ref(entry.size),
        id: entry.id.to_string(),
        quantity: entry.quantity,
        size: entry.size.as_str().to_owned(),
        kind: entry.kind.to_string(),
        updated_at: entry.updated_at.to_api(),
    }
}

fn find(tx: &Tx<'_>, app: &App, kind: &str) -> Result<Formation, Problem> {
    let found =
        tx.formation(app.id)?.into_iter().find(|it| it.kind.as_str() == kind || it.id.to_string() == kind);
    found.ok_or_else(|| Problem::NoProcessType { kind: kind.to_owned() })
}

/// An app's whole formation.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        call.list(tx.formation(app.id)?.iter().map(|entry| show(&app, entry)).collect(), FIELDS)
    })
    .await
}

/// One process type.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        Ok(Reply::ok(&show(&app, &find(tx, &app, call.param("formation"))?)))
    })
    .await
}

/// Scales several process types, all or none; answers with these.
pub(crate) async fn batch(call: Call, Json(batch): Json<wire::FormationBatch>) -> Answer {
    call.write(move |tx, call, said| {
        let app = call.app(tx)?;
        let changed = scale(tx, &app, &batch.updates, said)?;
        Ok(Reply::ok(&changed))
    })
    .await
}

/// Scales one process type.
pub(crate) async fn update(call: Call, Json(change): Json<wire::FormationChange>) -> Answer {
    call.write(move |tx, call, said| {
        let app = call.app(tx)?;
        let kind = Some(call.param("formation").to_owned());
        let changed = scale(tx, &app, &[wire::FormationChange { kind, ..change }], said)?;
        Ok(Reply::ok(&changed.into_iter().next()))
    })
    .await
}

fn scale(
    tx: &Tx<'_>,
    app: &App,
    changes: &[wire::FormationChange],
    said: &mut Said,
) -> Result<Vec<wire::Formation>, Problem> {
    let mut scaled = Vec::new();
    for change in changes {
        let entry = find(tx, app, change.kind.as_deref().unwrap_or_default())?;
        let (quantity, size) = resolve(&entry, change)?;
        tx.scale(app.id, &entry.kind, quantity, size)?;
        scaled.push((entry.kind, quantity, size));
    }
    let formation = tx.formation(app.id)?;
    let total: u64 = formation.iter().map(|entry| u64::from(entry.quantity)).sum();
    if total > u64::from(DYNOS_PER_APP_MAX) {
        return Err(too_many_dynos(DYNOS_PER_APP_MAX));
    }
    if !scaled.is_empty() {
        said.say_with(app.id, |user| event::scaled_to(&scaled, user));
    }
    let is_changed = |entry: &&Formation| scaled.iter().any(|(kind, ..)| *kind == entry.kind);
    Ok(formation.iter().filter(is_changed).map(|entry| show(app, entry)).collect())
}

/// What a change means for what is there.
fn resolve(entry: &Formation, change: &wire::FormationChange) -> Result<(u32, DynoSize), Problem> {
    let quantity = match &change.quantity {
        Some(text) => {
            let quantity: Quantity = text.0.parse().map_err(Problem::invalid)?;
            quantity.applied_to(entry.quantity)
        }
        None => entry.quantity,
    };
    let asked = change.size.as_deref().or(change.dyno_size.as_ref().map(|size| size.0.as_str()));
    let size = asked.map_or(Ok(entry.size), dyno_sizes::parse)?;
    if entry.kind.is_release() && quantity > 0 {
        return Err(Problem::Invalid("Cannot scale release: it runs once for each release.".to_owned()));
    }
    Ok((quantity, size))
}
