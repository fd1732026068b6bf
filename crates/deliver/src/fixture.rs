//! What the tests of this crate share: a receiver that does as it is told, over TCP or TLS.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::drain::Drain;
use model::id::{AppId, DrainId};
use model::time::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::outside::{Outside, Targets};

/// Longest a test waits for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// A drain to a URL.
pub(crate) fn drain(url: &str) -> Drain {
    Drain {
        id: DrainId::new(),
        app: AppId::from_u128(1),
        url: url.parse().expect("a drain's URL"),
        token: "d.fc6b856b-3332-4546-93de-7d0ee272c3bd".to_owned(),
        cursor: None,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}

/// TLS that trusts no certificate.
pub(crate) fn trust_nobody() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

/// A certificate for `localhost` and the way out that trusts it, or does not.
pub(crate) struct Trust {
    pub(crate) outside: Outside,
    acceptor: TlsAcceptor,
}

impl Trust {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        // Each signs for itself alone.
        params.distinguished_name.push(DnType::CommonName, DrainId::new().to_string());
        let certificate: CertificateDer<'static> = params.self_signed(&key).expect("a certificate").into();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let server = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("TLS");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a root");
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let outside = Outside::trusting(Targets::Any, None, client);
        Self { outside, acceptor: TlsAcceptor::from(Arc::new(server)) }
    }
}

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    /// Answers with a status.
    Answers(u16),
    /// Never answers.
    Hangs,
    /// Closes the connection before it has read the body.
    Closes,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The number of its connection, from 1.
    pub(crate) connection: usize,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    /// A header's value; its name must be written just so.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = |line: &'_ str| line.strip_prefix(name)?.strip_prefix(": ").map(str::len);
        let line = self.head.lines().find(|line| value(line).is_some());
        line.map_or("", |line| &line[name.len() + 2..])
    }
}

/// A server of HTTP requests; with a script, then `204` for ever.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    requests: mpsc::UnboundedReceiver<Request>,
    _running: JoinSet<()>,
}

impl Receiver {
    /// Speaks TLS if it is given a certificate. Port 0 picks one.
    pub(crate) async fn start(port: u16, trust: Option<&Trust>, script: &[Does]) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let script = Arc::new(Mutex::new(VecDeque::from(script.to_vec())));
        let acceptor = trust.map(|trust| trust.acceptor.clone());
        let (sender, requests) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut connections = JoinSet::new();
            for connection in 1.. {
                let Ok((tcp, _)) = listener.accept().await else { return };
                let (script, sender, acceptor) = (Arc::clone(&script), sender.clone(), acceptor.clone());
                connections.spawn(async move {
                    // A client that does not like the certificate goes away.
                    let _ended = match acceptor {
                        Some(acceptor) => match acceptor.accept(tcp).await {
                            Ok(tls) => serve(tls, connection, &script, &sender).await,
                            Err(error) => Err(error),
                        },
                        None => serve(tcp, connection, &script, &sender).await,
                    };
                });
            }
        });
        Self { port, requests, _running: running }
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Request {
        let next = tokio::time::timeout(PATIENCE, self.requests.recv()).await;
        next.expect("a request should have come").expect("the receiver runs")
    }

    /// Whether something came.
    pub(crate) fn is_idle(&self) -> bool {
        self.requests.is_empty()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    script: &Mutex<VecDeque<Does>>,
    sender: &mpsc::UnboundedSender<Request>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break bytes.drain(..end + 4).collect::<Vec<u8>>();
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&head).into_owned();
        let does = script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let does = does.unwrap_or(Does::Answers(204));
        let mut request = Request { connection, head, body: String::new() };
        if !matches!(does, Does::Closes) {
            let length: usize = request.header("Content-Length").parse().unwrap_or(0);
            while bytes.len() < length {
                stream.read_buf(&mut bytes).await?;
            }
            request.body = String::from_utf8(bytes.drain(..length).collect()).expect("text");
        }
        // Nobody may be waiting any more.
        let _ = sender.send(request);
        match does {
            Does::Answers(code) => {
                let answer = format!("HTTP/1.1 {code} Whatever\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await?;
                stream.flush().await?;
            }
            Does::Hangs => std::future::pending().await,
            Does::Closes => return Ok(()),
        }
    }
}
