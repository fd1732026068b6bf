//! Dynos: list, run one-offs, restart, stop.

mod run;

use model::dyno::{Dyno, DynoEvent, DynoKind, DynoState};
use store::{App, StoreError, Tx};

use crate::apps::app_ref;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

pub(crate) use run::run;

/// Fields a dyno list can be sorted by.
const FIELDS: &[&str] = &["name", "id"];

pub(crate) fn show(
    tx: &Tx<'_>,
    app: &App,
    dyno: &Dyno,
    attach_url: Option<String>,
) -> Result<wire::Dyno, Problem> {
    let release = tx.release(dyno.release)?.ok_or(StoreError::Missing { what: "release of this dyno" })?;
    Ok(wire::Dyno {
        app: app_ref(app),
        attach_url,
        command: dyno.command.clone(),
        created_at: dyno.created_at.to_api(),
        id: dyno.id.to_string(),
        name: dyno.name.to_string(),
        release: wire::DynoRelease { id: release.id.to_string(), version: release.version.0 },
        size: dyno.size.as_str().to_owned(),
        state: dyno.state.as_str().to_owned(),
        kind: dyno.name.kind.to_string(),
        updated_at: dyno.state_changed_at.to_api(),
    })
}

/// The dynos that a user knows: one of each name. While a dyno is being replaced there are two; the newer is shown.
fn visible(tx: &Tx<'_>, app: &App) -> Result<Vec<Dyno>, Problem> {
    let mut seen: Vec<Dyno> = Vec::new();
    for dyno in tx.dynos_of(app.id)?.into_iter().filter(|dyno| !dyno.state.is_over()) {
        match seen.last_mut() {
            Some(last) if last.name == dyno.name => *last = dyno,
            _ => seen.push(dyno),
        }
    }
    Ok(seen)
}

fn find(tx: &Tx<'_>, app: &App, identity: &str) -> Result<Dyno, Problem> {
    let is_meant = |dyno: &Dyno| dyno.name.to_string() == identity || dyno.id.to_string() == identity;
    visible(tx, app)?.into_iter().find(is_meant).ok_or(Problem::NotFound { resource: "dyno" })
}

/// An app's dynos.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let shown: Result<Vec<_>, _> =
            visible(tx, &app)?.iter().map(|dyno| show(tx, &app, dyno, None)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// One dyno.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let dyno = find(tx, &app, call.param("dyno"))?;
        Ok(Reply::ok(&show(tx, &app, &dyno, None)?))
    })
    .await
}

/// Restarts all dynos of the formation; one-offs go on.
pub(crate) async fn restart_all(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let app = call.app(tx)?;
        for dyno in visible(tx, &app)?.iter().filter(|dyno| dyno.kind == DynoKind::Formation) {
            replace(tx, dyno)?;
        }
        Ok(Reply::accepted())
    })
    .await
}

/// Restarts all dynos of a process type. Stopping them is the same: what the formation wants comes back.
pub(crate) async fn restart_type(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let app = call.app(tx)?;
        let kind = call.param("formation");
        let ended = end_type(tx, &app, kind)?;
        if ended { Ok(Reply::accepted()) } else { Err(Problem::NoProcessType { kind: kind.to_owned() }) }
    })
    .await
}

/// Ends the dynos of a process type; tells whether there is such a type.
fn end_type(tx: &Tx<'_>, app: &App, kind: &str) -> Result<bool, Problem> {
    let dynos = visible(tx, app)?;
    let of_kind: Vec<_> = dynos.iter().filter(|dyno| dyno.name.kind.as_str() == kind).collect();
    of_kind.iter().try_for_each(|dyno| end(tx, dyno))?;
    Ok(!of_kind.is_empty() || tx.formation(app.id)?.iter().any(|entry| entry.kind.as_str() == kind))
}

/// Restarts or stops one dyno: of the formation, it comes back; a one-off ends. A process type in its place means all of
/// its dynos (`heroku ps:restart web`).
pub(crate) async fn stop(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let app = call.app(tx)?;
        let asked = call.param("dyno");
        match find(tx, &app, asked) {
            Ok(dyno) => end(tx, &dyno)?,
            Err(missing) if !end_type(tx, &app, asked)? => return Err(missing),
            Err(_) => {}
        }
        Ok(Reply::accepted())
    })
    .await
}

fn end(tx: &Tx<'_>, dyno: &Dyno) -> Result<(), Problem> {
    match dyno.kind {
        DynoKind::Formation => replace(tx, dyno),
        DynoKind::Run | DynoKind::Release => Ok(tx.dyno_on(dyno.id, DynoEvent::Stop).map(drop)?),
    }
}

/// A dyno that is going away already is not replaced: it was scaled down, or its replacement is there.
fn replace(tx: &Tx<'_>, dyno: &Dyno) -> Result<(), Problem> {
    if dyno.state == DynoState::Stopping { Ok(()) } else { Ok(tx.replace_dyno(dyno.id)?) }
}
