//! One action at a time, each safe to do again: a kill between any two lines is healed by the next scan.

use doctor::diagnosis::{Diagnosis, End, Listener};
use logs::event;
use logs::transcript::{TRANSCRIPT_BYTES_MAX, TranscriptError};
use model::app::AppName;
use model::build::Build;
use model::dyno::{Dyno, DynoKind, DynoName, ExitReason};
use model::formation::{DynoSize, ProcessType};
use model::id::AppId;
use model::log::{Line, Source};
use model::procfile::RELEASE;
use model::release::{Release, ReleaseEvent, ReleaseVersion};
use store::{NewRelease, StoreError, Tx};
use tracing::{error, info};

use crate::plan::{Action, CommandEnd};
use crate::stage::Context;

/// How much of a release command's last output is looked at, in bytes.
const LAST_WORDS_BYTES_MAX: u64 = 64 << 10;

/// Does one action; a failure is logged, and the next scan plans it again.
pub(crate) async fn act(cx: &Context, action: Action) {
    let (doing, result) = match action {
        Action::MakeRelease(build) => ("release a build", make_release(cx, build).await),
        Action::Settle(release) => ("settle a release", settle(cx, release).await),
        Action::Begin(release) => ("begin a release", begin(cx, release).await),
        Action::BeginCommand(release, command) => {
            ("run a release command", begin_command(cx, release, command).await)
        }
        Action::EndCommand(release) => ("roll out a release", end_command(cx, release).await),
        Action::FailCommand(release, end) => ("fail a release", fail_command(cx, release, end).await),
        Action::Supersede(release) => ("supersede a release", supersede(cx, release).await),
    };
    if let Err(error) = result {
        error!(error = &error as &dyn std::error::Error, "could not {doing}");
    }
}

/// A build becomes the app's next release, and its transcript gets its last lines.
async fn make_release(cx: &Context, build: Build) -> Result<(), StoreError> {
    let made = cx
        .store
        .write(move |tx| {
            let Some(slug) = build.slug else {
                return Err(StoreError::Missing { what: "slug of this build" });
            };
            let app = tx.app(build.app)?.ok_or(StoreError::Missing { what: "app" })?;
            let user = user(tx, build.user)?;
            let version_text = build.commit.clone().unwrap_or_else(|| build.id.to_string());
            let description = event::deploy(&version_text);
            let new = NewRelease {
                app: build.app,
                slug: Some(slug),
                description: description.clone(),
                user: build.user,
                runs_command: true,
            };
            let release = tx.create_release(&new)?;
            tx.set_build_release(build.id, release.id)?;
            Ok((build, app.name, release, description, user))
        })
        .await?;
    let (build, app, release, description, user) = made;
    say(cx, release.app, &event::by_user(&description, &user));
    say(cx, release.app, &event::release_created(release.version, &user));
    finish_transcript(cx, &build, &app, release.version);
    info!(app.name = %app, release.version = %release.version, "build {} became {}", build.id, release.version);
    Ok(())
}

/// The lines that follow a build's own: which release it became, and where that will be served.
fn finish_transcript(cx: &Context, build: &Build, app: &AppName, version: ReleaseVersion) {
    let (id, notes) = (format!("build-{}", build.id), format!("doctor-{}", build.id));
    // None if the doctor noticed nothing.
    let noticed = cx.transcripts.last_bytes(&notes, TRANSCRIPT_BYTES_MAX).unwrap_or_default();
    let text = format!(
        "-----> Launching...\n       Released {version}\n-----> Build succeeded!\n       {} deployed to Hokku\n{}\n",
        cx.site.web_url(app),
        String::from_utf8_lossy(&noticed),
    );
    let written = cx.transcripts.writer(&id).and_then(|mut writer| {
        writer.append(text.as_bytes())?;
        writer.finish()
    });
    match written {
        Ok(()) | Err(TranscriptError::Finished { .. }) => forget_notes(cx, &notes),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "could not finish the transcript {id}")
        }
    }
}

/// The build's transcript has them now.
fn forget_notes(cx: &Context, notes: &str) {
    if let Err(error) = cx.transcripts.remove(notes) {
        error!(error = &error as &dyn std::error::Error, "could not remove {notes}");
    }
}

/// After a kill between a release's commit and its transcript's last lines: write them now.
pub(crate) async fn finish_transcripts(cx: &Context) {
    let transcripts = cx.transcripts.clone();
    let found = cx
        .store
        .read(move |tx| {
            let mut open = Vec::new();
            for app in tx.apps()? {
                let Some(build) = tx.builds(app.id)?.pop() else { continue };
                let Some(release) = build.release.map(|id| tx.release(id)).transpose()?.flatten() else {
                    continue;
                };
                let is_finished = transcripts.is_finished(&format!("build-{}", build.id)).unwrap_or(true);
                let has_notes = transcripts.exists(&format!("doctor-{}", build.id)).unwrap_or(false);
                if !is_finished || has_notes {
                    open.push((build, app.name, release.version));
                }
            }
            Ok::<_, StoreError>(open)
        })
        .await;
    match found {
        Ok(open) => open.iter().for_each(|(build, app, version)| finish_transcript(cx, build, app, *version)),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "could not look for unfinished transcripts")
        }
    }
}

async fn settle(cx: &Context, release: Release) -> Result<(), StoreError> {
    cx.store.write(move |tx| tx.release_on(release.id, ReleaseEvent::Settle)).await.map(drop)
}

