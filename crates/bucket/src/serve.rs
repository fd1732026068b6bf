//! The process: listens, serves, and ends in order.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use model::time::Timestamp;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::control;
use crate::door::Door;
use crate::front::{Front, Host};
use crate::operations::Operations;
use crate::outside::{Outside, OutsideConfig};
use crate::seal::Sealer;
use crate::shelf::{Shelf, ShelfError};
use crate::tls::{Certificate, TlsError};

/// Connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 2048;
/// From accepting a connection to the end of its TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// From the end of one request to the head of the next.
const HEAD_WITHIN: Duration = Duration::from_secs(75);
/// Largest XML a client may send (a list of keys to delete), in bytes.
const XML_BYTES_MAX: usize = 4 << 20;
/// Largest file that a browser's form may upload, in bytes: `s3s` holds it in memory.
const FORM_BYTES_MAX: u64 = 64 << 20;
/// How long an orderly end lets requests finish.
const END_WITHIN: Duration = Duration::from_secs(20);

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything [`serve`] needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of all buckets.
    pub dir: PathBuf,
    /// The data folder's key, 32 bytes, under which the buckets' own keys are sealed.
    pub key: Vec<u8>,
    /// The service's host name; a bucket is served at `https://HOST/BUCKET/` and `https://BUCKET.HOST/`.
    pub host: String,
    /// The unix socket where the router brings requests, plain HTTP/1.1.
    pub socket: PathBuf,
    /// The unix socket of [`Client`](crate::Client).
    pub control_socket: PathBuf,
    /// Where clients come without the router, with TLS; none if they cannot.
    pub listen: Option<SocketAddr>,
    /// The chain in PEM for those.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub private_key: PathBuf,
    /// Where the objects of new buckets are kept; none: in the folder. Those that are there stay where they are.
    pub outside: Option<OutsideConfig>,
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another one serves this folder.
    #[error("another process serves the buckets in {}", .0.display())]
    Locked(PathBuf),
    /// The folder cannot be used.
    #[error("could not open the buckets in {}", .dir.display())]
    Open {
        /// The folder of all buckets.
        dir: PathBuf,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An address or socket cannot be listened at.
    #[error("could not listen at {at}")]
    Listen {
        /// Which.
        at: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Serves until `stop`, or until the server asks for the end.
///
/// # Errors
/// [`ServeError`] when it cannot start.
pub async fn serve(config: Config, clock: Clock, stop: CancellationToken) -> Result<(), ServeError> {
    let _lock = lock(&config)?;
    let open =
        |cause: Box<dyn std::error::Error + Send + Sync>| ServeError::Open { dir: config.dir.clone(), cause };
    let sealer = Sealer::new(&config.key).map_err(|error| open(error.into()))?;
    let outside = config.outside.clone().map(|outside| Outside::new(outside, Arc::clone(&clock)));
    let outside = outside.transpose().map_err(|error| open(error.into()))?.map(Arc::new);
    let shelf = Shelf::open(&config.dir, sealer, outside);
    let shelf = Arc::new(shelf.map_err(|error: ShelfError| open(error.into()))?);
    let front = front(&config, &shelf, clock);
    let direct = match config.listen {
        Some(address) => Some(listen_tls(address, &config).await?),
        None => None,
    };
    let listen_at = |path: &PathBuf| {
        control::listen(path).map_err(|cause| ServeError::Listen { at: path.display().to_string(), cause })
    };
    let proxied = listen_at(&config.socket)?;
    // Last, because who connects here relies on all the rest.
    let controlled = listen_at(&config.control_socket)?;
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    connections.spawn(accept_all(Entry::Proxied(proxied), front.clone(), Arc::clone(&places), stop.clone()));
    if let Some((listener, acceptor, certificate)) = direct {
        let entry = Entry::Direct(listener, acceptor);
        connections.spawn(accept_all(entry, front, places, stop.clone()));
        let ended = stop.clone();
        connections.spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = certificate.watch() => {}
            }
        });
    }
    control::answer_all(controlled, shelf, stop).await;
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(END_WITHIN, all).await.is_err() {
        warn!("some requests did not end in time");
    }
    Ok(())
}

fn lock(config: &Config) -> Result<File, ServeError> {
    let open = |cause: io::Error| ServeError::Open { dir: config.dir.clone(), cause: cause.into() };
    std::fs::create_dir_all(&config.dir).map_err(open)?;
    let file = File::create(config.dir.join("lock")).map_err(open)?;
    file.try_lock().map_err(|_| ServeError::Locked(config.dir.clone()))?;
    Ok(file)
}

fn front(config: &Config, shelf: &Arc<Shelf>, clock: Clock) -> Front {
    let host = Host(config.host.to_ascii_lowercase());
    let mut limits = S3Config::default();
    limits.xml_max_body_size = XML_BYTES_MAX;
    limits.post_object_max_file_size = FORM_BYTES_MAX;
    let mut builder = S3ServiceBuilder::new(Operations { shelf: Arc::clone(shelf), clock });
    builder.set_auth(Door(Arc::clone(shelf)));
    builder.set_access(Door(Arc::clone(shelf)));
    builder.set_host(host.clone());
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(limits))));
    Front { s3: builder.build(), shelf: Arc::clone(shelf), host }
}

async fn listen_tls(
    address: SocketAddr,
    config: &Config,
) -> Result<(TcpListener, TlsAcceptor, Arc<Certificate>), ServeError> {
    let open = |cause: TlsError| ServeError::Open { dir: config.dir.clone(), cause: cause.into() };
    let certificate = Certificate::read(&config.certificate, &config.private_key).map_err(open)?;
    let acceptor = TlsAcceptor::from(Arc::new(certificate.server().map_err(open)?));
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|cause| ServeError::Listen { at: address.to_string(), cause })?;
    info!("serves dynos at {address}");
    Ok((listener, acceptor, certificate))
}

/// Where connections come from.
enum Entry {
    /// The router, in plain HTTP.
    Proxied(UnixListener),
    /// Dynos, with TLS.
    Direct(TcpListener, TlsAcceptor),
}

/// A connection before its handshake.
enum Arrival {
    Proxied(UnixStream),
    Direct(TcpStream, TlsAcceptor),
}

impl Entry {
    async fn accept(&self) -> io::Result<Arrival> {
        match self {
            Self::Proxied(listener) => Ok(Arrival::Proxied(listener.accept().await?.0)),
            Self::Direct(listener, acceptor) => {
                Ok(Arrival::Direct(listener.accept().await?.0, acceptor.clone()))
            }
        }
    }
}

async fn accept_all(entry: Entry, front: Front, places: Arc<Semaphore>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = entry.accept() => accepted,
        };
        if let Ok(arrival) = accepted {
            let (front, stop) = (front.clone(), stop.clone());
            connections.spawn(async move {
                welcome(arrival, front, stop).await;
                drop(place);
            });
        }
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

async fn welcome(arrival: Arrival, front: Front, stop: CancellationToken) {
    match arrival {
        Arrival::Proxied(stream) => connection(stream, front, stop).await,
        Arrival::Direct(stream, acceptor) => {
            let _ = stream.set_nodelay(true);
            // A client that breaks off its handshake is no news.
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                connection(stream, front, stop).await;
            }
        }
    }
}

async fn connection<S>(stream: S, front: Front, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).half_close(true);
    let connection = server.serve_connection(TokioIo::new(stream), front);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A client that goes away in the middle is no news.
    drop(ended);
}
