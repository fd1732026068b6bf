//! From a host to a connection to one of its dynos: choosing, connecting, waiting, and keeping connections.
//!
//! A request that may be sent twice without harm uses a kept connection if there is one; any other opens its
//! own. So a dyno that closes a kept connection at the wrong moment never fails a request, and no request that
//! might have done something is ever repeated.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use crate::failure::Failure;
use crate::http1::conn::{Conn, Io, Timer};
use crate::http1::request::RequestHead;
use crate::snapshot::{
    Address, AppRoute, Choice, Destination, Dyno, Gate, Queued, Serving, Slot, choose, control_slot,
};
use crate::worker::Worker;

/// A connection to a dyno, for one request.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) slot: Slot,
    pub(crate) conn: Conn,
    /// How long connecting took; zero for a kept connection.
    pub(crate) connect: Duration,
    /// It was used before, so that the dyno may have just closed it.
    pub(crate) kept: bool,
}

/// No lease, and why.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The host is gone from the table.
    Unknown,
    /// The control server cannot be reached.
    Control,
    /// With the dyno that was tried last and the time spent on it.
    Failed { failure: Failure, tried: Option<(Arc<Dyno>, Duration)>, route: Arc<Destination> },
}

/// The limit that a waiting request will meet.
#[derive(Debug, Clone, Copy)]
struct Wait {
    until: Instant,
    /// Look again at this time, if nothing happens before.
    again: Option<Instant>,
    at_limit: Failure,
}

/// Finds a dyno for the request and connects to it, waiting if it must.
pub(crate) async fn lease(
    worker: &Worker,
    client: &mut Conn,
    timer: &mut Timer,
    head: &RequestHead,
    arrived: Instant,
    may_reuse: bool,
) -> Result<Lease, Refusal> {
    let mut tried = None;
    let mut attempts = 0;
    let mut queued = None;
    let mut full_since = None;
    loop {
        // From here to the slot nothing waits: see `snapshot`.
        let route = worker.find(&head.host).ok_or(Refusal::Unknown)?;
        let refuse = |failure, tried| Refusal::Failed { failure, tried, route: Arc::clone(&route) };
        let app = match &*route {
            Destination::App(app) => app,
            Destination::Control(dyno) => return control(worker, dyno, may_reuse).await,
        };
        let dynos = available(app).map_err(|failure| refuse(failure, None))?;
        let wait = match choose(dynos, worker.random()) {
            Some(Choice::Slot(slot)) => {
                match connect(worker, slot, may_reuse).await {
                    Ok(lease) => return Ok(lease),
                    Err(NotConnected { failure, dyno, took }) => {
                        // One that has left the table meanwhile says nothing about those that are in it.
                        attempts += u32::from(worker.uses(dyno.id));
                        tried = Some((dyno, took));
                        if failure == Failure::Platform || attempts >= most_attempts(worker, dynos) {
                            return Err(refuse(failure, tried));
                        }
                    }
                }
                continue;
            }
            choice => wait_for(worker, arrived, &mut full_since, choice),
        };
        if !queued.as_ref().is_some_and(|queued: &Queued| queued.is_at(&app.gate)) {
            let place = app.gate.enter(backlog(worker, dynos));
            queued = Some(place.ok_or_else(|| refuse(Failure::BacklogTooDeep, None))?);
            // A slot freed before we were counted has woken nobody: look once more.
            continue;
        }
        sleep(worker, &app.gate, client, timer, wait)
            .await
            .map_err(|failure| refuse(failure, tried.take()))?;
    }
}

/// The dynos of an app that is to be served; none while its first is starting.
fn available(app: &AppRoute) -> Result<&[Arc<Dyno>], Failure> {
    if app.maintenance {
        return Err(Failure::Maintenance);
    }
    match &app.serving {
        Serving::Dynos(dynos) => Ok(dynos),
        Serving::Starting => Ok(&[]),
        Serving::Crashed => Err(Failure::AppCrashed),
        Serving::NoWebProcess => Err(Failure::NoWebProcess),
        Serving::Blank => Err(Failure::Blank),
    }
}

fn most_attempts(worker: &Worker, dynos: &[Arc<Dyno>]) -> u32 {
    worker.limits.connect_attempts.min(u32::try_from(dynos.len()).unwrap_or(u32::MAX))
}

fn backlog(worker: &Worker, dynos: &[Arc<Dyno>]) -> usize {
    match dynos.len() {
        0 => worker.limits.backlog_starting as usize,
        count => worker.limits.backlog_per_dyno as usize * count,
    }
}

fn wait_for(
    worker: &Worker,
    arrived: Instant,
    full_since: &mut Option<Instant>,
    choice: Option<Choice>,
) -> Wait {
    let limits = &worker.limits;
    match choice {
        None => Wait { until: arrived + limits.boot, again: None, at_limit: Failure::BootTimeout },
        Some(Choice::AllQuarantined(end)) => {
            Wait { until: arrived + limits.boot, again: Some(end), at_limit: Failure::AllQuarantined }
        }
        Some(Choice::AllFull | Choice::Slot(_)) => {
            // Counted from the first full house, not from arrival: an app's boot may have come before.
            let since = *full_since.get_or_insert_with(Instant::now);
            Wait { until: since + limits.first_byte, again: None, at_limit: Failure::RequestTimeout }
        }
    }
}

