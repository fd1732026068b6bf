//! A request's whole life, as a page of named phases.
//!
//! ```text
//! head ──► route ──► lease ──► exchange ──► (tunnel) ──► flush ──► access line
//!   400      404       H10 H11 H14 H19      H12 H13 H15      H28
//!            H22 H26   H20 H21 H34 H80      H17 H18 H25
//!            H31       H81 H99              H26 H27 H28          (anywhere: H24)
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::access::{self, Ended, Tls};
use crate::exchange::{Broken, Done, Patience, exchange};
use crate::failure::Failure;
use crate::http1::body::Framing;
use crate::http1::conn::{Conn, Timer};
use crate::http1::request::{Expect, RequestHead};
use crate::http1::response::Asked;
use crate::pages::{self, Page};
use crate::snapshot::{Destination, Dyno};
use crate::tunnel::tunnel;
use crate::upstream::{Lease, Refusal, lease};
use crate::worker::{Peer, Worker};

/// What becomes of the client's connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Another request may follow.
    Keep,
    /// Close it in order.
    Close,
    /// Close it in order, but first let the client finish what it is sending.
    Linger,
    /// Reset it: the answer is cut off, or there is nobody to answer.
    Abort,
}

/// Serves one request.
pub(crate) async fn serve(
    worker: &Worker,
    peer: &Peer,
    client: &mut Conn,
    timer: &mut Timer,
    head: &RequestHead,
) -> After {
    let mut record = Record::new(worker, peer, head, client.sent);
    let outcome = run(worker, peer, client, timer, head, &mut record).await;
    let after = match outcome {
        Ok(after) => after,
        Err(Stopped::Answer(page)) => answer(worker, client, timer, head, &page).await,
        Err(Stopped::Failed(Broken { failure, begun })) => {
            record.failure = Some(failure);
            failed(worker, client, timer, head, &mut record, begun).await
        }
    };
    record.finish(client.sent);
    after
}

/// Why the dyno's answer did not arrive whole.
enum Stopped {
    /// There is another answer, and nothing to log.
    Answer(Page),
    Failed(Broken),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(Broken { failure, begun: None })
    }
}

async fn run(
    worker: &Worker,
    peer: &Peer,
    client: &mut Conn,
    timer: &mut Timer,
    head: &RequestHead,
    record: &mut Record<'_>,
) -> Result<After, Stopped> {
    if let Some(answer) = worker.challenge(head.path()) {
        return Err(Stopped::Answer(pages::challenge(answer)));
    }
    let route = worker.find(&head.host).ok_or_else(|| Stopped::Answer(pages::no_such_app()))?;
    record.route = Some(Arc::clone(&route));
    admit(worker, peer, head, &route)?;
    let asked = Asked {
        head: head.is_head(),
        http11: head.http11,
        upgrade: head.upgrade,
        keep_alive: head.keep_alive && !worker.connections.is_draining(),
    };
    let mut may_reuse = head.is_replayable();
    loop {
        let mut lease = leased(worker, client, timer, head, record, may_reuse).await?;
        compose(head, &mut lease, record.arrived);
        let patience = patience(worker, &route);
        let limits = &worker.limits;
        let exchanged = exchange(client, &mut lease.conn, timer, head, asked, patience, limits).await;
        match exchanged {
            Err(Broken { failure: Failure::ClosedWithoutResponse, .. }) if lease.kept => may_reuse = false,
            Err(broken) => return Err(Stopped::Failed(broken)),
            Ok(done) => return finished(worker, client, timer, record, lease, done, patience).await,
        }
    }
}

