//! What is said to the developer during a push, as it is said.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::ask::{FRAME_BYTES_MAX, end, text_head};

/// Speaks through a hook.
#[derive(Debug)]
pub(crate) struct Voice<W> {
    to: W,
    /// The last byte said ended a line.
    at_line_start: bool,
}

impl<W: AsyncWrite + Unpin> Voice<W> {
    pub(crate) const fn new(to: W) -> Self {
        Self { to, at_line_start: true }
    }

    /// Says bytes as they are; an error means that nobody listens any more.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        for piece in bytes.as_ref().chunks(FRAME_BYTES_MAX) {
            self.to.write_all(&text_head(piece.len())).await?;
            self.to.write_all(piece).await?;
            self.at_line_start = piece.ends_with(b"\n");
        }
        self.to.flush().await
    }

    /// Ends a line that was left open by somebody else's output.
    pub(crate) async fn end_line(&mut self) -> io::Result<()> {
        if self.at_line_start { Ok(()) } else { self.say("\n").await }
    }

    /// The last word.
    pub(crate) async fn end(&mut self, code: u8) -> io::Result<()> {
        self.to.write_all(&end(code)).await?;
        self.to.shutdown().await
    }
}
