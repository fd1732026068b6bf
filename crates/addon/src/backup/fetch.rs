//! Fetching a dump from an address that a user gave, into a file.
//!
//! The server can reach more than a tenant may: its own network, the services on this machine. So on a platform for others
//! only public addresses are asked, whatever name or redirect leads to them.

use std::error::Error;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::config_var::Secret;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, StatusCode, Url};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;

/// Largest dump taken, in bytes; Heroku's backups are for databases up to 20 GB.
const DUMP_BYTES_MAX: u64 = 20 << 30;
/// Longest silence of a server.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const CONNECT_MAX: Duration = Duration::from_secs(20);
const REDIRECTS_MAX: usize = 5;

/// Which addresses may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable {
    /// Every one: the platform is on its only user's own machine.
    All,
    /// Every one but this machine's and link-local ones.
    NotThisMachine,
    /// Only those of the internet.
    Public,
}

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
    /// It is too large.
    #[error("it is larger than {} GB", DUMP_BYTES_MAX >> 30)]
    TooLarge,
    /// The disk is full.
    #[error("the disk on which this platform keeps backups is full")]
    NoSpace,
    /// The file cannot be written.
    #[error("it could not be written")]
    Write(#[source] std::io::Error),
}

/// Fetches dumps.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    reachable: Reachable,
}

impl Fetcher {
    /// A client that asks only where it may.
    ///
    /// # Errors
    /// [`FetchError::NoClient`].
    pub fn new(reachable: Reachable) -> Result<Self, FetchError> {
        // Somebody else may have been first; there is one provider in this program.
        let _installed = ring::default_provider().install_default();
        let redirects = Policy::custom(move |attempt: Attempt<'_>| {
            if attempt.previous().len() > REDIRECTS_MAX {
                attempt.error("too many redirects")
            } else if is_forbidden(attempt.url(), reachable) {
                attempt.error(Forbidden)
            } else {
                attempt.follow()
            }
        });
        let client = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .read_timeout(SILENCE_MAX)
            .redirect(redirects)
            .dns_resolver(Arc::new(Guide(reachable)))
            .no_proxy()
            .user_agent("hokku")
            .build()
            .map_err(FetchError::NoClient)?;
        Ok(Self { client, reachable })
    }

    /// Writes what is behind the address into the file. `progress` holds how much it is and how much is there.
    pub(crate) async fn fetch(
        &self,
        url: &Secret,
        file: File,
        progress: &Progress,
    ) -> Result<(), FetchError> {
        let url: Url = url.expose_secret().parse().map_err(|_| FetchError::Address)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Address);
        }
        if is_forbidden(&url, self.reachable) {
            return Err(FetchError::Forbidden);
        }
        let asked = timeout(SILENCE_MAX + CONNECT_MAX, self.client.get(url).send()).await;
        let mut answer = asked.map_err(|_| FetchError::Silent)?.map_err(no_answer)?;
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

    /// Whether a server of this name may be connected to, at all its addresses.
    pub(crate) async fn may_reach(&self, host: &str, port: u16) -> bool {
        if self.reachable == Reachable::All {
            return true;
        }
        match tokio::net::lookup_host((host, port)).await {
            Ok(mut addresses) => addresses.all(|address| may_ask(address.ip(), self.reachable)),
            // The connection itself will tell.
            Err(_) => true,
        }
    }
}

/// How far a fetch is, in bytes.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) total: AtomicU64,
    pub(crate) done: AtomicU64,
}

#[derive(Debug, thiserror::Error)]
#[error("it may not be asked")]
struct Forbidden;

/// The address stays out of the words: it may carry a permission.
fn no_answer(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let mut cause: Option<&dyn Error> = Some(&error);
    let mut last = String::new();
    while let Some(error) = cause {
        if error.is::<Forbidden>() {
            return FetchError::Forbidden;
        }
        last = error.to_string();
        cause = error.source();
    }
    FetchError::NoAnswer { detail: last }
}

fn not_written(error: std::io::Error) -> FetchError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => FetchError::NoSpace,
        _ => FetchError::Write(error),
    }
}

/// Resolves names to addresses that may be asked.
struct Guide(Reachable);

impl Resolve for Guide {
    fn resolve(&self, name: Name) -> Resolving {
        let reachable = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (good, bad): (Vec<_>, Vec<_>) = found.partition(|it| may_ask(it.ip(), reachable));
            if good.is_empty() && !bad.is_empty() {
                return Err(Forbidden.into());
            }
            Ok::<Addrs, Box<dyn Error + Send + Sync>>(Box::new(good.into_iter()))
        })
    }
}

/// Whether an address that is written out in a URL may not be asked; names are the resolver's affair.
fn is_forbidden(url: &Url, reachable: Reachable) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    address.is_some_and(|address| !may_ask(address, reachable))
}

fn may_ask(address: IpAddr, reachable: Reachable) -> bool {
    let address = address.to_canonical();
    match reachable {
        Reachable::All => true,
        Reachable::NotThisMachine => !is_here(address),
        Reachable::Public => !is_here(address) && !is_private(address),
    }
}

/// Of this machine or link: also what a cloud's machines learn their secrets from.
fn is_here(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => {
            it.is_loopback()
                || it.is_link_local()
                || it.is_unspecified()
                || it.is_multicast()
                || it.is_broadcast()
        }
        IpAddr::V6(it) => {
            it.is_loopback() || it.is_unicast_link_local() || it.is_unspecified() || it.is_multicast()
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => it.is_private() || is_shared(it),
        IpAddr::V6(it) => it.is_unique_local() || is_translated(it),
    }
}

/// Carriers' own addresses, 100.64.0.0/10.
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0xc0 == 64
}

/// IPv4 addresses in the clothes of IPv6, 64:ff9b::/96 and 2002::/16: nobody needs them for a dump.
fn is_translated(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0x64, 0xff9b, ..] | [0x2002, ..])
}

#[cfg(test)]
mod tests;
