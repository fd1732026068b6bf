//! The control server's end of the control protocol.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{Reply, Request, read_line, to_line};
use crate::table::Table;

/// Longest wait for a reply; applying a table takes milliseconds.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// A request to the router failed. After it the connection is to be dropped and opened anew.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is no router at the socket.
    #[error("no router answers at {socket}")]
    Connect {
        /// The control socket.
        socket: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The connection broke.
    #[error("the connection to the router broke")]
    Broken {
        /// How.
        #[source]
        cause: io::Error,
    },
    /// No reply within 10 s.
    #[error("the router did not reply in time")]
    Late,
    /// The router refused, or answered something else.
    #[error("the router replied: {reply}")]
    Refused {
        /// What it said.
        reply: String,
    },
}

/// A connection to a running router.
#[derive(Debug)]
pub struct Control {
    stream: BufReader<UnixStream>,
}

impl Control {
    /// Connects to the router at this control socket.
    ///
    /// # Errors
    /// If there is none: it is not started yet, or just being replaced.
    pub async fn connect(socket: &Path) -> Result<Self, ControlError> {
        match UnixStream::connect(socket).await {
            Ok(stream) => Ok(Self { stream: BufReader::new(stream) }),
            Err(cause) => Err(ControlError::Connect { socket: socket.to_path_buf(), cause }),
        }
    }

    /// Replaces the router's table. When this returns, every worker uses it, so that no new request reaches a
    /// dyno it does not name. Returns the table's generation.
    ///
    /// # Errors
    /// See [`ControlError`]; the table may or may not be in use then.
    pub async fn publish(&mut self, table: &Table) -> Result<u64, ControlError> {
        match self.call(&Request::Publish(table)).await? {
            Reply::Applied(generation) => Ok(generation),
            other => Err(unexpected(&other)),
        }
    }

    /// How many requests each of these dynos is working on, also if the present table does not name it.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn in_flight(
        &mut self,
        dynos: &[SocketAddr],
    ) -> Result<BTreeMap<SocketAddr, u32>, ControlError> {
        match self.call(&Request::<&Table>::InFlight(dynos.to_vec())).await? {
            Reply::InFlight(counts) => Ok(counts),
            other => Err(unexpected(&other)),
        }
    }

    /// Makes the router end: it accepts no more connections, finishes its requests (those still running at the
    /// deadline are cut off, H24) and exits. Returns how many connections it still has.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn drain(&mut self, deadline: Duration) -> Result<usize, ControlError> {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        match self.call(&Request::<&Table>::Drain { deadline_ms }).await? {
            Reply::Draining { connections } => Ok(connections),
            other => Err(unexpected(&other)),
        }
    }

    async fn call(&mut self, request: &Request<&Table>) -> Result<Reply, ControlError> {
        let exchange = async {
            self.stream.write_all(&to_line(request)?).await?;
            let line = read_line(&mut self.stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok(serde_json::from_slice(&line)?)
        };
        let replied = timeout(REPLY_TIMEOUT, exchange).await.map_err(|_| ControlError::Late)?;
        replied.map_err(|cause| ControlError::Broken { cause })
    }
}

fn unexpected(reply: &Reply) -> ControlError {
    let reply = match reply {
        Reply::Error(text) => text.clone(),
        other => format!("{other:?}"),
    };
    ControlError::Refused { reply }
}
