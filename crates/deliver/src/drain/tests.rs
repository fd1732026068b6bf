use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use logs::{Filter, Logs, LogsConfig};
use model::drain::Drain;
use model::id::AppId;
use model::log::{Line, Source};
use model::time::Timestamp;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{LINES_MAX, Patience, Worker};
use crate::fixture::{self, Does, Receiver, Request, Trust};
use crate::outside::Outside;

const NOW: Timestamp = Timestamp::from_micros(1_795_359_334_000_000);
const HURRIED: Patience = Patience {
    pause: Duration::from_millis(20),
    answer: Duration::from_millis(300),
    dead_after: Duration::from_secs(300),
};

/// An app's log with one drain at work.
struct Bench {
    logs: Logs,
    drain: Drain,
    cursor: Arc<AtomicU64>,
    task: JoinHandle<()>,
    _dir: TempDir,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn app() -> AppId {
    AppId::from_u128(1)
}

fn write(logs: &Logs, lines: std::ops::RangeInclusive<u32>) {
    for number in lines {
        let (process, message) = ("web.1".to_owned(), format!("line {number}."));
        logs.append(app(), Line { at: NOW, source: Source::App, process, message });
    }
}

async fn start(logs: &Logs, drain: &Drain, outside: &Outside) -> (JoinHandle<()>, Arc<AtomicU64>) {
    let feed = logs.feed(app(), drain.cursor).await.expect("a feed");
    feed.limit(LINES_MAX);
    let cursor = Arc::new(AtomicU64::new(feed.start()));
    let worker = Worker {
        drain: drain.clone(),
        feed,
        logs: logs.clone(),
        outside: outside.clone(),
        clock: Arc::new(|| NOW),
        patience: HURRIED,
        cursor: Arc::clone(&cursor),
    };
    (tokio::spawn(worker.run()), cursor)
}

async fn bench(url: &str, outside: &Outside) -> Bench {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = Logs::open(LogsConfig::new(dir.path().join("logs")), Arc::new(|| NOW)).expect("logs");
    let drain = fixture::drain(url);
    let (task, cursor) = start(&logs, &drain, outside).await;
    Bench { logs, drain, cursor, task, _dir: dir }
}

impl Bench {
    /// What the app's people read about the drain.
    async fn complaints(&self) -> Vec<String> {
        let filter = Filter { process: Some("logplex".to_owned()), ..Filter::default() };
        let lines = self.logs.history(app(), &filter, 100).await.expect("a history");
        lines.iter().map(|entry| entry.line.message.clone()).collect()
    }