/// What is refused although its app is known.
fn admit(worker: &Worker, peer: &Peer, head: &RequestHead, route: &Destination) -> Result<(), Failure> {
    if peer.surplus {
        return Err(Failure::ConnectionLimit);
    }
    if head.expect == Expect::Unsupported {
        return Err(Failure::BadRequest("unsupported expect header value", 417));
    }
    // The official command line lists earlier request ids in a field of up to 16 kB: the platform takes it.
    if head.oversized && matches!(route, Destination::App(_)) {
        return Err(Failure::BadRequest("bad header", 400));
    }
    if let (Destination::App(app), Some(sni)) = (route, &peer.sni) {
        let meant = worker.find(sni);
        if matches!(meant.as_deref(), Some(Destination::App(other)) if other.app != app.app) {
            return Err(Failure::Misdirected);
        }
    }
    Ok(())
}

async fn leased(
    worker: &Worker,
    client: &mut Conn,
    timer: &mut Timer,
    head: &RequestHead,
    record: &mut Record<'_>,
    may_reuse: bool,
) -> Result<Lease, Stopped> {
    match lease(worker, client, timer, head, record.arrived, may_reuse).await {
        Ok(lease) => {
            record.reached(&lease.slot.0, lease.connect);
            Ok(lease)
        }
        Err(Refusal::Unknown) => Err(Stopped::Answer(pages::no_such_app())),
        Err(Refusal::Control) => Err(Stopped::Answer(pages::control_unavailable())),
        Err(Refusal::Failed { failure, tried, route }) => {
            record.route = Some(route);
            match tried {
                Some((dyno, connect)) => record.reached(&dyno, connect),
                None => record.dyno = None,
            }
            Err(failure.into())
        }
    }
}

/// Writes the head for the dyno, with what is known only now.
fn compose(head: &RequestHead, lease: &mut Lease, arrived: Instant) {
    let out = &mut lease.conn.out;
    out.extend(&head.wire);
    let (connect, route) = (lease.connect.as_millis(), arrived.elapsed().as_millis());
    out.extend(format!("Connect-Time: {connect}\r\nTotal-Route-Time: {route}\r\n\r\n").as_bytes());
}

fn patience(worker: &Worker, route: &Destination) -> Patience {
    match route {
        Destination::App(_) => Patience { first_byte: worker.limits.first_byte, idle: worker.limits.idle },
        Destination::Control(_) => {
            Patience { first_byte: worker.limits.control_idle, idle: worker.limits.control_idle }
        }
    }
}

/// The response is there: frees the dyno, then sends the client the rest.
async fn finished(
    worker: &Worker,
    client: &mut Conn,
    timer: &mut Timer,
    record: &mut Record<'_>,
    lease: Lease,
    done: Done,
    patience: Patience,
) -> Result<After, Stopped> {
    let Lease { slot, mut conn, .. } = lease;
    record.status = done.head.status;
    if done.head.status == 101 {
        let buffer = worker.limits.upload_buffer;
        let copied = tunnel(client, &mut conn, timer, patience.idle, buffer).await;
        record.failure = copied.err().map(|_| Failure::IdleConnection);
        return Ok(if record.failure.is_some() { After::Abort } else { After::Close });
    }
    if done.head.upstream_keep_alive && done.uploaded && worker.uses(slot.0.id) {
        worker.pool.keep(&slot.0, conn, worker.limits.upstream_idle_max);
    } else {
        drop(conn);
    }
    drop(slot);
    match client.drain(timer, patience.idle).await {
        Ok(()) if !done.uploaded => Ok(After::Linger),
        Ok(()) if done.head.client_keep_alive => Ok(After::Keep),
        Ok(()) => Ok(After::Close),
        Err(cause) => {
            let idle = cause.kind() == std::io::ErrorKind::TimedOut;
            let failure = if idle { Failure::ClientIdle } else { Failure::ClientInterrupted };
            Err(Stopped::Failed(Broken { failure, begun: Some(done.head.status) }))
        }
    }
}

