//! The whole stage against a real store and a real router, with an engine whose dynos are a thread each: what they do
//! is said by their command (`serve`, `crash`, `hang`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use logs::{Logs, LogsConfig};
use model::dyno::{DynoState, Exit, ExitReason};
use model::id::{AppId, DynoId, ReleaseId, SlugId};
use model::procfile::Procfile;
use model::release::{ReleaseEvent, ReleaseStatus};
use model::slug::Slug;
use model::time::Timestamp;
use router::table::Certificate;
use router::{Limits, Listen, RouterConfig};
use store::{NewApp, NewRelease, Store, StoreError};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Context, stage};
use crate::engine::{Engine, LastWords, Life, News, Report};
use crate::routes::Certificates;

const LIMIT: Duration = Duration::from_secs(20);

struct NoCertificates;

impl Certificates for NoCertificates {
    fn certificates(&self, _: &BTreeSet<String>) -> Vec<Certificate> {
        Vec::new()
    }
}

/// Dynos as threads. `calls` is what the stage asked for, in words.
#[derive(Clone)]
struct Fake {
    reports: mpsc::Sender<Report>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    calls: Vec<String>,
    alive: BTreeMap<DynoId, u32>,
}

impl Fake {
    fn calls(&self) -> Vec<String> {
        self.inner.lock().expect("no panic").calls.clone()
    }

    fn tell(&self, dyno: DynoId, life: u32, news: News) {
        self.reports.try_send(Report { dyno, life, news }).expect("the stage listens");
    }

    fn end(&self, dyno: DynoId, life: u32, status: i32, reason: ExitReason, said: &str) {
        self.inner.lock().expect("no panic").alive.remove(&dyno);
        let last_words = LastWords { lines: vec![said.to_owned()], diagnosis: None };
        self.tell(dyno, life, News::Exited { exit: Exit { status, reason }, last_words });
    }
}

impl Engine for Fake {
    fn start(&self, life: Life) {
        let mut inner = self.inner.lock().expect("no panic");
        inner.calls.push(format!("start {} `{}` life {}", life.name, life.command, life.number));
        inner.alive.insert(life.dyno, life.number);
        drop(inner);
        match life.command.split_once(' ') {
            Some(("serve", text)) => {
                let SocketAddr::V4(address) = serve(text.to_owned()) else { panic!("an IPv4 address") };
                self.tell(life.dyno, life.number, News::Placed(address));
                self.tell(life.dyno, life.number, News::Up);
            }
            Some(("crash", said)) => self.end(life.dyno, life.number, 3, ExitReason::OwnAccord, said),
            _ => {}
        }
    }

    fn adopt(&self, dyno: DynoId, life: u32) {
        self.inner.lock().expect("no panic").calls.push(format!("adopt life {life}"));
        self.tell(dyno, life, News::Up);
    }

    fn stop(&self, dyno: DynoId, life: u32) {
        let mut inner = self.inner.lock().expect("no panic");
        if inner.alive.contains_key(&dyno) {
            inner.calls.push("stop".to_owned());
            drop(inner);
            self.end(dyno, life, 143, ExitReason::Stopped, "");
        }
    }

    fn present(&self) -> Vec<DynoId> {
        self.inner.lock().expect("no panic").alive.keys().copied().collect()
    }

    fn discard(&self, dyno: DynoId) {
        let mut inner = self.inner.lock().expect("no panic");
        inner.alive.remove(&dyno);
        inner.calls.push("discard".to_owned());
    }
}

/// A web dyno: answers every request with `text`.
fn serve(text: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            let _gone = (&stream).write_all(format!("{head}{text}").as_bytes());
        }
    });
    address
}

/// One server's worth of parts around the stage.
struct Lab {
    dir: TempDir,
    store: Store,
    fake: Fake,
    public: SocketAddr,
    app: AppId,
    user: model::id::AccountId,
    /// Hours by which the store's clock is ahead.
    ahead: Arc<AtomicU64>,
    running: Option<(CancellationToken, JoinHandle<Result<(), StoreError>>)>,
    router: Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("before the year 294247"))
}