    /// Waits for a word of the log about the drain.
    async fn complaint(&self, part: &str) -> String {
        let looking = async {
            loop {
                if let Some(found) = self.complaints().await.into_iter().find(|line| line.contains(part)) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looking)
            .await
            .unwrap_or_else(|_| panic!("in vain: {part}"))
    }
}

/// The numbers of the lines in a frame.
fn numbers(body: &str) -> Vec<u32> {
    let after = |piece: &str| piece.split('.').next().and_then(|number| number.parse().ok());
    body.split("line ").skip(1).filter_map(after).collect()
}

/// Reads requests until the line `last` has come.
async fn until(receiver: &mut Receiver, last: u32) -> Vec<Request> {
    let mut requests = Vec::new();
    loop {
        let request = receiver.next().await;
        let is_last = numbers(&request.body).contains(&last);
        requests.push(request);
        if is_last {
            return requests;
        }
    }
}

fn all_numbers(requests: &[Request]) -> Vec<u32> {
    requests.iter().flat_map(|request| numbers(&request.body)).collect()
}

#[tokio::test]
async fn frames_are_posted_as_heroku_does() {
    let trust = Trust::new();
    let mut receiver = Receiver::start(0, Some(&trust), &[]).await;
    let url = format!("https://jane:pass%20word@localhost:{}/in?app=1", receiver.port);
    let bench = bench(&url, &trust.outside).await;
    write(&bench.logs, 1..=1);
    let request = receiver.next().await;
    assert_eq!(request.head.lines().next(), Some("POST /in?app=1 HTTP/1.1"));
    assert_eq!(request.header("Content-Type"), "application/logplex-1");
    assert_eq!(request.header("Logplex-Msg-Count"), "1");
    assert_eq!(request.header("Logplex-Drain-Token"), bench.drain.token);
    assert_eq!(request.header("User-Agent"), "Logplex/v72");
    assert_eq!(request.header("Authorization"), "Basic amFuZTpwYXNzIHdvcmQ=");
    assert_eq!(request.header("Content-Length"), request.body.len().to_string());
    assert_eq!(request.header("Transfer-Encoding"), "");
    let id = request.header("Logplex-Frame-Id");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(request.body, "65 <190>1 2026-11-22T14:55:34.000000+00:00 host app web.1 - line 1.\n");
    // The connection is kept.
    write(&bench.logs, 2..=2);
    assert_eq!(receiver.next().await.connection, 1);
    assert_eq!(bench.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_frame_that_failed_is_sent_again_as_it_was() {
    let trust = Trust::new();
    for trouble in [Does::Answers(500), Does::Answers(429), Does::Answers(302), Does::Hangs, Does::Closes] {
        let mut receiver = Receiver::start(0, None, &[trouble, Does::Answers(503)]).await;
        let bench = bench(&format!("http://localhost:{}/", receiver.port), &trust.outside).await;
        write(&bench.logs, 1..=1);
        let [first, second, third] = [receiver.next().await, receiver.next().await, receiver.next().await];
        let id = first.header("Logplex-Frame-Id").to_owned();
        assert_eq!(
            [second.header("Logplex-Frame-Id"), third.header("Logplex-Frame-Id")],
            [&id, &id],
            "{trouble:?}"
        );
        assert_eq!(
            (second.body.as_str(), numbers(&third.body)),
            (third.body.as_str(), vec![1]),
            "{trouble:?}"
        );
        write(&bench.logs, 2..=2);
        let next = receiver.next().await;
        assert_eq!(numbers(&next.body), [2], "{trouble:?}");
        assert!(!next.body.contains("L10"), "{trouble:?}");
        // The frame before was done with when this one was made.
        assert!(bench.cursor.load(Ordering::Acquire) >= 1, "{trouble:?}");
    }
}

#[tokio::test]
async fn what_is_given_up_is_counted_first_in_the_next_frame() {
    let trust = Trust::new();
    for script in [vec![Does::Answers(500); 3], vec![Does::Answers(400)]] {
        let mut receiver = Receiver::start(0, None, &script).await;
        let bench = bench(&format!("http://localhost:{}/", receiver.port), &trust.outside).await;
        write(&bench.logs, 1..=1);
        for _ in &script {
            assert_eq!(numbers(&receiver.next().await.body), [1]);
        }
        let told =
            "Error L10 (output buffer overflow): 1 messages dropped since 2026-11-22T14:55:34.000000+00:00.";
        let request = receiver.next().await;
        let start = format!("156 <172>1 2026-11-22T14:55:34.000000+00:00 host heroku logplex - {told}");
        assert!(request.body.starts_with(&start), "{}", request.body);
        assert_eq!(request.header("Logplex-Msg-Count"), "1");
        let drain = &bench.drain.token;
        let line = bench.complaint("L10").await;
        assert_eq!(line, told.replace("1 messages dropped", &format!("drain '{drain}' dropped 1 messages")));
        write(&bench.logs, 2..=2);
        let request = receiver.next().await;
        assert_eq!((numbers(&request.body), request.body.contains("L10")), (vec![2], false));
    }
}

#[tokio::test]
async fn a_receiver_that_is_not_there_costs_nothing_when_it_comes_back() {
    let trust = Trust::new();
    let port = Receiver::start(0, None, &[]).await.port;
    let bench = bench(&format!("http://user:hunter2@localhost:{port}/"), &trust.outside).await;
    write(&bench.logs, 1..=500);
    let complaint = bench.complaint("does not take lines").await;
    assert!(complaint.contains("refused") && !complaint.contains("hunter2"), "{complaint}");
    let mut receiver = Receiver::start(port, None, &[]).await;
    let requests = until(&mut receiver, 500).await;
    assert_eq!(all_numbers(&requests), (1..=500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_bad_certificate_gets_nothing_and_is_told() {
    let (trust, other) = (Trust::new(), Trust::new());
    let receiver = Receiver::start(0, Some(&other), &[]).await;
    for scheme in ["https", "syslog+tls"] {
        let bench =
            bench(&format!("{scheme}://me:hunter2@localhost:{}", receiver.port), &trust.outside).await;
        write(&bench.logs, 1..=1);
        let complaint = bench.complaint("L14").await;
        let error = "nobody that is trusted here has signed it";
        let uri = format!("{scheme}://localhost:{}", receiver.port);
        let wanted = format!("Error L14 (certificate validation): error=\"{error}\" uri=\"{uri}\"");
        assert_eq!(complaint, wanted);
    }
    assert!(receiver.is_idle());
}

#[tokio::test]
async fn a_drain_that_hangs_holds_up_nobody_and_loses_its_oldest_lines() {
    let trust = Trust::new();
    let mut stuck = Receiver::start(0, None, &[Does::Hangs; 3]).await;
    let mut quick = Receiver::start(0, None, &[]).await;
    let bench = bench(&format!("http://localhost:{}/", stuck.port), &trust.outside).await;
    let beside = fixture::drain(&format!("http://localhost:{}/", quick.port));
    let (task, _) = start(&bench.logs, &beside, &trust.outside).await;
    write(&bench.logs, 1..=1);
    stuck.next().await;
    let last = LINES_MAX as u32 + 1_001;
    for part in (2..=last).collect::<Vec<_>>().chunks(1_000) {
        write(&bench.logs, part[0]..=part[part.len() - 1]);
        // The quick one keeps up.
        until(&mut quick, part[part.len() - 1]).await;
    }
    let after = loop {
        let request = stuck.next().await;
        if !numbers(&request.body).contains(&1) {
            break request;
        }
    };
    // The first line was given up, and a thousand more found no room.
    assert!(
        after.body.contains("Error L10 (output buffer overflow): 1001 messages dropped since"),
        "{}",
        &after.body[..200]
    );
    assert_eq!(numbers(&after.body)[0], 1_002);
    task.abort();
}

#[tokio::test]
async fn syslog_goes_on_over_a_new_connection_when_the_old_one_is_closed() {
    let trust = Trust::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let bench = bench(&format!("syslog://localhost:{port}"), &trust.outside).await;
    let mut got = Vec::new();
    for round in 1..=3_u32 {
        write(&bench.logs, round * 10..=round * 10 + 4);
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let last = round * 10 + 4;
        let mut text = String::new();
        while !numbers(&text).contains(&last) {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).await.expect("read");
            text.push_str(std::str::from_utf8(&bytes[..read]).expect("text"));
        }
        let token = &bench.drain.token;
        let start = format!("<190>1 2026-11-22T14:55:34.000000+00:00 {token} app web.1 - - line ");
        assert!(text.split_once(' ').is_some_and(|(_, rest)| rest.starts_with(&start)), "{text}");
        got.extend(numbers(&text));
    }
    assert_eq!(got, [10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 30, 31, 32, 33, 34]);
}

#[tokio::test]
async fn after_a_kill_the_lines_go_on_where_the_cursor_was() {
    let trust = Trust::new();
    let mut receiver = Receiver::start(0, None, &[]).await;
    let mut bench = bench(&format!("http://localhost:{}/", receiver.port), &trust.outside).await;
    write(&bench.logs, 1..=10);
    until(&mut receiver, 10).await;
    bench.task.abort();
    // What was noted last lies a little behind.
    bench.drain.cursor = Some(7);
    write(&bench.logs, 11..=12);
    let (task, _) = start(&bench.logs, &bench.drain, &trust.outside).await;
    assert_eq!(all_numbers(&until(&mut receiver, 12).await), [8, 9, 10, 11, 12]);
    task.abort();
}
