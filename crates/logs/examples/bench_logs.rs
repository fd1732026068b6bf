//! How fast lines go: from a writer's flush to an open tail, and through spool, history and tail in bulk.
//!
//! `cargo run -p logs --example bench_logs`, with `--release` for figures that mean something.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt};
use logs::spool::{Limits, Writer};
use logs::{Entry, Filter, Logs, LogsConfig};
use model::id::AppId;
use model::log::{Line, Source};
use model::time::Timestamp;

const SAMPLES: usize = 2_000;
const WRITERS: usize = 4;
const LINES: usize = 100_000;
/// Lines per flush in bulk.
const BATCH: usize = 100;

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let dir = std::env::temp_dir().join(format!("bench-logs-{}", std::process::id()));
    let root = dir.join("spools");
    let config =
        LogsConfig { tail_lines: WRITERS * LINES, tail_bytes: 1 << 30, ..LogsConfig::new(dir.join("logs")) };
    let logs = Logs::open(config, Arc::new(now))?;
    let measuring = pin!(async {
        latency(&logs, &root).await?;
        bulk(&logs, &root, 1).await?;
        bulk(&logs, &root, WRITERS).await
    });
    let measured = match select(pin!(logs.follow(&root)), measuring).await {
        Either::Left((end, _)) => Err(end.err().map_or_else(|| "the follower ended".into(), Into::into)),
        Either::Right((measured, _)) => measured,
    };
    std::fs::remove_dir_all(&dir)?;
    measured
}

/// One line at a time, the next one when the last has arrived.
async fn latency(logs: &Logs, root: &Path) -> Result<(), Failed> {
    let app = AppId::new();
    let mut tail = logs.tail(app, Filter::default(), 0).await?;
    let mut writer = Writer::open(root, "latency", Limits::default())?;
    let mut times = Vec::new();
    for number in 0..SAMPLES {
        writer.write(app, &line(number))?;
        let start = Instant::now();
        writer.flush()?;
        take(&mut tail, 1).await?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!(
        "flush to tail: p50 {:?}, p99 {:?}, max {:?}",
        times[SAMPLES / 2],
        times[SAMPLES * 99 / 100],
        times[SAMPLES - 1]
    );
    Ok(())
}

/// Four writers as fast as they can, to so many apps; all lines are kept and tailed.
async fn bulk(logs: &Logs, root: &Path, apps: usize) -> Result<(), Failed> {
    let ids: Vec<AppId> = (0..apps).map(|_| AppId::new()).collect();
    let mut tails = Vec::new();
    for id in &ids {
        tails.push(logs.tail(*id, Filter::default(), 0).await?);
    }
    let start = Instant::now();
    let writers: Vec<_> = (0..WRITERS).map(|writer| spawn_writer(root, writer, ids[writer % apps])).collect();
    for tail in &mut tails {
        take(tail, WRITERS * LINES / apps).await?;
    }
    let took = start.elapsed();
    for writer in writers {
        let wrote = writer.join().map_err(|_| "a writer panicked")??;
        println!("  a writer took {wrote:?} for its {LINES} lines");
    }
    let rate = (WRITERS * LINES) as f64 / took.as_secs_f64();
    println!("{WRITERS} writers, {apps} app(s): {took:?}, {rate:.0} lines/s");
    Ok(())
}

fn spawn_writer(root: &Path, writer: usize, app: AppId) -> std::thread::JoinHandle<Result<Duration, Failed>> {
    let root = root.to_owned();
    // Room for all: what is measured is the way through, not what is dropped.
    let limits = Limits { segments: u64::MAX, ..Limits::default() };
    std::thread::spawn(move || {
        let start = Instant::now();
        let mut writer = Writer::open(&root, &format!("bulk-{writer}"), limits)?;
        for number in 0..LINES {
            writer.write(app, &line(number))?;
            if number % BATCH == 0 {
                writer.flush()?;
            }
        }
        writer.flush()?;
        Ok(start.elapsed())
    })
}

async fn take(tail: &mut (impl Stream<Item = Entry> + Unpin), count: usize) -> Result<(), &'static str> {
    for _ in 0..count {
        let entry = tail.next().await.ok_or("the tail ended")?;
        if entry.line.process == "logplex" {
            return Err("the tail lost lines");
        }
    }
    Ok(())
}

fn line(number: usize) -> Line {
    let message = format!(
        "10.0.0.1 - - \"GET /events/{number}/ HTTP/1.1\" 200 5120 \"-\" \"Mozilla/5.0 (X11; Linux)\""
    );
    Line { at: now(), source: Source::App, process: "web.1".to_owned(), message }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since)
}