async fn begin(cx: &Context, release: Release) -> Result<(), StoreError> {
    cx.store
        .write(move |tx| {
            tx.release_on(release.id, ReleaseEvent::Begin { command: false })?;
            enter_formation(tx, &release)
        })
        .await
}

/// Writes down the one-off dyno that runs the command; the dyno stage starts it.
async fn begin_command(cx: &Context, release: Release, command: String) -> Result<(), StoreError> {
    let begun = cx
        .store
        .write(move |tx| {
            let user = user(tx, release.user)?;
            let kind: ProcessType = RELEASE
                .parse()
                .map_err(|_| StoreError::Broken { what: "word", detail: RELEASE.to_owned() })?;
            let size = tx
                .formation(release.app)?
                .into_iter()
                .find(|entry| entry.kind == kind)
                .map_or(DynoSize::Basic, |entry| entry.size);
            let name = DynoName { kind, number: tx.next_run_number(release.app)? };
            let dyno = Dyno {
                kind: DynoKind::Release,
                command,
                size,
                ..Dyno::new(release.app, name, release.id, tx.now())
            };
            tx.create_dyno(&dyno)?;
            tx.set_command_dyno(release.id, dyno.id)?;
            tx.release_on(release.id, ReleaseEvent::Begin { command: true })?;
            Ok::<_, StoreError>((release, dyno, user))
        })
        .await?;
    let (release, dyno, user) = begun;
    say(cx, release.app, &event::running_release_commands(release.version, &user));
    say(cx, release.app, &event::starting_process_by(&dyno.command, &user));
    Ok(())
}

async fn end_command(cx: &Context, release: Release) -> Result<(), StoreError> {
    cx.store
        .write(move |tx| {
            tx.release_on(release.id, ReleaseEvent::CommandDone)?;
            enter_formation(tx, &release)
        })
        .await
}

async fn fail_command(cx: &Context, release: Release, end: CommandEnd) -> Result<(), StoreError> {
    let diagnosis = diagnose(cx, &release, end).await;
    let failed = cx
        .store
        .write(move |tx| {
            let user = user(tx, release.user)?;
            tx.release_on(release.id, ReleaseEvent::Fail)?;
            let diagnosis = diagnosis.map(|it| format!("\n{}", it.lines())).unwrap_or_default();
            tx.set_release_failure(release.id, &format!("{}{diagnosis}", failure(end)))?;
            Ok::<_, StoreError>((release, user))
        })
        .await?;
    let (release, user) = failed;
    say(cx, release.app, &event::release_command_failed(release.version, &user));
    Ok(())
}

/// What the command's last words mean, or else its end.
async fn diagnose(cx: &Context, release: &Release, end: CommandEnd) -> Option<Diagnosis> {
    let end = match end {
        CommandEnd::Exited { reason: ExitReason::Memory, .. } => End::Memory,
        CommandEnd::Exited { status, reason: ExitReason::OwnAccord } => End::Status(status),
        _ => return None,
    };
    let (transcripts, id) = (cx.transcripts.clone(), format!("release-{}", release.id));
    let said = tokio::task::spawn_blocking(move || transcripts.last_bytes(&id, LAST_WORDS_BYTES_MAX));
    // Without its words there is its end.
    let said = said.await.ok().and_then(Result::ok).unwrap_or_default();
    let mut listener = Listener::new("", false);
    String::from_utf8_lossy(&said).lines().for_each(|line| drop(listener.line(line)));
    listener.end(end);
    listener.last().cloned()
}

async fn supersede(cx: &Context, release: Release) -> Result<(), StoreError> {
    cx.store.write(move |tx| tx.release_on(release.id, ReleaseEvent::Supersede)).await.map(drop)
}

/// Gives new process types their place before their dynos are wanted; types that the release lacks stay until it
/// has taken over.
fn enter_formation(tx: &Tx<'_>, release: &Release) -> Result<(), StoreError> {
    let Some(slug) = release.slug.map(|id| tx.slug(id)).transpose()?.flatten() else { return Ok(()) };
    tx.sync_formation(release.app, &slug.processes, false)
}

/// Why a release command failed, in words for the developer.
fn failure(end: CommandEnd) -> String {
    match end {
        CommandEnd::Exited { status, reason: ExitReason::OwnAccord } => {
            format!("The release command exited with status {status}.")
        }
        CommandEnd::Exited { reason: ExitReason::Memory, .. } => {
            "The release command was killed because it used more memory than its dyno has (R15).".to_owned()
        }
        CommandEnd::Exited { reason: ExitReason::Stopped, .. } => {
            "The release command was stopped.".to_owned()
        }
        CommandEnd::Exited { reason: ExitReason::NotStarted, .. } => {
            "The release command could not be started; the platform's own log says why.".to_owned()
        }
        CommandEnd::Exited { status, .. } => format!("The release command was ended (status {status})."),
        CommandEnd::Running | CommandEnd::Lost => {
            "The release command was interrupted; deploy again to repeat it.".to_owned()
        }
    }
}

fn user(tx: &Tx<'_>, id: model::id::AccountId) -> Result<String, StoreError> {
    Ok(tx.account(id)?.ok_or(StoreError::Missing { what: "account" })?.email.to_string())
}

/// A line of `app[api]`.
fn say(cx: &Context, app: AppId, message: &str) {
    let line = Line {
        at: cx.store.now(),
        source: Source::App,
        process: "api".to_owned(),
        message: message.to_owned(),
    };
    cx.logs.append(app, line);
}
