//! The service in this process, with an authority of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bucket::{Client, Config, Definition, OutsideConfig};
use model::config_var::Secret;
use model::time::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// How long a service may take to come up.
const UP_WITHIN: Duration = Duration::from_secs(20);
/// What the tests' outside S3 is opened with.
const OUTSIDE: &str = "outside";
/// The limit of bucket `two`; bucket `one` has room.
const SMALL: u64 = 100_000;
const LARGE: u64 = 1 << 30;

pub(crate) struct Service {
    dir: TempDir,
    outside: Option<OutsideConfig>,
    address: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// The definition of a test's bucket.
pub(crate) fn key(name: &str) -> Definition {
    Definition {
        bucket: name.to_owned(),
        access_key: format!("HK{}", name.to_uppercase()),
        secret_key: Secret::new(format!("secret-of-{name}-{name}-{name}")),
        bytes_max: if name == "two" { SMALL } else { LARGE },
    }
}

impl Service {
    /// Starts it with the buckets `one` and `two`.
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// The same; new buckets have their objects at `outside`.
    pub(crate) async fn start_with(outside: Option<OutsideConfig>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        certificates(dir.path());
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let service = Self::run(dir, address, outside).await;
        for name in ["one", "two"] {
            service.client().set(&key(name)).await.expect("made");
        }
        service
    }

    async fn run(dir: TempDir, address: SocketAddr, outside: Option<OutsideConfig>) -> Self {
        let stop = CancellationToken::new();
        let config = Config {
            dir: dir.path().join("buckets"),
            key: vec![7; 32],
            host: "s3.localhost".to_owned(),
            socket: dir.path().join("proxied.sock"),
            control_socket: dir.path().join("control.sock"),
            listen: Some(address),
            certificate: dir.path().join("leaf.pem"),
            private_key: dir.path().join("leaf.key"),
            outside: outside.clone(),
        };
        let served = bucket::serve(config, Arc::new(now), stop.clone());
        let running = tokio::spawn(async move { served.await.expect("served") });
        let service = Self { dir, outside, address, stop, running };
        let client = service.client();
        let up = async {
            while client.ping().await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(UP_WITHIN, up).await.expect("up in time");
        service
    }

    /// Ends it, and starts it on the same folder.
    pub(crate) async fn restart(self) -> Self {
        let outside = self.outside.clone();
        self.restart_with(outside).await
    }

    /// The same, with another outside S3 or none.
    pub(crate) async fn restart_with(self, outside: Option<OutsideConfig>) -> Self {
        let Self { dir, outside: _, address, stop: _, running } = self;
        Client::new(dir.path().join("control.sock")).end().await.expect("ends");
        running.await.expect("ended");
        Self::run(dir, address, outside).await
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.running.await.expect("ended");
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.dir.path().join("control.sock"))
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }
}

/// An outside S3: another service of ours, over plain HTTP, whose connections can be cut.
pub(crate) struct Outside {
    pub(crate) service: Service,
    address: SocketAddr,
    bridge: JoinHandle<()>,
}

impl Outside {
    pub(crate) async fn start() -> Self {
        let service = Service::start().await;
        service.client().set(&key(OUTSIDE)).await.expect("made");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let bridge = tokio::spawn(bridge(listener, service.dir().join("proxied.sock")));
        Self { service, address, bridge }
    }

    /// How to get in, with a folder.
    pub(crate) fn config(&self) -> OutsideConfig {
        let Definition { bucket, access_key, secret_key, .. } = key(OUTSIDE);
        let url = format!("http://{}/{bucket}/platform", self.address);
        OutsideConfig { url, region: "us-east-1".to_owned(), access_key, secret_key }
    }

    /// Cuts all connections, and takes no more.
    pub(crate) async fn cut(&mut self) {
        self.bridge.abort();
        // Its connections go with it.
        let _cut = (&mut self.bridge).await;
    }

    /// Is there again.
    pub(crate) async fn heal(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        self.bridge = tokio::spawn(bridge(listener, self.service.dir().join("proxied.sock")));
    }
}

async fn bridge(listener: TcpListener, socket: PathBuf) {
    let mut connections = JoinSet::new();
    while let Ok((mut from, _)) = listener.accept().await {
        let socket = socket.clone();
        connections.spawn(async move {
            let mut to = UnixStream::connect(socket).await?;
            tokio::io::copy_bidirectional(&mut from, &mut to).await
        });
    }
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("before 294000"))
}

fn certificates(dir: &Path) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let authority = params.self_signed(&key).expect("an authority");
    let issuer = Issuer::from_ca_cert_pem(&authority.pem(), key).expect("an issuer");
    let leaf_key = KeyPair::generate().expect("a key");
    let mut params =
        CertificateParams::new(vec!["127.0.0.1".to_owned(), "s3.localhost".to_owned()]).expect("names");
    params.use_authority_key_identifier_extension = true;
    // Other than its issuer's, or it looks self-signed.
    params.distinguished_name.push(DnType::CommonName, "a leaf");
    let leaf = params.signed_by(&leaf_key, &issuer).expect("a certificate");
    for (name, text) in
        [("ca.pem", authority.pem()), ("leaf.pem", leaf.pem()), ("leaf.key", leaf_key.serialize_pem())]
    {
        std::fs::write(dir.join(name), text).expect("written");
    }
}
