//! How the server tells the service of buckets: one line of JSON asks, one answers, over a unix socket of its own that
//! no request from outside reaches.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use model::config_var::Secret;
use model::error::chain;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::objects::Held;
use crate::shelf::{Definition, Shelf, ShelfError, Usage};

/// Longest line, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Longest wait for an answer; a large bucket takes a while to be removed or read.
const REPLY_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Ask {
    Set {
        bucket: String,
        access_key: String,
        secret_key: String,
        bytes_max: u64,
    },
    Remove {
        bucket: String,
    },
    Measure {
        bucket: String,
    },
    /// Accept no more, finish what is on its way, and exit.
    End,
    Ping,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Done,
    Usage(Usage),
    Refused(String),
}

/// A request to the service of buckets failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is none at the socket.
    #[error("no service of buckets answers at {}", .socket.display())]
    Connect {
        /// The control socket.
        socket: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The connection broke.
    #[error("the connection to the service of buckets broke")]
    Broken(#[source] io::Error),
    /// No answer within a minute.
    #[error("the service of buckets did not answer in time")]
    Late,
    /// It refused.
    #[error("the service of buckets refused: {0}")]
    Refused(String),
}

/// What the server asks of a running service. Everything may be asked again.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// For the service with this control socket.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Makes a bucket, or gives one that is there these keys and this limit.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set(&self, definition: &Definition) -> Result<(), ClientError> {
        let Definition { bucket, access_key, secret_key, bytes_max } = definition.clone();
        let secret_key = secret_key.expose_secret().to_owned();
        self.ask(&Ask::Set { bucket, access_key, secret_key, bytes_max }).await.map(drop)
    }

    /// Removes a bucket with everything in it; one that is not there is removed already.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn remove(&self, bucket: &str) -> Result<(), ClientError> {
        self.ask(&Ask::Remove { bucket: bucket.to_owned() }).await.map(drop)
    }

    /// How much is in a bucket.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when there is no such bucket.
    pub async fn measure(&self, bucket: &str) -> Result<Usage, ClientError> {
        match self.ask(&Ask::Measure { bucket: bucket.to_owned() }).await? {
            Answer::Usage(usage) => Ok(usage),
            other => Err(ClientError::Refused(format!("{other:?}"))),
        }
    }

    /// Ends the service; requests on their way finish.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn end(&self) -> Result<(), ClientError> {
        self.ask(&Ask::End).await.map(drop)
    }

    /// Whether it runs.
    ///
    /// # Errors
    /// [`ClientError`] when it does not.
    pub async fn ping(&self) -> Result<(), ClientError> {
        self.ask(&Ask::Ping).await.map(drop)
    }

    async fn ask(&self, ask: &Ask) -> Result<Answer, ClientError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|cause| ClientError::Connect { socket: self.socket.clone(), cause })?;
        let exchange = async {
            let mut stream = BufReader::new(stream);
            stream.write_all(&line(ask)?).await?;
            let mut reply = String::new();
            (&mut stream).take(LINE_BYTES_MAX).read_line(&mut reply).await?;
            if reply.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            Ok(serde_json::from_str(&reply)?)
        };
        match timeout(REPLY_WITHIN, exchange).await {
            Err(_) => Err(ClientError::Late),
            Ok(Err(cause)) => Err(ClientError::Broken(cause)),
            Ok(Ok(Answer::Refused(why))) => Err(ClientError::Refused(why)),
            Ok(Ok(answer)) => Ok(answer),
        }
    }
}

fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Answers the server until it asks for the end, or `stop`.
pub(crate) async fn answer_all(listener: UnixListener, shelf: Arc<Shelf>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (shelf, stop) = (Arc::clone(&shelf), stop.clone());
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &shelf, &stop).await {
                warn!(error = &error as &dyn std::error::Error, "a control connection broke");
            }
        });
    }
}

async fn answer(stream: UnixStream, shelf: &Arc<Shelf>, stop: &CancellationToken) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut asked = String::new();
        (&mut stream).take(LINE_BYTES_MAX).read_line(&mut asked).await?;
        if asked.is_empty() {
            return Ok(());
        }
        let answer = match serde_json::from_str(&asked) {
            Ok(Ask::End) => {
                stream.write_all(&line(&Answer::Done)?).await?;
                stop.cancel();
                return Ok(());
            }
            Ok(ask) => act(shelf, ask).await,
            Err(error) => Answer::Refused(error.to_string()),
        };
        stream.write_all(&line(&answer)?).await?;
    }
}

async fn act(shelf: &Arc<Shelf>, ask: Ask) -> Answer {
    let done = match ask {
        Ask::Set { bucket, access_key, secret_key, bytes_max } => {
            let secret_key = Secret::new(secret_key);
            let definition = Definition { bucket, access_key, secret_key, bytes_max };
            if let Err(error) = shelf.check_place(&definition.bucket).await {
                return Answer::Refused(chain(&error));
            }
            let shelf = Arc::clone(shelf);
            let set = tokio::task::spawn_blocking(move || shelf.set(&definition)).await;
            set.unwrap_or_else(|cut| Err(ShelfError::Cut(cut)))
        }
        Ask::Remove { bucket } => Shelf::discard(shelf, &bucket).await,
        Ask::Measure { bucket } => return measure(shelf, &bucket).await,
        Ask::End | Ask::Ping => Ok(()),
    };
    match done {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Refused(chain(&error)),
    }
}

async fn measure(shelf: &Shelf, name: &str) -> Answer {
    let Some(bucket) = shelf.bucket(name) else {
        return Answer::Refused(format!("there is no bucket {name}"));
    };
    match bucket.objects.usage().await {
        Ok(Held { objects, bytes }) => {
            Answer::Usage(Usage { objects, bytes, bytes_max: bucket.limit.bytes() })
        }
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// Listens at a unix socket; one that a killed process left is replaced. The caller holds the folder's lock.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => UnixListener::bind(path),
    }
}
