//! Fetching a dump from an address that a user gave, into a file.
//!
//! The server can reach more than a tenant may: its own network, the services on this machine. Who may be asked is not
//! decided here: names are looked up by a guide that is handed in, which tells allowed addresses only. It is asked about
//! each redirect, and about addresses that stand for themselves in a URL, which no HTTP client looks up.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::config_var::Secret;
use reqwest::dns::Resolve;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;

/// Largest dump taken, in bytes; Heroku's backups are for databases up to 20 GB.
const DUMP_BYTES_MAX: u64 = 20 << 30;
/// Longest silence of a server.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const CONNECT_MAX: Duration = Duration::from_secs(20);
const REDIRECTS_MAX: usize = 5;

/// Why a dump is not there; the words are for whoever asked for it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no HTTP client.
    #[error("this platform has no HTTP client")]
    NoClient(#[source] reqwest::Error),
    /// The address is none.
    #[error("the address must begin with http:// or https://")]
    Address,
    /// The address leads to where it may not.
    #[error("the address leads to a place that this platform may not fetch from")]
    Forbidden,
    /// No answer.
    #[error("the server does not answer as it should ({detail})")]
    NoAnswer {
        /// Why, without the address, which may be a secret.
        detail: String,
    },
    /// An answer that is not the dump.
    #[error("the server answered {status}")]
    Status {
        /// What it answered.
        status: StatusCode,
    },
    /// It is silent in the middle.
    #[error("the server was silent for {} seconds", SILENCE_MAX.as_secs())]
    Silent,
    /// It sends on and on to another address.
    #[error("the server sent us on more than {REDIRECTS_MAX} times: too many redirects")]
    Lost,
    /// It is too large.
    #[error("it is larger than {} GB", DUMP_BYTES_MAX >> 30)]
    TooLarge,
    /// The disk is full.
    #[error("the disk on which this platform keeps backups is full")]
    NoSpace,
    /// The file cannot be written.
    #[error("it could not be written")]
    Write(#[source] io::Error),
}

/// Fetches dumps.
#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    guide: Arc<dyn Resolve>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A client that asks only where `guide` leads. Of a name or an address without one that may be asked, the guide says
    /// [`io::ErrorKind::PermissionDenied`].
    ///
    /// # Errors
    /// [`FetchError::NoClient`].
    pub fn new(guide: Arc<dyn Resolve>) -> Result<Self, FetchError> {
        // Somebody else may have been first; there is one provider in this program.
        let _installed = ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .read_timeout(SILENCE_MAX)
            .redirect(Policy::none())
            .dns_resolver(Arc::clone(&guide))
            .no_proxy()
            .user_agent("hokku")
            .build()
            .map_err(FetchError::NoClient)?;
        Ok(Self { client, guide })
    }

    /// Writes what is behind the address into the file. `progress` holds how much it is and how much is there.
    pub(crate) async fn fetch(
        &self,
        url: &Secret,
        file: File,
        progress: &Progress,
    ) -> Result<(), FetchError> {
        let mut answer = self.ask(url.expose_secret().parse().map_err(|_| FetchError::Address)?).await?;
        if !answer.status().is_success() {
            return Err(FetchError::Status { status: answer.status() });
        }
        let length = answer.content_length();
        if length.is_some_and(|length| length > DUMP_BYTES_MAX) {
            return Err(FetchError::TooLarge);
        }
        progress.total.store(length.unwrap_or(0), Ordering::Relaxed);
        let mut file = tokio::fs::File::from_std(file);
        let mut bytes = 0_u64;
        loop {
            let chunk = timeout(SILENCE_MAX, answer.chunk()).await.map_err(|_| FetchError::Silent)?;
            let Some(chunk) = chunk.map_err(no_answer)? else { break };
            bytes += chunk.len() as u64;
            if bytes > DUMP_BYTES_MAX {
                return Err(FetchError::TooLarge);
            }
            file.write_all(&chunk).await.map_err(not_written)?;
            progress.done.store(bytes, Ordering::Relaxed);
        }
        progress.total.store(bytes, Ordering::Relaxed);
        file.flush().await.map_err(not_written)
    }

    /// The answer behind an address, wherever that leads.
    async fn ask(&self, mut url: Url) -> Result<Response, FetchError> {
        for _ in 0..=REDIRECTS_MAX {
            if !matches!(url.scheme(), "http" | "https") {
                return Err(FetchError::Address);
            }
            let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
            if host.parse::<IpAddr>().is_ok() {
                self.addresses(host, 0).await?;
            }
            let asked = timeout(SILENCE_MAX + CONNECT_MAX, self.client.get(url.clone()).send()).await;
            let answer = asked.map_err(|_| FetchError::Silent)?.map_err(no_answer)?;
            let next = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection());
            let Some(next) = next.and_then(|next| next.to_str().ok()) else { return Ok(answer) };
            url = url.join(next).map_err(|_| FetchError::Address)?;
        }
        Err(FetchError::Lost)
    }

    /// The address at which a server is to be connected to: looked up once more, its name might lead elsewhere.
    pub(crate) async fn find(&self, host: &str, port: u16) -> Result<IpAddr, FetchError> {
        let allowed = self.addresses(host, port).await?;
        let connecting = timeout(CONNECT_MAX, TcpStream::connect(allowed.as_slice())).await;
        let peer = connecting.ok().and_then(Result::ok).and_then(|stream| stream.peer_addr().ok());
        // Where nobody answers, the connection itself will tell.
        let address = peer.or_else(|| allowed.first().copied()).ok_or(FetchError::Forbidden)?;
        Ok(address.ip())
    }

    /// The addresses of a host that may be asked.
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, FetchError> {
        let name = host.parse().map_err(|_| FetchError::Address)?;
        let found = self.guide.resolve(name).await.map_err(|error| not_found(error.as_ref()))?;
        Ok(found.map(|address| SocketAddr::new(address.ip(), port)).collect())
    }
}

/// How far a fetch is, in bytes.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) total: AtomicU64,
    pub(crate) done: AtomicU64,
}

/// The address stays out of the words: it may carry a permission.
fn no_answer(error: reqwest::Error) -> FetchError {
    not_found(&error.without_url())
}

/// What the first cause says, unless it was the guide who refused.
fn not_found(error: &(dyn Error + 'static)) -> FetchError {
    let mut cause = Some(error);
    let mut last = String::new();
    while let Some(error) = cause {
        let is_refused = |it: &io::Error| it.kind() == io::ErrorKind::PermissionDenied;
        if error.downcast_ref().is_some_and(is_refused) {
            return FetchError::Forbidden;
        }
        last = error.to_string();
        cause = error.source();
    }
    FetchError::NoAnswer { detail: last }
}

fn not_written(error: io::Error) -> FetchError {
    match error.kind() {
        io::ErrorKind::StorageFull => FetchError::NoSpace,
        _ => FetchError::Write(error),
    }
}

#[cfg(test)]
mod tests;
