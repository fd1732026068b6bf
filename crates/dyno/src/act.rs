//! One action at a time, each safe to do again.

use std::net::SocketAddr;
use std::time::Duration;

use logs::event;
use model::config_var::Secret;
use model::dyno::{Dyno, DynoEvent, DynoKind, DynoState, Exit, ExitReason, STOP_GRACE, backoff};
use model::id::{AppId, DynoId, ReleaseId};
use model::log::{Line, Source};
use model::release::{ReleaseEvent, ReleaseStatus};
use router::{Control, ControlError, Table};
use store::{StoreError, Tx};
use tracing::{error, info};

use crate::command;
use crate::engine::{Life, News, Report, Terminal};
use crate::metadata;
use crate::plan::{Action, Seen, failure};
use crate::routes;
use crate::stage::{Context, Memory, frame};

/// How often a drain looks whether the last requests are answered.
const DRAIN_LOOK_EVERY: Duration = Duration::from_millis(50);
/// A dyno that was up this long before it crashed starts its cool-offs anew.
const STEADY_AFTER: Duration = Duration::from_secs(300);

/// After a restart: takes up watching everything that may have gone on.
pub(crate) async fn adopt(cx: &Context) -> Result<(), StoreError> {
    for dyno in cx.store.read(|tx| tx.dynos()).await? {
        if dyno.life > 0 && !matches!(dyno.state, DynoState::Crashed | DynoState::Down | DynoState::Complete)
        {
            cx.engine.adopt(dyno.id, dyno.life);
        }
    }
    Ok(())
}

/// Writes what the engine tells into the store.
pub(crate) async fn take_in(
    cx: &Context,
    memory: &mut Memory,
    reports: Vec<Report>,
) -> Result<(), StoreError> {
    for Report { dyno, life, news } in reports {
        if let News::Exited { last_words, .. } = &news {
            memory.last_words.insert(dyno, last_words.clone());
        }
        cx.store.write(move |tx| note(tx, dyno, life, &news)).await?;
    }
    Ok(())
}

/// One piece of news. What comes from an earlier life, or of a dyno that is gone, means nothing any more.
fn note(tx: &Tx<'_>, id: DynoId, life: u32, news: &News) -> Result<(), StoreError> {
    let Some(dyno) = tx.dyno(id)?.filter(|dyno| dyno.life == life) else { return Ok(()) };
    match news {
        News::Placed(address) => tx.set_dyno_address(id, *address),
        News::Up if dyno.state == DynoState::Starting => tx.dyno_on(id, DynoEvent::Ready).map(drop),
        News::Up => Ok(()),
        News::Exited { exit, .. } => note_exit(tx, &dyno, *exit),
    }
}

fn note_exit(tx: &Tx<'_>, dyno: &Dyno, exit: Exit) -> Result<(), StoreError> {
    if matches!(dyno.state, DynoState::Crashed | DynoState::Down | DynoState::Complete) {
        return Ok(()); // told twice, as after a restart of the server
    }
    let was_steady = dyno.state == DynoState::Up && tx.now().since(dyno.state_changed_at) >= STEADY_AFTER;
    let event = match exit.reason {
        ExitReason::BootTimeout if dyno.kind == DynoKind::Formation => DynoEvent::BootTimedOut,
        _ => DynoEvent::Exited,
    };
    tx.set_dyno_exit(dyno.id, exit)?;
    let after = tx.dyno_on(dyno.id, event)?;
    if after.state == DynoState::Crashed {
        let crashes = match exit.reason {
            ExitReason::Stopped | ExitReason::Lost => 0, // the platform's doing, not the app's
            _ if was_steady => 1,
            _ => dyno.crashes + 1,
        };
        tx.set_dyno_crashes(dyno.id, crashes, tx.now().plus(backoff(crashes)))?;
    }
    Ok(())
}

/// Brings the router up to date; returns once every worker of it uses the table.
pub(crate) async fn publish(cx: &Context, memory: &mut Memory, table: Table) -> Result<(), ControlError> {
    if memory.router.is_some() && memory.published.as_ref() == Some(&table) {
        return Ok(());
    }
    memory.generation += 1;
    let numbered = Table { generation: memory.generation, ..table.clone() };
    let mut router = match memory.router.take() {
        Some(router) => router,
        None => Control::connect(&cx.router_socket).await?,
    };
    router.publish(&numbered).await?;
    memory.router = Some(router);
    memory.published = Some(table);
    Ok(())
}

