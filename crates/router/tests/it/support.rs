//! A router in this process, dynos that do as they are told, and a client that sees every byte.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::id::AppId;
use model::time::Timestamp;
pub(crate) use router::Limits;
use router::table::{Certificate, ControlRoute, Route, RouteState, Upstream};
use router::{Control, Listen, RouterConfig, ServeError, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Far longer than anything here takes; a test that waits so long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Limits short enough to be met in a test.
pub(crate) fn short() -> Limits {
    Limits {
        handshake: Duration::from_millis(300),
        head: Duration::from_millis(300),
        client_idle: Duration::from_millis(300),
        connect: Duration::from_millis(300),
        quarantine: Duration::from_millis(50),
        first_byte: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        boot: Duration::from_millis(300),
        linger: Duration::from_millis(300),
        ..Limits::default()
    }
}

/// A running router; dropping it ends it.
pub(crate) struct Router {
    pub(crate) address: SocketAddr,
    pub(crate) table: Table,
    home: Arc<tempfile::TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

pub(crate) fn wall_clock() -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("we are past 1970");
        Timestamp::from_micros(i64::try_from(since.as_micros()).expect("a time"))
    })
}

pub(crate) fn config(home: &Path, listen: Listen, limits: Limits) -> RouterConfig {
    RouterConfig {
        listen: vec![listen],
        control_socket: home.join("control.sock"),
        table_file: home.join("table.json"),
        spool_dir: home.join("spool"),
        workers: 2,
        limits,
    }
}

impl Router {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().expect("a directory")), limits).await
    }

    pub(crate) async fn start_in(home: Arc<tempfile::TempDir>, limits: Limits) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let config = config(home.path(), Listen::Inherited(listener), limits);
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            // A dropped sender ends the router too.
            let _ = stopped.await;
        };
        let thread = std::thread::spawn(move || router::serve_until(config, wall_clock(), stopped));
        let it = Self { address, table: Table::default(), home, stop: Some(stop), thread: Some(thread) };
        it.control().await;
        it
    }

    /// Ends this router and starts another with its files.
    pub(crate) async fn restart(mut self, limits: Limits) -> Self {
        self.end();
        Self::start_in(Arc::clone(&self.home), limits).await
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn control_socket(&self) -> PathBuf {
        self.home().join("control.sock")
    }

    /// A control connection, as soon as there is a router to connect to.
    pub(crate) async fn control(&self) -> Control {
        let at = self.control_socket();
        let connected = async {
            loop {
                match Control::connect(&at).await {
                    Ok(control) => return control,
                    Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        };
        tokio::time::timeout(LONG, connected).await.expect("the router starts")
    }

    pub(crate) async fn publish(&mut self) {
        self.table.generation += 1;
        let generation = self.control().await.publish(&self.table).await.expect("a table is applied");
        assert_eq!(generation, self.table.generation);
    }

    /// Makes `host` an app in this state, and publishes it.
    pub(crate) async fn route(&mut self, host: &str, state: RouteState) {
        self.table.routes.insert(host.to_owned(), route(state));
        self.publish().await;
    }

    /// Makes `app` an app of these dynos.
    pub(crate) async fn serve_by(&mut self, dynos: &[SocketAddr]) {
        self.route("app", serving(dynos)).await;
    }

    /// Sends these bytes and reads until the router closes.
    pub(crate) async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("the router reads");
        read_to_end(&mut stream).await
    }

    /// `GET` a path of `app` on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the router accepts")
    }

    /// The access lines written so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for spool in fs::read_dir(self.home().join("spool")).expect("the spools").flatten() {
            let mut segments: Vec<_> = fs::read_dir(spool.path()).expect("a spool").flatten().collect();
            segments.sort_by_key(fs::DirEntry::path);
            for segment in segments {
                let text = fs::read_to_string(segment.path()).unwrap_or_default();
                let message =
                    |line: &str| line.split_once(" heroku router ").map(|(_, rest)| rest.to_owned());
                lines.extend(text.lines().filter_map(message));
            }
        }
        lines
    }

    /// The access lines with this text in them, as soon as there are so many.
    pub(crate) async fn lines_with(&self, text: &str, count: usize) -> Vec<String> {
        let found = async {
            loop {
                let mut lines = self.lines();
                lines.retain(|line| line.contains(text));
                if lines.len() >= count {
                    return lines;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(LONG, found).await;
        found.unwrap_or_else(|_| panic!("not {count} lines with {text}: {:?}", self.lines()))
    }

    /// The access line of a request for this path, as soon as it is written.
    pub(crate) async fn line(&self, path: &str) -> String {
        self.lines_with(&format!(" path=\"{path}\" "), 1).await.remove(0)
    }

    /// Ends it as SIGTERM would.
    pub(crate) fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join().expect("the router does not panic");
            ended.expect("the router ends well");
        }
    }

    /// Until the router has ended by itself.
    pub(crate) async fn ended(&mut self) {
        let thread = self.thread.take().expect("it was not ended before");
        let ended = tokio::task::spawn_blocking(move || thread.join());
        let ended = tokio::time::timeout(LONG, ended).await.expect("the router ends");
        ended.expect("we wait").expect("the router does not panic").expect("the router ends well");
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

pub(crate) fn route(state: RouteState) -> Route {
    Route {
        app_id: AppId::from_u128(1),
        app_name: "app".to_owned(),
        state,
        maintenance: false,
        error_page_url: None,
        maintenance_page_url: None,
    }
}

pub(crate) fn serving(dynos: &[SocketAddr]) -> RouteState {
    let named =
        |(number, addr): (usize, &SocketAddr)| Upstream { name: format!("web.{}", number + 1), addr: *addr };
    RouteState::Serving { dynos: dynos.iter().enumerate().map(named).collect() }
}

pub(crate) fn control_route(socket: PathBuf) -> ControlRoute {
    ControlRoute { hosts: vec!["api.x".to_owned()], socket }
}

pub(crate) fn certificate(hosts: &[&str]) -> Certificate {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(hosts.clone()).expect("a certificate");
    Certificate { hosts, chain_pem: made.cert.pem(), key_pem: made.signing_key.serialize_pem() }
}

/// A dyno that does `script` with every connection.
pub(crate) async fn dyno<F>(script: impl Fn(TcpStream) -> F + Send + 'static) -> (SocketAddr, JoinSet<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let mut life = JoinSet::new();
    life.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(script(stream));
            while connections.try_join_next().is_some() {}
        }
    });
    (address, life)
}

/// A dyno that answers every request head with these bytes, and closes if told.
pub(crate) async fn answers(answer: &'static str, close: bool) -> (SocketAddr, JoinSet<()>) {
    dyno(move |mut stream| async move {
        while read_head(&mut stream).await.is_some() {
            if stream.write_all(answer.as_bytes()).await.is_err() || close {
                return;
            }
        }
    })
    .await
}

/// One head, byte by byte so that nothing after it is lost; `None` at the end of the stream.
pub(crate) async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Everything until the peer closes, in order or not.
pub(crate) async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    let read = async {
        let mut piece = [0; 16 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(LONG, read).await.expect("the connection is closed at last");
    String::from_utf8_lossy(&all).into_owned()
}

/// The number of a status line.
pub(crate) fn status(response: &str) -> u16 {
    response.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// The fields of an access line.
pub(crate) fn fields(line: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut rest = line;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        fields.insert(name.trim().to_owned(), value.to_owned());
        rest = next;
    }
    fields
}
