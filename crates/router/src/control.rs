//! The control protocol: JSON lines over a unix socket, one reply per request, in order.
//!
//! ```text
//! {"publish":{"generation":7,…}}          →  {"applied":7}            once every worker uses it
//! {"in_flight":["10.1.2.3:4000"]}         →  {"in_flight":{"10.1.2.3:4000":2}}
//! {"drain":{"deadline_ms":30000}}         →  {"draining":{"connections":12}}
//!                                            {"error":"…"}            for anything else
//! ```

pub(crate) mod client;
pub(crate) mod server;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use crate::saved::TABLE_BYTES_MAX;
use crate::table::Table;

/// From the control server to the router.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request<T = Table> {
    Publish(T),
    InFlight(Vec<SocketAddr>),
    Drain { deadline_ms: u64 },
}

/// And back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The generation of the table that every worker now uses.
    Applied(u64),
    InFlight(BTreeMap<SocketAddr, u32>),
    Draining {
        connections: usize,
    },
    Error(String),
}

/// One line without its end; `None` at the end of the stream. A line cut off by the end is an error.
pub(crate) async fn read_line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    from.take(TABLE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// A message as a line.
pub(crate) fn to_line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}
