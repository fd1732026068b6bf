//! After `101 Switching Protocols`: bytes both ways, of which the router understands nothing.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::http1::conn::{Conn, Timer};

/// Nothing moved either way for too long, while both sides were open.
#[derive(Debug)]
pub(crate) struct Silent;

/// Copies until both sides have ended, one of them broke off, or both were silent for `idle`.
pub(crate) async fn tunnel(
    client: &mut Conn,
    upstream: &mut Conn,
    timer: &mut Timer,
    idle: Duration,
    buffer: usize,
) -> Result<(), Silent> {
    let (mut to_upstream, mut to_client) = (Way { buffer, ended: false }, Way { buffer, ended: false });
    let mut moved_at = Instant::now();
    poll_fn(|cx| {
        let mut moved = false;
        loop {
            let there = to_upstream.poll(cx, client, upstream);
            let back = to_client.poll(cx, upstream, client);
            match (there, back) {
                (Ok(a), Ok(b)) if a || b => moved = true,
                (Ok(_), Ok(_)) => break,
                // A peer that is gone is how most tunnels end.
                _ => return Poll::Ready(Ok(())),
            }
        }
        if to_upstream.ended && to_client.ended {
            return Poll::Ready(Ok(()));
        }
        if moved {
            moved_at = Instant::now();
        }
        let half_closed = to_upstream.ended || to_client.ended;
        timer.poll_at(cx, moved_at + idle).map(|()| if half_closed { Ok(()) } else { Err(Silent) })
    })
    .await
}

/// One direction.
struct Way {
    buffer: usize,
    /// The end of the stream has been passed on.
    ended: bool,
}

impl Way {
    /// True if anything moved.
    fn poll(&mut self, cx: &mut Context<'_>, from: &mut Conn, to: &mut Conn) -> std::io::Result<bool> {
        let mut moved = false;
        if to.out.len() < self.buffer && !from.inp.is_empty() {
            to.out.extend(from.inp.data());
            from.inp.clear();
            moved = true;
        }
        match to.poll_drain(cx)? {
            Poll::Ready(1..) => moved = true,
            Poll::Ready(_) | Poll::Pending => {}
        }
        if !from.eof && from.inp.is_empty() {
            moved |= from.poll_fill(cx)?.is_ready();
        }
        if from.eof && from.inp.is_empty() && to.out.is_empty() && !self.ended {
            self.ended = to.poll_shutdown(cx)?.is_ready();
        }
        Ok(moved)
    }
}
