//! One request and its response on their way between a client and a dyno, both at once and byte by byte.
//!
//! Both directions run in one state machine, so that a response may begin before the request has ended, that a
//! slow reader slows its writer, and that one clock sees both: 30 s to the first byte, then 55 s of silence.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;
use crate::failure::Failure;
use crate::http1::body::Body;
use crate::http1::buffer::HeadScan;
use crate::http1::conn::{Conn, Timer};
use crate::http1::request::{Expect, RequestHead};
use crate::http1::response::{self, Asked, Parsed, ResponseHead, Unusable};

/// Interim responses (1xx) before the final one.
const INTERIM_MAX: u32 = 100;

/// How long each side may be silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
}

/// An exchange that ran to the end of the response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) head: ResponseHead,
    /// The whole request was sent, too.
    pub(crate) uploaded: bool,
}

/// An exchange that did not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broken {
    pub(crate) failure: Failure,
    /// The status that the client was already told.
    pub(crate) begun: Option<u16>,
}

/// Sends the request (whose head is in `upstream.out`) and brings the response to `client.out`, of which the
/// end may be left to be sent.
pub(crate) async fn exchange(
    client: &mut Conn,
    upstream: &mut Conn,
    timer: &mut Timer,
    head: &RequestHead,
    asked: Asked,
    patience: Patience,
    limits: &Limits,
) -> Result<Done, Broken> {
    let mut state = Exchange {
        client,
        upstream,
        limits,
        asked,
        patience,
        upload: Body::new(head.body, crate::http1::body::Emit::Same),
        upload_broken: false,
        awaits_continue: head.expect == Expect::Continue,
        scan: HeadScan::default(),
        interims: 0,
        response: None,
        moved_at: Instant::now(),
    };
    let ended = poll_fn(|cx| state.poll(cx, timer)).await;
    ended.map_err(|failure| Broken { failure, begun: state.response.map(|(head, _)| head.status) })
}

struct Exchange<'a> {
    client: &'a mut Conn,
    upstream: &'a mut Conn,
    limits: &'a Limits,
    asked: Asked,
    patience: Patience,
    upload: Body,
    /// The dyno takes no more of the request; it may still answer.
    upload_broken: bool,
    /// The client waits for `100 Continue` before it sends its body.
    awaits_continue: bool,
    scan: HeadScan,
    interims: u32,
    response: Option<(ResponseHead, Body)>,
    moved_at: Instant,
}

