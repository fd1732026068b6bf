//! Where clients attach to one-off dynos: a TLS port, a secret, then raw bytes both ways.
//!
//! ```text
//! client ─TLS─► `SECRET\r\n` ─► server finds the dyno, waits for its shim ─► `rendezvous\r\n` ─► bytes ⇄ attach.sock
//! ```
//! The official CLI throws the first chunk away whole, so the greeting is a record of its own; and it looks for the exit
//! status that `--exit-code` prints within one chunk, so that line is sent in one record too.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use model::dyno::{Dyno, DynoKind};
use model::id::DynoId;
use store::{Store, StoreError, Topic};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error};

use crate::job;
use crate::local::{Local, connect};

/// How long a client may take for TLS and its secret.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How long a dyno's shim may take until it can be joined.
const JOIN_WITHIN: Duration = model::dyno::ATTACH_TIMEOUT;
/// The net under lost wake-ups while waiting for a shim.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Clients at a time.
const CLIENTS_MAX: usize = 500;
/// Longest secret line.
const SECRET_BYTES_MAX: u64 = 512;
/// A silent connection is closed after this long (Heroku: 1 h).
const IDLE_MAX: Duration = Duration::from_secs(3600);
/// What a client is greeted with.
const GREETING: &[u8] = b"rendezvous\r\n";
/// How the exit status line of `heroku run --exit-code` begins: U+FFFF in UTF-8.
const MARK: [u8; 3] = [0xEF, 0xBF, 0xBF];
/// Longest exit status line.
const MARK_LINE_BYTES_MAX: usize = 128;
const CHUNK_BYTES: usize = 16 << 10;

/// Serves clients until `stop`.
pub async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    store: Store,
    engine: Local,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, most likely: let others end.
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (tls, store, engine, stop) = (tls.clone(), store.clone(), engine.clone(), stop.clone());
        tasks.spawn(async move {
            let served = tokio::select! {
                () = stop.cancelled() => Ok(()),
                served = attend(stream, &tls, &store, &engine) => served,
            };
            if let Err(error) = served {
                debug!(error = &error as &dyn std::error::Error, "a rendezvous ended early");
            }
            drop(place);
        });
    }
    tasks.close();
    tasks.wait().await;
}

async fn attend(stream: TcpStream, tls: &TlsAcceptor, store: &Store, engine: &Local) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let hello = async {
        let stream = tls.accept(stream).await?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        (&mut stream).take(SECRET_BYTES_MAX).read_line(&mut line).await?;
        Ok::<_, io::Error>((stream, line))
    };
    let (mut client, line) = tokio::time::timeout(HANDSHAKE_WITHIN, hello).await??;
    let secret = line.trim_end().split('?').next().unwrap_or_default().to_owned();
    let dyno = find(store, secret).await.map_err(|error| io::Error::other(error.to_string()))?;
    let Some(dyno) = dyno else {
        client.get_mut().write_all(b"No such rendezvous.\r\n").await?;
        return client.get_mut().shutdown().await;
    };
    let joined = tokio::time::timeout(JOIN_WITHIN, join(store, engine, dyno)).await;
    let Ok(Ok(Some(mut dyno))) = joined else {
        error!(dyno.id = %dyno, "a client found no process to attach to");
        return client.get_mut().shutdown().await;
    };
    client.get_mut().write_all(GREETING).await?;
    client.get_mut().flush().await?;
    let early = client.buffer().to_vec();
    dyno.write_all(&early).await?;
    relay(client.into_inner(), dyno).await
}

/// The dyno with this rendezvous secret.
async fn find(store: &Store, secret: String) -> Result<Option<DynoId>, StoreError> {
    let waits = move |dyno: &Dyno| {
        let known = dyno.attach.as_ref().is_some_and(|attach| attach.secret == secret);
        dyno.kind == DynoKind::Run && known && !dyno.state.is_over()
    };
    store.read(move |tx| Ok(tx.dynos()?.into_iter().find(waits).map(|dyno| dyno.id))).await
}

/// Waits until the dyno's shim can be joined; `None` when the dyno ended before.
async fn join(store: &Store, engine: &Local, dyno: DynoId) -> Result<Option<UnixStream>, StoreError> {
    let mut wake = store.watch(&[Topic::Dynos]);
    loop {
        wake.changed_or_after(LOOK_EVERY).await;
        if let Ok(stream) = connect(&engine.dir_of(dyno), job::ATTACH_SOCKET).await {
            return Ok(Some(stream));
        }
        let row = store.read(move |tx| tx.dyno(dyno)).await?;
        if row.is_none_or(|row| row.state.is_over()) {
            return Ok(None);
        }
    }
}

/// Moves bytes both ways until the dyno closes.
async fn relay<S>(client: S, dyno: UnixStream) -> io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_dyno, mut to_dyno) = dyno.into_split();
    let input = async {
        tokio::io::copy(&mut from_client, &mut to_dyno).await?;
        to_dyno.shutdown().await
    };
    let output = async {
        let mut held = Vec::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = tokio::time::timeout(IDLE_MAX, from_dyno.read(&mut chunk)).await??;
            held.extend_from_slice(&chunk[..read]);
            let ready = if read == 0 { held.len() } else { sendable(&held) };
            if ready > 0 {
                to_client.write_all(&held[..ready]).await?;
                to_client.flush().await?;
                held.drain(..ready);
            }
            if read == 0 {
                return to_client.shutdown().await;
            }
        }
    };
    tokio::pin!(input);
    let mut output = std::pin::pin!(output);
    tokio::select! {
        ended = &mut output => ended,
        // Input may end long before output does.
        _ = &mut input => output.await,
    }
}

/// How many of the bytes may be sent: all, but not the beginning of an exit status line whose end has not come.
fn sendable(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(MARK_LINE_BYTES_MAX);
    let mark = (from..bytes.len()).find(|at| {
        let rest = &bytes[*at..];
        rest.starts_with(&MARK) || MARK.starts_with(rest)
    });
    match mark {
        Some(at) if !bytes[at..].contains(&b'\n') => at,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::{MARK, sendable};

    #[test]
    fn an_exit_status_line_is_not_cut() {
        let line = [MARK.as_slice(), b" heroku-command-exit-status: 7\r\n"].concat();
        let text = [b"hello\r\n".as_slice(), &line].concat();
        for cut in 0..text.len() {
            let sent = sendable(&text[..cut]);
            assert!(sent <= 7.min(cut) && (cut > 7 || sent == cut), "{cut} bytes: {sent}");
        }
        assert_eq!(sendable(&text), text.len());
    }

    #[test]
    fn what_only_looks_like_one_is_not_held_for_ever() {
        let long = [MARK.as_slice(), &[b'x'; 200]].concat();
        assert_eq!(sendable(&long), long.len());
        assert_eq!(sendable(b""), 0);
    }
}