/// Does one action; a failure is logged, and the next scan plans it again. What takes traffic away from a dyno is
/// only done when the router has the newest table (`routed`).
pub(crate) async fn act(cx: &Context, memory: &mut Memory, seen: &Seen, action: Action, routed: bool) {
    let result = match action {
        Action::Create { app, release, name, command, size } => {
            let dyno = move |now| Dyno { command, size, ..Dyno::new(app, name, release, now) };
            cx.store.write(|tx| tx.create_dyno(&dyno(tx.now()))).await
        }
        Action::Start(dyno) => start(cx, dyno).await,
        Action::Switch { app, release } if routed => switch(cx, memory, seen, app, release).await,
        Action::Fail { release, dyno } => fail(cx, memory, release, dyno, ReleaseEvent::Fail).await,
        Action::Keep { release, dyno } => fail(cx, memory, release, dyno, ReleaseEvent::Settle).await,
        Action::Drain(dyno) if routed => drain(cx, memory, seen, dyno).await,
        Action::Switch { .. } | Action::Drain(_) => Ok(()),
        Action::Stop(dyno) => stop(cx, dyno).await,
        Action::Cycle(dyno) => cycle(cx, seen, dyno).await,
        Action::KeepStopping(dyno) => {
            if let Some(dyno) = find(seen, dyno) {
                cx.engine.stop(dyno.id, dyno.life);
            }
            Ok(())
        }
        Action::Forget(dyno) => {
            memory.last_words.remove(&dyno);
            cx.store.write(move |tx| tx.delete_dyno(dyno)).await
        }
        Action::Discard(dyno) => {
            cx.engine.discard(dyno);
            Ok(())
        }
    };
    if let Err(error) = result {
        error!(error = &error as &dyn std::error::Error, "a step for a dyno failed; it is planned again");
    }
}

fn find(seen: &Seen, id: DynoId) -> Option<&Dyno> {
    seen.apps.values().flat_map(|app| &app.dynos).find(|dyno| dyno.id == id)
}

/// Starts a dyno's process: its life is counted first, so that a start which was cut short is seen as lost.
async fn start(cx: &Context, id: DynoId) -> Result<(), StoreError> {
    let life = cx.store.write(move |tx| begin(tx, id)).await?;
    if life.number > 1 {
        let line = event::state_changed("crashed", "starting");
        say(cx, life.app, &life.name.to_string(), &line);
    }
    cx.engine.start(life);
    Ok(())
}

fn begin(tx: &Tx<'_>, id: DynoId) -> Result<Life, StoreError> {
    let dyno = tx.dyno(id)?.ok_or(StoreError::Missing { what: "dyno" })?;
    if dyno.state == DynoState::Crashed {
        tx.dyno_on(id, DynoEvent::Retry)?;
    }
    let dyno = tx.begin_life(id)?;
    let release = tx.release(dyno.release)?.ok_or(StoreError::Missing { what: "release" })?;
    let slug = release.slug.map(|slug| tx.slug(slug)).transpose()?.flatten();
    let slug = slug.ok_or(StoreError::Missing { what: "slug" })?;
    let config = tx.release_config(release.id)?;
    let mut env: Vec<_> = config.into_iter().map(|(key, value)| (key.as_str().to_owned(), value)).collect();
    env.extend(metadata::env(tx, &dyno, &release, &slug)?);
    env.extend(dyno.env.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))));
    let attach = dyno.attach.as_ref().map(|attach| match attach.window {
        None => Terminal::None,
        Some((columns, rows)) => Terminal::Sized { columns, rows },
    });
    let command = match dyno.kind {
        DynoKind::Run => command::resolve(&dyno.command, &slug.processes),
        DynoKind::Formation | DynoKind::Release => dyno.command.clone(),
    };
    Ok(Life {
        dyno: dyno.id,
        number: dyno.life,
        app: dyno.app,
        web: dyno.kind == DynoKind::Formation && dyno.name.kind.is_web(),
        name: dyno.name,
        kind: dyno.kind,
        size: dyno.size,
        command,
        env,
        manifest: slug.manifest,
        attach,
        transcript: (dyno.kind == DynoKind::Release).then(|| format!("release-{}", release.id)),
    })
}

/// Gives the new dynos the traffic, then writes down that they have it. A kill in between is healed by the next start,
/// which publishes from the store and switches again.
async fn switch(
    cx: &Context,
    memory: &mut Memory,
    seen: &Seen,
    app: AppId,
    release: ReleaseId,
) -> Result<(), StoreError> {
    if let Err(error) = publish(cx, memory, routes::table(seen, &frame(cx), Some(release))).await {
        error!(error = &error as &dyn std::error::Error, "could not switch the router to a release");
        return Ok(());
    }
    let made = cx
        .store
        .write(move |tx| {
            let release = tx.release_on(release, ReleaseEvent::Switched)?;
            if let Some(slug) = release.slug.map(|slug| tx.slug(slug)).transpose()?.flatten() {
                tx.sync_formation(app, &slug.processes, true)?;
            }
            Ok::<_, StoreError>(release)
        })
        .await?;
    info!(app.id = %app, release.version = %made.version, "{} takes the traffic", made.version);
    Ok(())
}

