//! The server's side of the hooks: each connection is one push that asks whether it is accepted.

use std::error::Error;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::log::{Line, Source};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use crate::ask::{ASK_BYTES_MAX, Ask};
use crate::deploy::{Begun, DeployError, begin};
use crate::plan::{Decision, Deploy, decide};
use crate::pushes::Push;
use crate::relay::{RelayError, follow};
use crate::voice::Voice;
use crate::{Context, sweep, words};

/// How long a hook may take to ask.
const ASK_WAIT: Duration = Duration::from_secs(10);
/// How long git processes may take to end when the server stops.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// How long to wait after the system refused a connection (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The hooks cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("could not listen for git's hooks at {at}")]
pub struct ServeError {
    /// The socket.
    pub at: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// How the conversation with a hook ends.
enum End {
    Accepted,
    /// With the last words.
    Refused(String),
    ClientGone,
    Stopping,
    TooLong,
}

/// A push could not be followed to its end.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error("nobody listens")]
    Voice(#[source] io::Error),
}

/// Answers hooks, and removes repositories of apps that are gone, until `stop`.
///
/// # Errors
/// If the socket cannot be made.
pub async fn serve_hooks(cx: Context, stop: CancellationToken) -> Result<(), ServeError> {
    let at = &cx.inner.config.hook_socket;
    let listener = listen(at).map_err(|cause| ServeError { at: at.clone(), cause })?;
    let mut talks = JoinSet::new();
    let mut sweeping = std::pin::pin!(sweep::stage(cx.clone(), stop.clone()));
    let mut swept = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = &mut sweeping, if !swept => swept = true,
            Some(_) = talks.join_next() => {}
            // Pushes are counted where they begin, so their hooks need no bound of their own.
            accepted = listener.accept() => match accepted {
                Ok((hook, _)) => drop(talks.spawn(talk(cx.clone(), hook, stop.clone()))),
                Err(cause) => {
                    error!(error = %cause, "a hook could not connect");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    let tasks = &cx.inner.tasks;
    tasks.close();
    let over = async {
        while talks.join_next().await.is_some() {}
        tasks.wait().await;
    };
    if timeout(STOP_GRACE, over).await.is_err() {
        info!("git processes are still at work; they end with their connections");
    }
    Ok(())
}

/// A socket for our own user only; made under another name first, so that it is never open to others.
fn listen(at: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = at.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let new = at.with_extension("new");
    match fs::remove_file(&new) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, Permissions::from_mode(0o600))?;
    fs::rename(&new, at)?;
    Ok(listener)
}

/// One hook's question and its answer.
async fn talk(cx: Context, hook: UnixStream, stop: CancellationToken) {
    let (mut from, to) = hook.into_split();
    let mut voice = Voice::new(to);
    let ask = match timeout(ASK_WAIT, read(&mut from)).await {
        Ok(Some(ask)) => ask,
        _ => return info!("something that is no hook connected to the hooks' socket"),
    };
    let Some(push) = cx.inner.pushes.get(ask.push) else {
        return end(&mut voice, words::UNKNOWN_PUSH, 1).await;
    };
    let limit = cx.inner.config.limits.push_time;
    let ended = tokio::select! {
        ended = timeout(limit, receive(&cx, &push, &ask, &mut voice)) => ended.unwrap_or(End::TooLong),
        () = gone(&mut from) => End::ClientGone,
        () = stop.cancelled() => End::Stopping,
    };
    match ended {
        End::Accepted => end(&mut voice, "", 0).await,
        End::Refused(text) => end(&mut voice, &text, 1).await,
        End::Stopping => end(&mut voice, words::STOPPING, 1).await,
        End::TooLong => end(&mut voice, words::TOO_LONG, 1).await,
        End::ClientGone => note_client_gone(&cx, &push).await,
    }
}

async fn read(from: &mut OwnedReadHalf) -> Option<Ask> {
    let len = usize::try_from(from.read_u32().await.ok()?).ok()?;
    if len > ASK_BYTES_MAX {
        return None;
    }
    let mut bytes = vec![0; len];
    from.read_exact(&mut bytes).await.ok()?;
    Ask::parse(&bytes).ok()
}

/// The whole life of a push, as its developer sees it.
async fn receive<W: AsyncWrite + Unpin>(cx: &Context, push: &Push, ask: &Ask, voice: &mut Voice<W>) -> End {
    let ended = match decide(&ask.updates) {
        Decision::Refuse(refusal) => Ok(End::Refused(words::refusal(&refusal))),
        Decision::Store { skips_build } => {
            let said = voice.say(if skips_build { words::SKIPPED } else { "" }).await;
            said.map(|()| End::Accepted).map_err(PushError::Voice)
        }
        Decision::Deploy(deploy) => deploy_and_follow(cx, push, ask, &deploy, voice).await,
    };
    match ended {
        Ok(ended) => ended,
        Err(
            PushError::Voice(_)
            | PushError::Deploy(DeployError::Voice(_))
            | PushError::Relay(RelayError::Voice(_)),
        ) => End::ClientGone,
        Err(error) => {
            error!(app.id = %push.app.id, error = &error as &dyn Error, "a push could not be followed");
            End::Refused(words::INTERNAL.to_owned())
        }
    }
}

async fn deploy_and_follow<W: AsyncWrite + Unpin>(
    cx: &Context,
    push: &Push,
    ask: &Ask,
    deploy: &Deploy,
    voice: &mut Voice<W>,
) -> Result<End, PushError> {
    let app = &push.app.name;
    match begin(cx, push, &ask.quarantine, deploy, voice).await? {
        Begun::Refused(text) => Ok(End::Refused(format!("{text}{}", words::rejected(app)))),
        Begun::Build => {
            info!(app.name = %app, build.id = %push.id, "a push of {} is deployed", deploy.commit.short());
            let serves = follow(cx, push, deploy, voice).await?;
            Ok(if serves { End::Accepted } else { End::Refused(words::rejected(app)) })
        }
    }
}

/// Completes when the hook's end of the connection is closed: it never says more than its question.
async fn gone(from: &mut OwnedReadHalf) {
    let mut byte = [0];
    while matches!(from.read(&mut byte).await, Ok(1..)) {}
}

async fn end<W: AsyncWrite + Unpin>(voice: &mut Voice<W>, text: &str, code: u8) {
    if let Err(cause) = async { voice.say(text).await.and(voice.end(code).await) }.await {
        debug!(error = %cause, "a hook went away before its answer");
    }
}

/// The developer's own log says that the deploy was not given up.
async fn note_client_gone(cx: &Context, push: &Push) {
    let id = push.id;
    let store = &cx.inner.config.store;
    let Ok(Some(build)) = store.read(move |tx| tx.build(id)).await else { return };
    info!(app.name = %push.app.name, build.id = %id, "a push lost its client; its deploy goes on");
    let commit = build.commit.unwrap_or_default();
    let line = Line {
        at: store.now(),
        source: Source::App,
        process: "api".to_owned(),
        message: words::client_gone(commit.get(..7).unwrap_or(&commit)),
    };
    cx.inner.config.logs.append(push.app.id, line);
}
