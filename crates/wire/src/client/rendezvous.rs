//! A client's end of the rendezvous: how `run` attaches to a dyno.
//!
//! After TLS the client sends the secret of the URL as a line; the server answers with a line of its own, and from then
//! on there are only the bytes of the dyno's terminal, both ways, until the server closes.

use std::fmt;
use std::io;
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connection::Stream;
use super::{Client, ClientError};

/// How long a dyno may take until it can be talked to; the server gives up by itself before.
const GREETING_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest line that the server may begin with, in bytes.
const GREETING_BYTES_MAX: usize = 128;
/// How its URLs begin; behind it is TLS on a port of its own.
const SCHEME: &str = "rendezvous://";
const GREETING: &[u8] = b"rendezvous\r\n";

/// A dyno's terminal.
pub struct Attached {
    /// What the dyno prints; it ends when the dyno does.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// What the dyno is typed.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}

impl Client {
    /// Attaches to a dyno at the `attach_url` that the answer to its request gave.
    ///
    /// # Errors
    /// Any of [`ClientError`]; [`ClientError::Unexpected`] when the dyno is not there (any more).
    pub async fn attach(&self, url: &str) -> Result<Attached, ClientError> {
        let secure = url.strip_prefix(SCHEME).map(|rest| format!("https://{rest}"));
        let found = secure.and_then(|url| self.origin.sibling(&url));
        let (origin, path) = found.ok_or_else(|| self.not_attached(&format!("`{url}` is not its URL")))?;
        let mut stream = origin.connected().await?;
        let greeted = async {
            let secret = path.trim_start_matches('/');
            stream.write_all(format!("{secret}\r\n").as_bytes()).await?;
            stream.flush().await?;
            greeting(&mut stream).await
        };
        match tokio::time::timeout(GREETING_TIMEOUT, greeted).await {
            Ok(Ok(line)) if line == GREETING => {}
            Ok(Ok(line)) => {
                let words = String::from_utf8_lossy(&line).trim().to_owned();
                let words =
                    if words.is_empty() { "the server closed the connection".to_owned() } else { words };
                return Err(self.not_attached(&words));
            }
            Ok(Err(cause)) => return Err(ClientError::Connect { at: origin.to_string(), cause }),
            Err(_) => return Err(ClientError::TimedOut { at: origin.to_string() }),
        }
        let (output, input) = tokio::io::split(stream);
        Ok(Attached { output: Box::new(output), input: Box::new(input) })
    }

    fn not_attached(&self, why: &str) -> ClientError {
        let (at, status) = (self.origin.to_string(), StatusCode::OK);
        ClientError::Unexpected { at, status, detail: format!("could not attach to the dyno: {why}") }
    }
}

/// The server's first line, and not a byte more: what follows is the dyno's.
async fn greeting(stream: &mut Box<dyn Stream>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && line.len() < GREETING_BYTES_MAX {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            break;
        }
        line.extend_from_slice(&byte);
    }
    Ok(line)
}
