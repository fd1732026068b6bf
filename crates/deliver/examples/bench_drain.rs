//! How fast lines leave through a drain against an open tail, and what a dead drain costs everybody else.
//!
//! `cargo run -p deliver --example bench_drain`, with `--release` for figures that mean something; only their ratio is
//! to be compared.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use deliver::{Context, Outside, Targets, stage};
use futures_util::StreamExt;
use logs::spool::{Limits, Writer};
use logs::{Filter, Logs, LogsConfig};
use model::account::Email;
use model::id::AppId;
use model::log::{Line, Source};
use model::time::Timestamp;
use store::{NewApp, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const LINES: u64 = 300_000;
/// Lines per flush.
const BATCH: u64 = 100;
/// A rate that an app may well have.
const PACE: u64 = 100_000;

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let dir = std::env::temp_dir().join(format!("bench-drain-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let measured = measure(&dir).await;
    std::fs::remove_dir_all(&dir)?;
    measured
}

async fn measure(dir: &Path) -> Result<(), Failed> {
    let store = Store::open(dir, Arc::new(now))?;
    let config =
        LogsConfig { tail_lines: LINES as usize, tail_bytes: 1 << 30, ..LogsConfig::new(dir.join("logs")) };
    let logs = Logs::open(config, Arc::new(now))?;
    let spools = dir.join("spools");
    let (following, followed) = (logs.clone(), spools.clone());
    let follower = tokio::spawn(async move { following.follow(&followed).await });
    let outside = Outside::new(Targets::Any, None)?;
    let stop = CancellationToken::new();
    let stage =
        tokio::spawn(stage(Context { store: store.clone(), logs: logs.clone(), outside }, stop.clone()));

    let alone = app(&store, "alone", None).await?;
    let alone = tail(&logs, &spools, alone, None).await?;
    println!("a tail alone:                 {alone:.0} lines/s");
    let dead = app(&store, "dead", Some("http://127.0.0.1:9/".to_owned())).await?;
    let beside = tail(&logs, &spools, dead, None).await?;
    println!("a tail beside a dead drain:   {beside:.0} lines/s, {:.2} of it", beside / alone);
    let hanging = TcpListener::bind("127.0.0.1:0").await?;
    let stuck = app(&store, "stuck", Some(format!("http://{}/", hanging.local_addr()?))).await?;
    let beside = tail(&logs, &spools, stuck, None).await?;
    println!("a tail beside one that hangs: {beside:.0} lines/s, {:.2} of it", beside / alone);

    let receiver = Receiver::start().await?;
    let drained = app(&store, "drained", Some(receiver.url.clone())).await?;
    let start = Instant::now();
    tail(&logs, &spools, drained, None).await?;
    let took = receiver.all(start).await;
    let got = receiver.messages.load(Ordering::Relaxed);
    println!(
        "a drain, lines as fast as they come: {:.0} lines/s, {got} of {LINES} arrived",
        got as f64 / took
    );
    let receiver = Receiver::start().await?;
    let paced = app(&store, "paced", Some(receiver.url.clone())).await?;
    let start = Instant::now();
    tail(&logs, &spools, paced, Some(PACE)).await?;
    let took = receiver.all(start).await;
    let got = receiver.messages.load(Ordering::Relaxed);
    println!("a drain, {PACE} lines/s written: {:.0} lines/s, {got} of {LINES} arrived", got as f64 / took);

    stop.cancel();
    follower.abort();
    Ok(stage.await??)
}

/// An app, perhaps with a drain that is at work when this returns.
async fn app(store: &Store, name: &'static str, drain: Option<String>) -> Result<AppId, Failed> {
    let made = store.write(move |tx| {
        let email: Email = "owner@example.com".parse().map_err(|_| store::StoreError::Gone)?;
        let owner = match tx.account_by_email(&email)? {
            Some(owner) => owner,
            None => tx.create_account(&email, None, true)?,
        };
        let app = tx.create_app(&NewApp {
            name: name.parse().map_err(|_| store::StoreError::Gone)?,
            owner: owner.id,
            stack: "hokku-12".to_owned(),
            hostname: format!("{name}.localhost").parse().map_err(|_| store::StoreError::Gone)?,
        })?;
        if let Some(url) = drain {
            tx.create_drain(app.id, &url.parse().map_err(|_| store::StoreError::Gone)?)?;
        }
        Ok::<_, store::StoreError>(app.id)
    });
    let id = made.await?;
    let begun = || async { store.read(move |tx| tx.drains(id)).await };
    while begun().await?.iter().any(|drain| drain.cursor.is_none()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(id)
}

/// Writes all lines, at a pace or as fast as it goes, and reads them from a tail; lines per second.
async fn tail(logs: &Logs, spools: &Path, app: AppId, pace: Option<u64>) -> Result<f64, Failed> {
    let mut tail = logs.tail(app, Filter { source: Some(Source::App), process: None }, 0).await?;
    let start = Instant::now();
    let spools = spools.to_owned();
    let writer = thread::spawn(move || write(&spools, app, pace));
    for _ in 0..LINES {
        tail.next().await.ok_or("the tail ended")?;
    }
    let took = start.elapsed().as_secs_f64();
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(LINES as f64 / took)
}

fn write(spools: &Path, app: AppId, pace: Option<u64>) -> Result<(), Failed> {
    let limits = Limits { segments: u64::MAX, ..Limits::default() };
    let mut writer = Writer::open(spools, &format!("web-{app}"), limits)?;
    let start = Instant::now();
    for number in 0..LINES {
        let message = format!(
            "10.0.0.1 - - \"GET /events/{number}/ HTTP/1.1\" 200 5120 \"-\" \"Mozilla/5.0 (X11; Linux)\""
        );
        writer.write(app, &Line { at: now(), source: Source::App, process: "web.1".to_owned(), message })?;
        if number % BATCH == 0 {
            writer.flush()?;
            let due = pace.map(|pace| Duration::from_micros(number * 1_000_000 / pace));
            if let Some(wait) = due.and_then(|due| due.checked_sub(start.elapsed())) {
                thread::sleep(wait);
            }
        }
    }
    Ok(writer.flush()?)
}

/// A server of HTTP that counts messages.
struct Receiver {
    url: String,
    messages: Arc<AtomicU64>,
}

impl Receiver {
    async fn start() -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (url, messages) = (format!("http://{}/", listener.local_addr()?), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&messages);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(count(stream, Arc::clone(&counted)));
            }
        });
        Ok(Self { url, messages })
    }

    /// Waits until nothing comes any more; seconds from `start` to the last message.
    async fn all(&self, start: Instant) -> f64 {
        let (mut seen, mut last) = (0, start.elapsed());
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let messages = self.messages.load(Ordering::Relaxed);
            if messages > seen {
                (seen, last) = (messages, start.elapsed());
            } else if start.elapsed() > last + Duration::from_secs(2) {
                return last.as_secs_f64();
            }
        }
    }
}

async fn count(mut stream: TcpStream, messages: Arc<AtomicU64>) -> Result<(), std::io::Error> {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let number = |name: &str| -> usize {
            let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        let (length, count) = (number("content-length"), number("logplex-msg-count"));
        while bytes.len() < end + length {
            stream.read_buf(&mut bytes).await?;
        }
        let has_loss = bytes[end..].windows(9).take(200).any(|window| window == b"Error L10");
        bytes.drain(..end + length);
        messages.fetch_add((count - usize::from(has_loss)) as u64, Ordering::Relaxed);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since)
}