impl Exchange<'_> {
    fn poll(&mut self, cx: &mut Context<'_>, timer: &mut Timer) -> Poll<Result<Done, Failure>> {
        let mut moved = false;
        loop {
            let more = self.poll_upload(cx)? | self.poll_download(cx)?;
            if let Some(done) = self.done() {
                return Poll::Ready(Ok(done));
            }
            if !more {
                break;
            }
            moved = true;
        }
        if moved {
            self.moved_at = Instant::now();
        }
        let (patience, failure) = self.waiting_for();
        timer.poll_at(cx, self.moved_at + patience).map(|()| Err(failure))
    }

    fn done(&self) -> Option<Done> {
        match &self.response {
            Some((head, body)) if body.is_done() => {
                Some(Done { head: *head, uploaded: self.upload.is_done() && self.upstream.out.is_empty() })
            }
            _ => None,
        }
    }

    /// The side that must move next, as the patience it has and the failure if it does not.
    fn waiting_for(&self) -> (Duration, Failure) {
        let client_sends = !self.upload.is_done()
            && !self.upload_broken
            && !self.awaits_continue
            && self.upstream.out.is_empty();
        match self.response {
            None if client_sends => (self.patience.idle, Failure::ClientIdle),
            None if self.interims > 0 => (self.patience.idle, Failure::IdleConnection),
            None => (self.patience.first_byte, Failure::RequestTimeout),
            Some(_) if !self.client.out.is_empty() => (self.patience.idle, Failure::ClientIdle),
            Some(_) => (self.patience.idle, Failure::IdleConnection),
        }
    }

    /// Client to dyno. True if anything moved.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let limit = self.limits.upload_buffer;
        let mut moved = false;
        if !self.upload_broken {
            let taken = self.upload.advance(&mut self.client.inp, &mut self.upstream.out, limit);
            moved |= taken.map_err(|_| Failure::BadRequest("bad chunk", 400))? > 0;
            moved |= self.poll_send(cx);
        }
        // Also read when the request is complete: a client that has left must free the dyno.
        if self.client.inp.len() < limit {
            match self.client.poll_fill(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(1..)) => {
                    self.awaits_continue = false;
                    moved |= !self.upload.is_done();
                }
                Poll::Ready(Ok(0) | Err(_)) => return Err(Failure::ClientInterrupted),
            }
        }
        Ok(moved)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while !self.upstream.out.is_empty() {
            match self.upstream.poll_drain(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(_)) => moved = true,
                Poll::Ready(Err(_)) => {
                    // It may have answered before it closed (413, for one): its answer decides.
                    self.upload_broken = true;
                    self.upstream.out.clear();
                    return true;
                }
            }
        }
        moved
    }

    /// Dyno to client. True if anything moved.
    fn poll_download(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let mut moved = self.translate()?;
        if let Some((_, body)) = &mut self.response {
            let room = self.limits.response_buffer;
            let taken = body.advance(&mut self.upstream.inp, &mut self.client.out, room);
            moved |= taken.map_err(|_| Failure::MalformedResponse)? > 0;
        }
        while !self.client.out.is_empty() {
            match self.client.poll_drain(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(_)) => moved = true,
                Poll::Ready(Err(_)) => return Err(Failure::ClientInterrupted),
            }
        }
        let done = self.response.as_ref().is_some_and(|(_, body)| body.is_done());
        if done || self.client.out.len() >= self.limits.response_buffer {
            return Ok(moved);
        }
        match self.upstream.poll_fill(cx) {
            Poll::Pending => Ok(moved),
            Poll::Ready(Ok(1..)) => Ok(true),
            Poll::Ready(Ok(0)) => self.closed(true).map(|()| true),
            Poll::Ready(Err(_)) => self.closed(false).map(|()| true),
        }
    }

    /// Reads the response's head, and interim ones before it, when they are there.
    fn translate(&mut self) -> Result<bool, Failure> {
        let mut moved = false;
        while self.response.is_none() && !self.upstream.inp.is_empty() {
            if !self.scan.ready(self.upstream.inp.data())
                && self.upstream.inp.len() <= self.limits.response_head
            {
                break;
            }
            // What is left of a request after its answer is not read: the connection ends with it.
            let asked = Asked { keep_alive: self.asked.keep_alive && self.upload.is_done(), ..self.asked };
            let parsed =
                response::translate(self.upstream.inp.data(), asked, &mut self.client.out, self.limits);
            let length = match parsed {
                Ok(Parsed::Partial) => break,
                Ok(Parsed::Interim(length)) => {
                    self.interims += 1;
                    self.awaits_continue = false;
                    length
                }
                Ok(Parsed::Final(head, length)) => {
                    self.response = Some((head, Body::new(head.body, head.emit)));
                    length
                }
                Err(Unusable::Restricted(what)) => return Err(Failure::Restricted(what)),
                Err(Unusable::Malformed) => return Err(Failure::MalformedResponse),
            };
            if self.interims > INTERIM_MAX {
                return Err(Failure::MalformedResponse);
            }
            self.upstream.inp.consume(length);
            self.scan = HeadScan::default();
            moved = true;
        }
        Ok(moved)
    }

    /// The dyno ended its stream, in order or by a reset.
    fn closed(&mut self, in_order: bool) -> Result<(), Failure> {
        let whole = match &mut self.response {
            Some((_, body)) => in_order && body.closed(&mut self.client.out),
            None if self.upstream.inp.is_empty() && self.interims == 0 => {
                return Err(Failure::ClosedWithoutResponse);
            }
            None => false,
        };
        if whole { Ok(()) } else { Err(Failure::ServerInterrupted) }
    }
}