/// Waits for a slot to be freed, a new table or a quarantine's end; meanwhile the client may leave.
async fn sleep(
    worker: &Worker,
    gate: &Gate,
    client: &mut Conn,
    timer: &mut Timer,
    wait: Wait,
) -> Result<(), Failure> {
    let mut changed = std::pin::pin!(worker.table_changed.notified());
    let mut freed = std::pin::pin!(gate.freed.notified());
    let wake_at = wait.again.map_or(wait.until, |again| again.min(wait.until));
    poll_fn(|cx| {
        if changed.as_mut().poll(cx).is_ready() || freed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        while client.inp.len() < worker.limits.upload_buffer {
            match client.poll_fill(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Failure::ClientInterrupted)),
            }
        }
        match timer.poll_at(cx, wake_at) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) if wake_at < wait.until => Poll::Ready(Ok(())),
            Poll::Ready(()) => Poll::Ready(Err(wait.at_limit)),
        }
    })
    .await
}

struct NotConnected {
    failure: Failure,
    dyno: Arc<Dyno>,
    took: Duration,
}

/// A kept connection if that will do and there is one, else a new one.
async fn connect(worker: &Worker, slot: Slot, may_reuse: bool) -> Result<Lease, NotConnected> {
    let kept = if may_reuse { worker.pool.take(&slot.0, worker.limits.upstream_idle) } else { None };
    if let Some(conn) = kept {
        return Ok(Lease { slot, conn, connect: Duration::ZERO, kept: true });
    }
    let begun = Instant::now();
    let opened = timeout(worker.limits.connect, open(&slot.0.address)).await;
    let connect = begun.elapsed();
    let failure = match opened {
        Ok(Ok(io)) => return Ok(Lease { slot, conn: Conn::new(io), connect, kept: false }),
        Ok(Err(cause)) if is_ours(&cause) => {
            tracing::error!(cause = %cause, "no socket to reach dynos with: {cause}");
            Failure::Platform
        }
        Ok(Err(_)) => Failure::ConnectRefused,
        Err(_) => Failure::ConnectTimeout,
    };
    if failure != Failure::Platform {
        slot.0.quarantine(worker.limits.quarantine);
    }
    Err(NotConnected { failure, dyno: Arc::clone(&slot.0), took: connect })
}

async fn control(worker: &Worker, dyno: &Arc<Dyno>, may_reuse: bool) -> Result<Lease, Refusal> {
    let slot = control_slot(dyno).ok_or(Refusal::Control)?;
    connect(worker, slot, may_reuse).await.map_err(|_| Refusal::Control)
}

async fn open(address: &Address) -> io::Result<Io> {
    match address {
        Address::Tcp(address) => {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok(Io::Tcp(socket))
        }
        Address::Unix(path) => Ok(Io::Unix(UnixStream::connect(path).await?)),
    }
}

/// Whether the fault is the router's (no file descriptors, no ports) and not the dyno's.
fn is_ours(cause: &io::Error) -> bool {
    use nix::libc::{EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    matches!(cause.raw_os_error(), Some(EADDRNOTAVAIL | EMFILE | ENFILE | ENOBUFS | ENOMEM))
}

/// Idle connections of one worker, by dyno.
#[derive(Debug, Default)]
pub(crate) struct Pool(RefCell<HashMap<u64, Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    conn: Conn,
    since: Instant,
}

impl Pool {
    /// The connection used last that is still open.
    fn take(&self, dyno: &Dyno, idle: Duration) -> Option<Conn> {
        let mut all = self.0.borrow_mut();
        let kept = all.get_mut(&dyno.id)?;
        while let Some(Kept { conn, since }) = kept.pop() {
            if conn.is_quiet() && since.elapsed() < idle {
                return Some(conn);
            }
        }
        None
    }

    /// Keeps a connection whose response has been read to its end.
    pub(crate) fn keep(&self, dyno: &Dyno, mut conn: Conn, max: usize) {
        conn.inp.rest();
        conn.out.rest();
        let mut all = self.0.borrow_mut();
        let kept = all.entry(dyno.id).or_default();
        if kept.len() < max && conn.is_quiet() {
            kept.push(Kept { conn, since: Instant::now() });
        }
    }

    /// Closes the connections to all dynos that `stays` does not name.
    pub(crate) fn retain(&self, stays: impl Fn(u64) -> bool) {
        self.0.borrow_mut().retain(|dyno, _| stays(*dyno));
    }

    /// Closes what was idle for too long, or closed by the dyno.
    pub(crate) fn sweep(&self, idle: Duration) {
        self.0.borrow_mut().retain(|_, kept| {
            kept.retain(|one| one.since.elapsed() < idle && one.conn.is_quiet());
            !kept.is_empty()
        });
    }
}