impl Lab {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let ahead = Arc::new(AtomicU64::new(0));
        let hours = Arc::clone(&ahead);
        let clock = move || now().plus(Duration::from_secs(hours.load(Ordering::Relaxed) * 3600));
        let store = Store::open(dir.path(), Arc::new(clock)).expect("a store");
        let (app, user) = store.write(make_app).await.expect("an app");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let public = listener.local_addr().expect("an address");
        let router = Some(start_router(dir.path(), listener));
        let (reports, _) = mpsc::channel(1);
        let fake = Fake { reports, inner: Arc::default() };
        let mut lab = Self { dir, store, fake, public, app, user, ahead, running: None, router };
        lab.start();
        lab
    }

    /// Starts the stage; again after [`Lab::stop`], as a restarted server does.
    fn start(&mut self) {
        let (reports, receiver) = mpsc::channel(64);
        self.fake.reports = reports;
        let logs = Logs::open(LogsConfig::new(self.dir.path().join("logs")), Arc::new(now)).expect("logs");
        let cx = Context {
            store: self.store.clone(),
            logs,
            engine: Arc::new(self.fake.clone()),
            router_socket: self.dir.path().join("router.sock"),
            control_hosts: vec!["localhost".to_owned()],
            control_socket: self.dir.path().join("control.sock"),
            services: Vec::new(),
            certificates: Arc::new(NoCertificates),
            boot_timeout: model::dyno::BOOT_TIMEOUT,
        };
        let stop = CancellationToken::new();
        self.running = Some((stop.clone(), tokio::spawn(stage(cx, receiver, stop))));
    }

    async fn stop(&mut self) {
        let (stop, task) = self.running.take().expect("it runs");
        stop.cancel();
        task.await.expect("no panic").expect("no store error");
    }

    /// A release of code whose web process has this command, in the middle of its rollout.
    async fn roll_out(&self, web: &str) -> ReleaseId {
        let (app, user) = (self.app, self.user);
        let processes = Procfile::parse(&format!("web: {web}\n"));
        self.store
            .write(move |tx| {
                let slug = Slug {
                    id: SlugId::new(),
                    app,
                    stack: "hokku-12".to_owned(),
                    commit: None,
                    language: "Python".to_owned(),
                    bytes: 1,
                    processes: processes.clone(),
                    manifest: "{}".to_owned(),
                    created_at: tx.now(),
                };
                tx.create_slug(&slug)?;
                let description = "Deploy".to_owned();
                let new = NewRelease { app, slug: Some(slug.id), description, user, runs_command: true };
                let release = tx.create_release(&new)?;
                tx.release_on(release.id, ReleaseEvent::Begin { command: false })?;
                tx.sync_formation(app, &processes, false)?;
                Ok::<_, StoreError>(release.id)
            })
            .await
            .expect("a release")
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !holds().await {
            assert!(Instant::now() < deadline, "waited in vain for: {what}; calls: {:#?}", self.fake.calls());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn is(&self, release: ReleaseId, status: ReleaseStatus) -> bool {
        self.store
            .read(move |tx| tx.release(release))
            .await
            .expect("read")
            .is_some_and(|it| it.status == status)
    }

    /// The body's last line of what the app answers.
    async fn answer(&self) -> String {
        self.ask().await.lines().last().unwrap_or_default().to_owned()
    }

    /// What the router answers for the app, head and body.
    async fn ask(&self) -> String {
        let public = self.public;
        let asked = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(public).expect("the router listens");
            stream.set_read_timeout(Some(LIMIT)).expect("a time-out");
            let request = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(request).expect("it takes requests");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("it answers");
            text
        });
        asked.await.expect("no panic")
    }

    async fn states(&self) -> Vec<DynoState> {
        let app = self.app;
        let dynos = self.store.read(move |tx| tx.dynos_of(app)).await.expect("read");
        dynos.into_iter().map(|dyno| dyno.state).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.router.take() {
            let _ended = stop.send(());
            let _panicked = thread.join();
        }
    }
}

fn make_app(tx: &store::Tx<'_>) -> Result<(AppId, model::id::AccountId), StoreError> {
    let owner = tx.create_account(&"owner@example.com".parse().expect("an address"), None, true)?;
    let app = tx.create_app(&NewApp {
        name: "shop".parse().expect("a name"),
        owner: owner.id,
        stack: "hokku-12".to_owned(),
        hostname: "shop.localhost".parse().expect("a host name"),
    })?;
    Ok((app.id, owner.id))
}

