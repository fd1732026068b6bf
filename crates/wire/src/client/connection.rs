//! One HTTP/1.1 connection per request, over TCP or TLS.

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::{BadClient, ClientError};

/// How long connecting may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a server is, and how to trust it.
#[derive(Clone)]
pub(super) struct Origin {
    host: String,
    port: u16,
    secure: bool,
    trust: Arc<ClientConfig>,
    /// Where it answers in plain HTTP, instead of at its host and port.
    socket: Option<Arc<Path>>,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Origin {
    pub(super) fn new(base: &str, ca_pem: &str) -> Result<Self, BadClient> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            let bad = |detail: String| BadClient::Certificate { detail };
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| BadClient::Certificate { detail: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let unset =
            Self { host: String::new(), port: 0, secure: false, trust: Arc::new(trust), socket: None };
        let (origin, _) = unset.sibling(base).ok_or_else(|| BadClient::Url { url: base.to_owned() })?;
        Ok(origin)
    }

    /// The same, reached through a unix socket.
    pub(super) fn at_socket(self, socket: &Path) -> Self {
        Self { socket: Some(Arc::from(socket)), ..self }
    }

    /// The origin of another URL, trusted by the same certificates, and the path within it. Behind a unix socket there
    /// is one server, so all of its URLs lead there.
    pub(super) fn sibling(&self, url: &str) -> Option<(Self, String)> {
        let uri: Uri = url.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let path = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let (trust, socket) = (Arc::clone(&self.trust), self.socket.clone());
        Some((Self { host, port, secure, trust, socket }, path))
    }

    pub(super) fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// Sends one request; the answer's body ends the connection when it is dropped.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        at_most: Duration,
    ) -> Result<Response<Streaming>, ClientError> {
        let stream = self.connected().await?;
        let broken = |cause| ClientError::Broken { at: self.to_string(), cause };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Its end is seen by the reader of the body, its failure by the request.
        let connection = Connection(tokio::spawn(async move { drop(connection.await) }));
        let answer = tokio::time::timeout(at_most, sender.send_request(request))
            .await
            .map_err(|_| ClientError::TimedOut { at: self.to_string() })?
            .map_err(broken)?;
        Ok(answer.map(|body| Streaming { body, _connection: connection }))
    }

    /// A connection, with TLS where the URL says so.
    pub(super) async fn connected(&self) -> Result<Box<dyn Stream>, ClientError> {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, self.connect());
        let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
        connecting
            .await
            .unwrap_or_else(|_| Err(timed_out()))
            .map_err(|cause| ClientError::Connect { at: self.to_string(), cause })
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        if let Some(socket) = &self.socket {
            return Ok(Box::new(UnixStream::connect(socket).await?));
        }
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        if !self.secure {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let tls = TlsConnector::from(Arc::clone(&self.trust)).connect(name, tcp).await?;
        Ok(Box::new(tls))
    }
}

/// What bytes go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The body of an answer while it comes in.
#[derive(Debug)]
pub struct Streaming {
    body: Incoming,
    _connection: Connection,
}

impl Body for Streaming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Streaming {
    /// The next piece; `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        use http_body_util::BodyExt;
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// The task that drives a connection; ends with its owner.
#[derive(Debug)]
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}
