//! A connection to a client or to a dyno: a socket with the bytes read and not yet used, and those to be written.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::server::TlsStream;

use super::buffer::Buffer;

/// Bytes read by one system call.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// Reads go through one large buffer per thread, so that a connection holds only what it has received.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// The transport.
#[derive(Debug)]
pub(crate) enum Io {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

/// A transport with its two buffers.
#[derive(Debug)]
pub(crate) struct Conn {
    io: Io,
    /// Received, not yet used.
    pub(crate) inp: Buffer,
    /// To be sent.
    pub(crate) out: Buffer,
    /// Bytes sent so far.
    pub(crate) sent: u64,
    /// The peer has closed its side.
    pub(crate) eof: bool,
    unflushed: bool,
}

impl Conn {
    pub(crate) fn new(io: Io) -> Self {
        Self { io, inp: Buffer::default(), out: Buffer::default(), sent: 0, eof: false, unflushed: false }
    }

    /// Reads once into `inp`. `Ok(0)` is the end of the stream; some stacks end TLS streams without notice,
    /// which is taken as an end too.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut into = ReadBuf::new(scratch);
            match ready!(self.io.poll_read(cx, &mut into)) {
                Err(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => return Poll::Ready(Err(cause)),
                _ => {}
            }
            let count = into.filled().len();
            self.inp.extend(into.filled());
            self.eof |= count == 0;
            Poll::Ready(Ok(count))
        })
    }

    /// Writes once from `out`; ready with 0 when there is nothing left to write and all is flushed.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.out.is_empty() {
            let count = ready!(self.io.poll_write(cx, self.out.data()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.consume(count);
            self.sent += count as u64;
            self.unflushed = true;
            return Poll::Ready(Ok(count));
        }
        if self.unflushed {
            ready!(self.io.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(0))
    }

    /// Reads once, waiting for it.
    pub(crate) async fn fill(&mut self) -> io::Result<usize> {
        poll_fn(|cx| self.poll_fill(cx)).await
    }

    /// Writes all of `out`, giving the peer `idle` for every step.
    pub(crate) async fn drain(&mut self, timer: &mut Timer, idle: Duration) -> io::Result<()> {
        loop {
            let wrote = timer.limit(idle, poll_fn(|cx| self.poll_drain(cx))).await;
            match wrote.map_err(|Elapsed| io::Error::from(io::ErrorKind::TimedOut))?? {
                0 => return Ok(()),
                _ => continue,
            }
        }
    }

    /// Ends our side of the stream (TLS: with its closing notice).
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_shutdown(cx)).await
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Tcp(io) => Pin::new(io).poll_shutdown(cx),
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
            Io::Unix(io) => Pin::new(io).poll_shutdown(cx),
        }
    }

    /// Makes the coming close a reset, so that the peer cannot take a cut-off message for a whole one.
    pub(crate) fn abort(&mut self) {
        let tcp = match &self.io {
            Io::Tcp(io) => io,
            Io::Tls(io) => io.get_ref().0,
            Io::Unix(_) => return,
        };
        // A socket that is already gone needs no reset.
        let _ = tcp.set_zero_linger();
    }

    /// Whether an idle connection can still be used: open, and without unasked-for bytes.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        let read = match &self.io {
            Io::Tcp(io) => io.try_read(&mut byte),
            Io::Unix(io) => io.try_read(&mut byte),
            Io::Tls(_) => return false,
        };
        self.inp.is_empty() && matches!(read, Err(cause) if cause.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Io {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(io) => Pin::new(io).poll_read(cx, into),
            Self::Tls(io) => Pin::new(io).poll_read(cx, into),
            Self::Unix(io) => Pin::new(io).poll_read(cx, into),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Tls(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Unix(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
        }
    }
}

/// The time was over.
#[derive(Debug)]
pub(crate) struct Elapsed;

/// One timer for all waits of a connection.
///
/// Registering a timer costs more than all else we do for a small request, so it stays registered: it may fire
/// too early for the present deadline, and is then set anew.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
}

impl Timer {
    pub(crate) fn new() -> Self {
        let armed = Instant::now();
        Self { sleep: Box::pin(sleep_until(armed)), armed }
    }

    /// Ready when `deadline` has passed.
    pub(crate) fn poll_at(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        if deadline < self.armed {
            self.arm(deadline);
        }
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if self.armed >= deadline {
                return Poll::Ready(());
            }
            self.arm(deadline);
        }
    }

    /// `future`, unless it takes longer than `limit`.
    pub(crate) async fn limit<F: Future>(
        &mut self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut future = std::pin::pin!(future);
        let mut deadline = None;
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + limit);
            self.poll_at(cx, deadline).map(|()| Err(Elapsed))
        })
        .await
    }

    fn arm(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.armed = deadline;
    }
}