/// Tells the client of a failure, if it can still be told.
async fn failed(
    worker: &Worker,
    client: &mut Conn,
    timer: &mut Timer,
    head: &RequestHead,
    record: &mut Record<'_>,
    begun: Option<u16>,
) -> After {
    let failure = match record.failure {
        // A client that has seen the answer begin may stop listening: that is no failure.
        Some(Failure::ClientInterrupted) if begun.is_some() => {
            record.failure = None;
            record.status = begun.unwrap_or_default();
            return After::Abort;
        }
        None | Some(Failure::ClientInterrupted | Failure::ClientIdle) => return After::Abort,
        Some(failure) => failure,
    };
    if begun.is_some() {
        if client.sent != record.sent_before {
            return After::Abort;
        }
        client.out.clear();
    }
    let page = record.page(failure);
    record.answered_at = Some(client.sent);
    answer(worker, client, timer, head, &page).await
}

async fn answer(
    worker: &Worker,
    client: &mut Conn,
    timer: &mut Timer,
    head: &RequestHead,
    page: &Page,
) -> After {
    let whole = head.body == Framing::NONE;
    let keep = head.keep_alive && whole && !worker.connections.is_draining();
    client.out.extend(page.render(head.is_head(), keep).as_bytes());
    match client.drain(timer, worker.limits.idle).await {
        Err(_) => After::Abort,
        Ok(()) if keep => After::Keep,
        Ok(()) if whole => After::Close,
        Ok(()) => After::Linger,
    }
}

/// What the access line will say; if it is dropped unfinished, the request was cut off (H24).
struct Record<'a> {
    worker: &'a Worker,
    head: &'a RequestHead,
    tls: Tls,
    arrived: Instant,
    sent_before: u64,
    route: Option<Arc<Destination>>,
    dyno: Option<Arc<Dyno>>,
    connect: Option<Duration>,
    service_from: Instant,
    failure: Option<Failure>,
    status: u16,
    /// What had been sent when the router began a page of its own, which does not count as the app's bytes.
    answered_at: Option<u64>,
    written: bool,
}

impl<'a> Record<'a> {
    fn new(worker: &'a Worker, peer: &Peer, head: &'a RequestHead, sent_before: u64) -> Self {
        let arrived = Instant::now();
        Self {
            worker,
            head,
            tls: peer.tls,
            arrived,
            sent_before,
            route: None,
            dyno: None,
            connect: None,
            service_from: arrived,
            failure: None,
            status: 0,
            answered_at: None,
            written: false,
        }
    }

    fn reached(&mut self, dyno: &Arc<Dyno>, connect: Duration) {
        self.dyno = Some(Arc::clone(dyno));
        self.connect = Some(connect);
        self.service_from = Instant::now();
    }

    /// The page for a failure of this route.
    fn page(&self, failure: Failure) -> Page {
        match self.route.as_deref() {
            Some(Destination::Control(_)) if failure.facts().2 == 503 => pages::control_unavailable(),
            Some(Destination::App(app)) => {
                let (error, maintenance) = (&app.error_page_url, &app.maintenance_page_url);
                let url = match failure {
                    Failure::Maintenance => maintenance,
                    Failure::Blank | Failure::BadRequest(..) | Failure::Misdirected => &None,
                    _ => error,
                };
                pages::failure(failure, url.as_deref())
            }
            _ => pages::failure(failure, None),
        }
    }

    fn finish(mut self, sent: u64) {
        self.write(sent);
    }

    fn write(&mut self, sent: u64) {
        self.written = true;
        let Some(Destination::App(app)) = self.route.as_deref() else { return };
        if self.failure.is_none() && self.status == 0 {
            return;
        }
        let message = access::message(&Ended {
            head: self.head,
            tls: self.tls,
            failure: self.failure,
            status: self.status,
            dyno: self.dyno.as_ref().map(|dyno| dyno.name.as_str()),
            connect: self.connect,
            service: self.service_from.elapsed(),
            bytes: self.answered_at.unwrap_or(sent) - self.sent_before,
        });
        self.worker.outbox.write(app.app, message, self.failure);
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if !self.written {
            self.failure = Some(Failure::ForcedClose);
            self.write(self.sent_before);
        }
    }
}
