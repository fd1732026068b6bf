//! A client that asks all the time, to see when new code answers and whether anything is lost meanwhile.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pause between an answer and the next request: fine enough to time by, and the app keeps most of the machine.
const PAUSE: Duration = Duration::from_millis(5);
/// Longest wait for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// When it was complete.
    pub(super) at: Instant,
    /// Its status, 0 for a broken connection.
    pub(super) status: u16,
    /// Its body.
    pub(super) body: String,
}

/// A client at work.
pub(super) struct Poller {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Answer>>,
}

impl Poller {
    /// Begins to ask `http://HOST:PORT/PATH` over one kept connection.
    pub(super) fn start(host: &str, port: u16, path: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
        let thread = std::thread::spawn(move || {
            let mut answers = Vec::new();
            let mut connection = None;
            while !ended.load(Ordering::Relaxed) {
                let answered = ask(&mut connection, port, &request);
                let (status, body) = answered.unwrap_or_else(|_| {
                    connection = None;
                    (0, String::new())
                });
                answers.push(Answer { at: Instant::now(), status, body });
                std::thread::sleep(PAUSE);
            }
            answers
        });
        Self { stop, thread }
    }

    /// Ends it; its answers in order.
    pub(super) fn end(self) -> Vec<Answer> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// Asks once.
pub(super) fn once(host: &str, port: u16, path: &str) -> Option<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
    let (status, body) = ask(&mut None, port, &request).ok()?;
    Some(Answer { at: Instant::now(), status, body })
}

fn ask(kept: &mut Option<BufReader<TcpStream>>, port: u16, request: &str) -> std::io::Result<(u16, String)> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_read_timeout(Some(ANSWER_LIMIT))?;
            stream.set_nodelay(true)?;
            BufReader::new(stream)
        }
    };
    connection.get_mut().write_all(request.as_bytes())?;
    let bad = || std::io::Error::other("not an HTTP answer");
    let mut line = String::new();
    connection.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(bad)?;
    let mut length = None;
    let mut closes = false;
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<u64>().ok(),
            "connection" => closes = value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let mut body = String::new();
    match length {
        Some(length) => drop((&mut connection).take(length).read_to_string(&mut body)?),
        None => return Err(bad()),
    }
    if !closes {
        *kept = Some(connection);
    }
    Ok((status, body))
}
