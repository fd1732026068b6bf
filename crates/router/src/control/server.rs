//! The router's end of the control protocol.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::{Reply, Request, read_line, to_line};
use crate::fleet::Fleet;

/// Control connections served at once.
const CONNECTIONS_MAX: usize = 16;
/// After an accept failed (out of descriptors, mostly).
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Binds the control socket, which only its owner can use. A socket file left by a killed router is replaced;
/// the caller holds the lock that says that it is no living one's.
pub(crate) fn bind(at: &Path) -> io::Result<UnixListener> {
    let new = at.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let listener = UnixListener::bind(&new)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&new, at)?;
    Ok(listener)
}

/// Answers control connections for ever.
pub(crate) async fn serve(listener: UnixListener, fleet: Rc<Fleet>) {
    let mut open = JoinSet::new();
    loop {
        if open.len() >= CONNECTIONS_MAX {
            open.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let fleet = Rc::clone(&fleet);
                open.spawn_local(async move {
                    if let Err(cause) = converse(stream, &fleet).await {
                        tracing::debug!(cause = %cause, "a control connection broke: {cause}");
                    }
                });
            }
            Err(cause) => {
                tracing::error!(cause = %cause, "the control socket accepts no connection: {cause}");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
        while open.try_join_next().is_some() {}
    }
}

async fn converse(stream: UnixStream, fleet: &Fleet) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(line) = read_line(&mut stream).await? {
        let reply = match serde_json::from_slice::<Request>(&line) {
            Ok(request) => answer(request, fleet).await,
            Err(error) => Reply::Error(format!("not understood: {error}")),
        };
        stream.write_all(&to_line(&reply)?).await?;
    }
    Ok(())
}

async fn answer(request: Request, fleet: &Fleet) -> Reply {
    match request {
        Request::Publish(table) => {
            let generation = table.generation;
            fleet.publish(table).await;
            Reply::Applied(generation)
        }
        Request::InFlight(addresses) => Reply::InFlight(fleet.in_flight(&addresses)),
        Request::Drain { deadline_ms } => {
            fleet.begin_drain(Duration::from_millis(deadline_ms));
            Reply::Draining { connections: fleet.connections() }
        }
    }
}
