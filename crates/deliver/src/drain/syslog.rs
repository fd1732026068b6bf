//! Frames over TCP and TLS: syslog with octet counting (RFC 6587, RFC 5425).
//!
//! Syslog has no answers. What was written before a connection broke may be lost unseen; a frame whose writing failed
//! is sent again as a whole.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use model::drain::{Drain, DrainKind};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::frame::Frame;
use super::sink::Trouble;
use crate::outside::{CONNECT_TIMEOUT, Outside};

/// Oldest connection (Heroku: 5 hours), so that a changed address is noticed.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(5 * 60 * 60);

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

pub(super) struct Syslog {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    outside: Outside,
    write: Duration,
    open: Option<(Box<dyn Stream>, Instant)>,
}

impl fmt::Debug for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Syslog").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Syslog {
    pub(super) fn new(drain: &Drain, outside: &Outside, write: Duration) -> Result<Self, String> {
        let host = drain.url.host().to_owned();
        let tls = match drain.url.kind() {
            DrainKind::SyslogTls => {
                let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
                Some((TlsConnector::from(Arc::clone(&outside.tls())), name))
            }
            _ => None,
        };
        Ok(Self { host, port: drain.url.port(), tls, outside: outside.clone(), write, open: None })
    }

    pub(super) async fn send(&mut self, frame: &Frame) -> Result<(), Trouble> {
        let mut stream = match self.usable().await {
            Some(stream) => stream,
            None => (self.connect().await?, Instant::now()),
        };
        let writing = async {
            stream.0.write_all(&frame.body).await?;
            stream.0.flush().await
        };
        let written = timeout(self.write, writing).await;
        match written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(()) => {
                self.open = Some(stream);
                Ok(())
            }
            Err(error) => Err(Trouble::Broken(error.to_string())),
        }
    }

    /// The open connection, if it may still be used.
    async fn usable(&mut self) -> Option<(Box<dyn Stream>, Instant)> {
        let (mut stream, since) = self.open.take()?;
        let is_usable = since.elapsed() < CONNECTION_AGE_MAX && is_open(&mut stream).await;
        is_usable.then_some((stream, since))
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Trouble> {
        let unreachable = |error: io::Error| Trouble::of_connecting(&error);
        let tcp = self.outside.connect(&self.host, self.port).await.map_err(unreachable)?;
        let Some((connector, name)) = &self.tls else { return Ok(Box::new(tcp)) };
        let shaking = timeout(CONNECT_TIMEOUT, connector.connect(name.clone(), tcp)).await;
        let tls = shaking.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(unreachable)?;
        Ok(Box::new(tls))
    }
}

/// Whether the receiver has not closed the connection. What it says is of no interest.
async fn is_open(stream: &mut Box<dyn Stream>) -> bool {
    // The runtime looks at its sockets before it goes on here; else what they know is what it knew when last idle.
    yield_now().await;
    poll_fn(|cx| {
        loop {
            let mut bytes = [0; 512];
            let mut read = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut read) {
                Poll::Pending => return Poll::Ready(true),
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(false),
            }
        }
    })
    .await
}