fn start_router(dir: &Path, listener: TcpListener) -> (oneshot::Sender<()>, std::thread::JoinHandle<()>) {
    let config = RouterConfig {
        listen: vec![Listen::Inherited(listener)],
        control_socket: dir.join("router.sock"),
        table_file: dir.join("table.json"),
        spool_dir: dir.join("spool"),
        workers: 1,
        limits: Limits::default(),
    };
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let until = async { drop(stopped.await) };
        router::serve_until(config, Arc::new(now), until).expect("a router");
    });
    (stop, thread)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_switches_when_it_serves_and_stops_the_old_then() {
    let mut lab = Lab::new().await;
    let first = lab.roll_out("serve one").await;
    lab.until("the first release", async || lab.is(first, ReleaseStatus::Succeeded).await).await;
    assert_eq!(lab.answer().await, "one");
    let second = lab.roll_out("serve two").await;
    lab.until("the second release", async || lab.is(second, ReleaseStatus::Succeeded).await).await;
    assert_eq!(lab.answer().await, "two", "a release that succeeded has the traffic");
    lab.until("the old dyno's end", async || lab.states().await == [DynoState::Up]).await;
    let wanted = ["start web.1 `serve one` life 1", "start web.1 `serve two` life 1", "stop"];
    assert_eq!(lab.fake.calls(), wanted);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_crashes_leaves_the_old_serving_and_says_why() {
    let mut lab = Lab::new().await;
    let first = lab.roll_out("serve one").await;
    lab.until("the first release", async || lab.is(first, ReleaseStatus::Succeeded).await).await;
    let second = lab.roll_out("crash ModuleNotFoundError: No module named 'flask'").await;
    lab.until("the failure", async || lab.is(second, ReleaseStatus::Failed).await).await;
    lab.until("the dead dyno's end", async || lab.states().await == [DynoState::Up]).await;
    assert_eq!(lab.answer().await, "one");
    assert!(!lab.fake.calls().contains(&"stop".to_owned()), "{:?}", lab.fake.calls());
    let failure = lab.store.read(move |tx| tx.release(second)).await.expect("read").and_then(|it| it.failure);
    insta::assert_snapshot!(failure.unwrap_or_default(), @r"
    web.1 exited with status 3 before it served.
    Command: crash ModuleNotFoundError: No module named 'flask'
    Its last lines:
    ModuleNotFoundError: No module named 'flask'
    ");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deploy_that_crashes_stays_and_is_tried_again() {
    let mut lab = Lab::new().await;
    let only = lab.roll_out("crash no luck").await;
    lab.until("the second life", async || lab.fake.calls().iter().any(|call| call.ends_with("life 2"))).await;
    let release = lab.store.read(move |tx| tx.release(only)).await.expect("read").expect("it is there");
    assert_eq!(release.status, ReleaseStatus::Succeeded);
    assert!(release.failure.is_some_and(|text| text.contains("no luck")));
    assert!(lab.ask().await.starts_with("HTTP/1.1 503 "), "an error page, not silence");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_takes_up_what_runs_and_starts_nothing() {
    let mut lab = Lab::new().await;
    let first = lab.roll_out("serve one").await;
    lab.until("the first release", async || lab.is(first, ReleaseStatus::Succeeded).await).await;
    lab.stop().await;
    assert_eq!(lab.answer().await, "one", "the router serves without the stage");
    lab.start();
    lab.until("the adoption", async || lab.fake.calls().len() == 2).await;
    assert_eq!(lab.fake.calls(), ["start web.1 `serve one` life 1", "adopt life 1"]);
    assert_eq!((lab.answer().await.as_str(), lab.states().await), ("one", vec![DynoState::Up]));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dyno_is_cycled_after_its_day_and_no_request_is_lost() {
    let mut lab = Lab::new().await;
    let first = lab.roll_out("serve one").await;
    lab.until("the first release", async || lab.is(first, ReleaseStatus::Succeeded).await).await;
    lab.stop().await;
    lab.ahead.store(28, Ordering::Relaxed);
    lab.start();
    lab.until("the old dyno's end", async || {
        assert_eq!(lab.answer().await, "one");
        lab.fake.calls().contains(&"stop".to_owned()) && lab.states().await == [DynoState::Up]
    })
    .await;
    let start = "start web.1 `serve one` life 1";
    assert_eq!(lab.fake.calls(), [start, "adopt life 1", start, "stop"]);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_app_leaves_no_dyno() {
    let mut lab = Lab::new().await;
    let first = lab.roll_out("serve one").await;
    lab.until("the first release", async || lab.is(first, ReleaseStatus::Succeeded).await).await;
    let app = lab.app;
    lab.store.write(move |tx| tx.delete_app(app)).await.expect("deleted");
    lab.until("the dyno to be discarded", async || lab.fake.present().is_empty()).await;
    lab.stop().await;
}
