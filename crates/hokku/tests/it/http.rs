//! A small HTTP/1.1 client over plain TCP or verified TLS: blocking, one connection a value, so that tests decide what is
//! kept alive, and see every way in which an answer can fail to come.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Longest silence of the server.
const SILENCE: Duration = Duration::from_secs(60);

/// Who connects: the port, and the authority that is trusted.
#[derive(Clone)]
pub(crate) struct Client {
    port: u16,
    tls: Arc<ClientConfig>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

trait Bytes: Read + Write + Send {}
impl<T: Read + Write + Send> Bytes for T {}

/// One connection.
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Bytes>>,
    host: String,
}

impl Client {
    /// Trusts the authority of the server with this data folder, and nobody else.
    pub(crate) fn new(port: u16, data_dir: &Path) -> Self {
        let pem = fs::read(data_dir.join("tls/ca.pem")).expect("the server has made its authority");
        Self::trusting(port, &pem)
    }

    /// Trusts this authority (PEM), and nobody else.
    pub(crate) fn trusting(port: u16, pem: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem).expect("a certificate")).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { port, tls: Arc::new(tls) }
    }

    fn tcp(&self) -> io::Result<TcpStream> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let tcp = TcpStream::connect_timeout(&address, SILENCE)?;
        tcp.set_read_timeout(Some(SILENCE))?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    }

    /// Connects over TLS, and verifies the certificate for `host`.
    pub(crate) fn connect(&self, host: &str) -> io::Result<Connection> {
        let name = ServerName::try_from(host.to_owned()).expect("a host name");
        let session = ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        Ok(self.over(Box::new(StreamOwned::new(session, self.tcp()?)), host))
    }

    /// Connects without TLS.
    pub(crate) fn connect_plain(&self, host: &str) -> io::Result<Connection> {
        Ok(self.over(Box::new(self.tcp()?), host))
    }

    fn over(&self, stream: Box<dyn Bytes>, host: &str) -> Connection {
        Connection { stream: BufReader::new(stream), host: format!("{host}:{}", self.port) }
    }

    /// One request on a connection of its own, which must be answered.
    #[track_caller]
    pub(crate) fn get(&self, host: &str, path: &str) -> Answer {
        self.try_get(host, path).unwrap_or_else(|error| panic!("GET {path} of {host}: {error}"))
    }

    /// The same, where it may be that nobody answers, or nobody who is vouched for (yet, or any more).
    pub(crate) fn try_get(&self, host: &str, path: &str) -> io::Result<Answer> {
        self.connect(host)?.send("GET", path, &[], b"")
    }
}

impl Connection {
    /// A request and its whole answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        self.ask(method, path, headers, body)?;
        let (status, headers) = self.head()?;
        let body = self.body(method, status, &headers)?;
        Ok(Answer { status, headers, body })
    }

    /// Only the request.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        self.write(&[request.as_bytes(), body].concat())
    }

    /// Raw bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Raw bytes, as many as asked for.
    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.stream.read_exact(bytes)
    }

    /// A line without its end; an error at the end of the stream.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// An answer's status and headers.
    pub(crate) fn head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no answer: `{first}`")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok((status, headers))
    }

    /// One chunk of a chunked body; `None` at its end.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; size];
        self.read(&mut chunk)?;
        self.line()?;
        Ok((size > 0).then_some(chunk))
    }

    fn body(&mut self, method: &str, status: u16, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
        let header = |name: &str| headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        let mut body = Vec::new();
        if method == "HEAD" || matches!(status, 204 | 304) {
            return Ok(body);
        }
        if let Some((_, length)) = header("content-length") {
            body.resize(length.parse().map_err(io::Error::other)?, 0);
            self.read(&mut body)?;
        } else if header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk()? {
                body.extend(chunk);
            }
        } else {
            self.stream.read_to_end(&mut body)?;
        }
        Ok(body)
    }
}
