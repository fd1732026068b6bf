//! Who makes certificates, and how an authority is shown that a host is ours.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use model::certificate::CertificateFacts;
use model::config_var::Secret;
use model::domain::Hostname;
use store::{Store, StoreError};
use tokio::time::{Instant, sleep};

/// How long the router may take until it gives an answer that was put up.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long one look may take.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// A new certificate.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The chain in PEM, the host's own first.
    pub chain_pem: String,
    /// The private key in PEM.
    pub key_pem: Secret,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The authority does not want to, for this host; the text is for its user.
    #[error("{0}")]
    Refused(String),
    /// The authority asks for patience, for any host.
    #[error("{reason}")]
    Later {
        /// Why.
        reason: String,
        /// For how long nothing is to be asked of it.
        pause: Duration,
    },
    /// The authority, or something of ours that is needed, does not work now.
    #[error("{0}")]
    Unavailable(String),
    /// The store failed.
    #[error("could not read or write what was agreed with the authority")]
    Store(#[from] StoreError),
}

/// A certificate in the making.
pub type Issuing<'a> = Pin<Box<dyn Future<Output = Result<Issued, IssueError>> + Send + 'a>>;

/// Makes certificates: an ACME authority, or the platform's own.
pub trait Issuer: Send + Sync {
    /// Makes one for a host, with a new key.
    fn issue<'a>(&'a self, host: &'a Hostname, board: &'a Board) -> Issuing<'a>;

    /// Whether it makes them for wildcards.
    fn does_wildcards(&self) -> bool;

    /// Whether a certificate should be replaced by one of this issuer although its time has not come.
    fn replaces(&self, facts: &CertificateFacts) -> bool;
}

/// Where an authority reads that a host is ours: the router gives the answers, for every host.
#[derive(Debug, Clone)]
pub struct Board {
    store: Store,
    /// A public address of the router.
    router: Option<SocketAddr>,
    http: reqwest::Client,
}

impl Board {
    /// A board of the router that listens at this address. `http` is for plain HTTP on this machine.
    #[must_use]
    pub fn new(store: Store, router: Option<SocketAddr>, http: reqwest::Client) -> Self {
        Self { store, router: router.map(reachable), http }
    }

    /// The store behind it.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Puts an answer up, and returns when the router gives it.
    ///
    /// # Errors
    /// [`IssueError::Unavailable`] when it does not in time.
    pub async fn show(&self, host: &Hostname, token: &str, answer: &str) -> Result<(), IssueError> {
        let (kept_token, kept_answer) = (token.to_owned(), answer.to_owned());
        self.store.write(move |tx| tx.add_acme_challenge(&kept_token, &kept_answer)).await?;
        let Some(router) = self.router else { return Ok(()) };
        let url = format!("http://{router}/.well-known/acme-challenge/{token}");
        let began = Instant::now();
        loop {
            let request = self.http.get(&url).header(http::header::HOST, host.as_str()).timeout(LOOK_MAX);
            if let Ok(response) = request.send().await
                && response.status().is_success()
                && response.text().await.is_ok_and(|text| text == answer)
            {
                return Ok(());
            }
            if began.elapsed() > SHOWN_WITHIN {
                return Err(IssueError::Unavailable(
                    "The platform's router did not take up the answer to the authority.".to_owned(),
                ));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Tells that the authority has seen that the host is ours.
    ///
    /// # Errors
    /// Only the store's own.
    pub async fn validated(&self, host: &Hostname) -> Result<(), IssueError> {
        let host = host.clone();
        self.store.write(move |tx| tx.certificate_validated(&host)).await?;
        Ok(())
    }

    /// Takes every answer down.
    ///
    /// # Errors
    /// Only the store's own.
    pub async fn clear(&self) -> Result<(), StoreError> {
        self.store.write(|tx| tx.clear_acme_challenges()).await
    }
}

/// Where to find a socket that listens everywhere.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