/// Ends a rollout whose dynos failed, with the dead dyno's reason and last lines as words for its developer.
async fn fail(
    cx: &Context,
    memory: &Memory,
    release: ReleaseId,
    dyno: DynoId,
    event: ReleaseEvent,
) -> Result<(), StoreError> {
    let words = memory.last_words.get(&dyno).cloned().unwrap_or_default();
    let boot_timeout = cx.boot_timeout;
    let ended = cx
        .store
        .write(move |tx| {
            let dyno = tx.dyno(dyno)?.ok_or(StoreError::Missing { what: "dyno" })?;
            let release = tx.release_on(release, event)?;
            let text = failure(&dyno, dyno.exit, &words, boot_timeout);
            tx.set_release_failure(release.id, &text)?;
            let serving = tx.current_release(release.app)?.filter(|current| current.id != release.id);
            Ok::<_, StoreError>((release, text, serving))
        })
        .await?;
    let (release, text, serving) = ended;
    let why = text.lines().next().unwrap_or_default();
    let line = match serving {
        Some(serving) if release.status == ReleaseStatus::Failed => {
            event::rollout_failed(release.version, why, serving.version)
        }
        _ => event::rollout_crashed(release.version, why),
    };
    log(cx, release.app, Source::App, "api", &line);
    Ok(())
}

/// Begins to wait until a dyno's last requests are answered. It gets no new ones: the table without it is in use.
async fn drain(cx: &Context, memory: &mut Memory, seen: &Seen, id: DynoId) -> Result<(), StoreError> {
    let Some(address) = find(seen, id).and_then(|dyno| dyno.address) else { return stop(cx, id).await };
    if memory.draining.insert(id) {
        let socket = cx.router_socket.clone();
        memory.drains.spawn(async move {
            let idle = async {
                let mut router = Control::connect(&socket).await?;
                let address = SocketAddr::V4(address);
                while router.in_flight(&[address]).await?.values().any(|requests| *requests > 0) {
                    tokio::time::sleep(DRAIN_LOOK_EVERY).await;
                }
                Ok::<_, ControlError>(())
            };
            match tokio::time::timeout(STOP_GRACE, idle).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => error!(error = &error as &dyn std::error::Error, "could not watch a drain"),
                Err(_) => info!(dyno.id = %id, "a dyno still had requests when its drain time was over"),
            }
            id
        });
    }
    Ok(())
}

/// A drain is over: the dyno is stopped.
pub(crate) async fn drained(cx: &Context, memory: &mut Memory, id: DynoId) {
    memory.draining.remove(&id);
    if let Err(error) = stop(cx, id).await {
        error!(error = &error as &dyn std::error::Error, "could not stop a drained dyno");
    }
}

/// Says that a dyno's day is over and has it replaced; a one-off has nobody to take its place.
async fn cycle(cx: &Context, seen: &Seen, id: DynoId) -> Result<(), StoreError> {
    let Some(dyno) = find(seen, id) else { return Ok(()) };
    say(cx, dyno.app, &dyno.name.to_string(), &event::cycling());
    match dyno.kind {
        DynoKind::Formation => cx.store.write(move |tx| tx.replace_dyno(id)).await,
        DynoKind::Run | DynoKind::Release => stop(cx, id).await,
    }
}

async fn stop(cx: &Context, id: DynoId) -> Result<(), StoreError> {
    let stopped = cx.store.write(move |tx| stop_in(tx, id)).await?;
    if let Some((before, dyno)) = stopped {
        if dyno.life > 0 {
            cx.engine.stop(dyno.id, dyno.life);
        }
        let line = event::state_changed(before.as_str(), "down");
        say(cx, dyno.app, &dyno.name.to_string(), &line);
    }
    Ok(())
}

/// Marks a dyno to be stopped, and tells what it was. One that was never started is down at once.
fn stop_in(tx: &Tx<'_>, id: DynoId) -> Result<Option<(DynoState, Dyno)>, StoreError> {
    let open = |dyno: &Dyno| !dyno.state.is_over() && dyno.state != DynoState::Stopping;
    let Some(before) = tx.dyno(id)?.filter(open) else { return Ok(None) };
    let mut dyno = tx.dyno_on(id, DynoEvent::Stop)?;
    if dyno.life == 0 && dyno.state == DynoState::Stopping {
        dyno = tx.dyno_on(id, DynoEvent::Exited)?;
    }
    Ok(Some((before.state, dyno)))
}

/// A line of the dyno manager in an app's log.
fn say(cx: &Context, app: AppId, process: &str, message: &str) {
    log(cx, app, Source::Heroku, process, message);
}

fn log(cx: &Context, app: AppId, source: Source, process: &str, message: &str) {
    let line = Line { at: cx.store.now(), source, process: process.to_owned(), message: message.to_owned() };
    cx.logs.append(app, line);
}
