//! A request's body on its way into git: unpacked if it is gzip, counted, and never waited for without end.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use flate2::write::GzDecoder;
use futures_util::StreamExt;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Longest silence of a client within a body.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Compressed bytes unpacked at once; gzip makes at most about a thousand times as many of them.
const PIECE_BYTES: usize = 4 << 10;

/// A request's body could not be handed over whole, or its answer not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The client went away or broke the protocol.
    #[error("the request's body broke off")]
    Broken(#[source] axum::Error),
    /// The client neither sent nor read anything for too long.
    #[error("the client stalled")]
    Stalled,
    /// It is not what its Content-Encoding says.
    #[error("the request's body is no gzip")]
    NotGzip(#[source] io::Error),
    /// More than the caller allows.
    #[error("the request's body is too large")]
    TooLarge,
}

/// How a body is packed.
#[derive(Debug)]
pub(crate) enum Decoder {
    Plain,
    Gzip(Box<GzDecoder<Vec<u8>>>),
}

impl Decoder {
    /// The decoder for a request; `None` for an encoding that is not known here.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Some(Self::Plain),
            Some(b"gzip" | b"x-gzip") => Some(Self::Gzip(Box::new(GzDecoder::new(Vec::new())))),
            Some(_) => None,
        }
    }

    /// Unpacks the next piece (at most [`PIECE_BYTES`]) of a body.
    fn next(&mut self, piece: Bytes) -> io::Result<Bytes> {
        match self {
            Self::Plain => Ok(piece),
            Self::Gzip(decoder) => {
                decoder.write_all(&piece)?;
                Ok(std::mem::take(decoder.get_mut()).into())
            }
        }
    }

    /// What was still held back at the end of the body.
    fn finish(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Plain => Ok(Bytes::new()),
            Self::Gzip(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()).into())
            }
        }
    }
}

/// Hands a body to git, at most `bytes_max` of it when unpacked. When git listens no longer, the rest is read and
/// dropped: a client that still sends would otherwise never read git's reason.
pub(crate) async fn feed(
    body: Body,
    mut decoder: Decoder,
    to: impl AsyncWrite + Unpin,
    bytes_max: u64,
) -> Result<(), BodyError> {
    let mut body = body.into_data_stream();
    let mut sink = Sink { to: Some(to), room: bytes_max };
    while let Some(chunk) = timeout(SILENCE_MAX, body.next()).await.map_err(|_| BodyError::Stalled)? {
        let mut chunk = chunk.map_err(BodyError::Broken)?;
        while !chunk.is_empty() {
            let piece = match &decoder {
                Decoder::Plain => std::mem::take(&mut chunk),
                Decoder::Gzip(_) => chunk.split_to(chunk.len().min(PIECE_BYTES)),
            };
            sink.take(decoder.next(piece).map_err(BodyError::NotGzip)?).await?;
        }
    }
    sink.take(decoder.finish().map_err(BodyError::NotGzip)?).await
}

struct Sink<W> {
    /// Where the bytes go; nothing once it was closed from the other side.
    to: Option<W>,
    /// Bytes that may still come.
    room: u64,
}

impl<W: AsyncWrite + Unpin> Sink<W> {
    async fn take(&mut self, bytes: Bytes) -> Result<(), BodyError> {
        self.room = self.room.checked_sub(bytes.len() as u64).ok_or(BodyError::TooLarge)?;
        if let Some(to) = &mut self.to
            && to.write_all(&bytes).await.is_err()
        {
            self.to = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
