//! Log drains and webhooks with the official command line, and a server that is killed with something undelivered.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, spawn};

use serde_json::Value;

use crate::developer::Developer;
use crate::server::Server;
use crate::until::{PATIENCE, until, until_true};

const APP: &str = "tells";

/// A request that came in.
#[derive(Debug, Clone)]
struct Request {
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let is_it = |line: &&str| line.split_once(':').is_some_and(|(it, _)| it.eq_ignore_ascii_case(name));
        let line = self.head.lines().find(is_it).unwrap_or_else(|| panic!("no {name} in {}", self.head));
        line.split_once(':').map_or("", |(_, value)| value.trim())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}

/// Somebody's server of HTTP, which says 204 to everything.
struct Receiver {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Port 0 picks one.
    fn start(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (requests, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (got, is_over) = (Arc::clone(&requests), Arc::clone(&stop));
        let thread = spawn(move || {
            for connection in listener.incoming() {
                if is_over.load(Ordering::Acquire) {
                    return;
                }
                let (got, is_over) = (Arc::clone(&got), Arc::clone(&is_over));
                spawn(move || drop(connection.and_then(|stream| serve(stream, &got, &is_over))));
            }
        });
        Self { port, requests, stop, thread: Some(thread) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://jane:hunter2@127.0.0.1:{}{path}", self.port)
    }

    fn requests(&self, path: &str) -> Vec<Request> {
        let start = format!("POST {path} ");
        let all = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|request| request.head.starts_with(&start)).cloned().collect()
    }

    /// Waits for a request with a text in it.
    fn until(&self, path: &str, text: &str) -> Request {
        until(&format!("{path} gets `{text}`"), PATIENCE, || {
            self.requests(path).into_iter().find(|request| request.body.contains(text))
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the one that accepts.
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, got: &Mutex<Vec<Request>>, is_over: &AtomicBool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let mut request = Request { head, body: String::new() };
        let length: usize = request.header("Content-Length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if is_over.load(Ordering::Acquire) {
            return Ok(()); // without an answer
        }
        request.body = String::from_utf8_lossy(&body).into_owned();
        got.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

#[test]
fn lines_and_events_leave_and_a_killed_server_loses_none() {
    let mut server = Server::start();
    let developer = Developer::new(&server, "hello");
    let receiver = Receiver::start(0);
    developer.heroku(&["create", APP]).ok();
    let url = receiver.url("/in?app=1");
    let added = developer.heroku(&["drains:add", &url, "-a", APP]).ok();
    assert_eq!(added.out, format!("Successfully added drain {url}\n"));
    let refused = developer.heroku(&["drains:add", &url, "-a", APP]);
    assert!(refused.code == 2 && refused.err.contains("tells has this drain already."), "{}", refused.said());
    let hooks = receiver.url("/hooks");
    let adding =
        ["webhooks:add", "-i", "api:release,dyno", "-l", "sync", "-t", "Bearer me", "-u", &hooks, "-a", APP];
    let added = developer.heroku(&adding).ok();
    let secret = added.out.lines().last().unwrap_or_default().trim().to_owned();
    assert!(secret.len() == 60 && added.out.contains("=== Webhooks Signing Secret"), "{}", added.said());

    developer.heroku(&["config:set", "GREETING=one", "-a", APP]).ok();
    let frame = receiver.until("/in?app=1", "Release v3 created");
    let drains = developer.heroku(&["drains", "-a", APP]).ok().out;
    assert!(drains.contains(&format!("{url} ({})", frame.header("Logplex-Drain-Token"))), "{drains}");
    assert_eq!(frame.header("Authorization"), "Basic amFuZTpodW50ZXIy");
    let event = receiver.until("/hooks", "Set GREETING config vars");
    assert_eq!(event.header("Authorization"), "Bearer me");
    assert_eq!(event.header("Heroku-Webhook-Hmac-SHA256"), hmac(&developer, &secret, &event.body));
    let deliveries = developer.heroku(&["webhooks:deliveries", "-a", APP]).ok().out;
    assert!(deliveries.contains("succeeded") && deliveries.contains("api:release"), "{deliveries}");
    let id = event.json()["webhook_metadata"]["delivery"]["id"].as_str().expect("an id").to_owned();
    let info = developer.heroku(&["webhooks:deliveries:info", &id, "-a", APP]).ok().out;
    assert!(info.contains("Set GREETING config vars"), "{info}");

    // The receiver goes, something happens, and the server is killed before it could tell.
    let port = receiver.port;
    drop(receiver);
    developer.heroku(&["config:set", "GREETING=two", "-a", APP]).ok();
    server.kill();
    let receiver = Receiver::start(port);
    server.start_again();
    receiver.until("/in?app=1", "Release v4 created");
    until_true("v4 is told", PATIENCE, || versions(&receiver).contains(&4));
    // And on it goes, in order.
    developer.push().ok();
    receiver.until("/in?app=1", "State changed from starting to up");
    until_true("the dyno's start is told", PATIENCE, || {
        let told = |request: &Request| request.json()["data"]["state"] == "up";
        receiver.requests("/hooks").iter().any(told)
    });
    let versions = versions(&receiver);
    assert!(versions.is_sorted(), "{versions:?}");

    let token = frame.header("Logplex-Drain-Token");
    let removed = developer.heroku(&["drains:remove", token, "-a", APP]).ok();
    assert_eq!(removed.out, format!("Successfully removed drain {url}\n"));
    let webhook = event.json()["webhook_metadata"]["webhook"]["id"].as_str().expect("an id").to_owned();
    developer.heroku(&["webhooks:remove", &webhook, "-a", APP]).ok();
    let left = developer.heroku(&["webhooks", "-a", APP]).ok().out;
    assert!(left.contains("tells has no webhooks"), "{left}");
    server.stop();
}

/// The numbers of the releases that were told of, in the order in which they came; each change once.
fn versions(receiver: &Receiver) -> Vec<u64> {
    receiver
        .requests("/hooks")
        .iter()
        .filter_map(|request| request.json()["data"]["version"].as_u64())
        .collect()
}

/// What Python makes of it: not our own code.
fn hmac(developer: &Developer, secret: &str, body: &str) -> String {
    developer.write("../body", body);
    let program = "import base64,hmac,sys\nbody=open('../body','rb').read()\n\
                   print(base64.b64encode(hmac.new(sys.argv[1].encode(), body, 'sha256').digest()).decode())";
    developer.run("python3", &["-c", program, secret]).ok().out.trim().to_owned()
}
