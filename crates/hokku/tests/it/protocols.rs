//! Through the router to a real dyno: streams, uploads, WebSocket, the headers an app is given, and the router's own
//! answers with their log lines.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::developer::Developer;
use crate::http::Connection;
use crate::server::Server;
use crate::until::{PATIENCE, SOON, until_true};

const APP: &str = "wire";
const HOST: &str = "wire.localhost";

#[test]
fn an_app_is_reached_as_http_has_it() {
    let server = Server::start();
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer.add_remote(&server, APP);
    developer.push().ok();

    std::thread::scope(|scope| {
        let unanswered = scope.spawn(|| server.page(APP, "/hang").status);
        headers(&server);
        streams(&server);
        uploads(&server);
        web_socket(&server);
        assert_eq!(unanswered.join().expect("an answer"), 503, "H12 after 30 seconds");
    });
    error_pages(&server, &developer);
}

fn tls(server: &Server) -> Connection {
    server.client().connect(HOST).expect("the router listens")
}

/// What the router vouches for, whatever the client claims.
fn headers(server: &Server) {
    let claims =
        [("X-Forwarded-Proto", "gopher"), ("X-Forwarded-For", "203.0.113.7"), ("X-Request-Start", "0")];
    let told = |mut connection: Connection| -> Value {
        connection.send("GET", "/headers", &claims, b"").expect("an answer").json()
    };
    let value = |headers: &Value, name: &str| -> Vec<String> {
        let pairs = headers.as_array().expect("pairs").iter();
        let named = pairs.filter(|pair| pair[0].as_str().is_some_and(|have| have.eq_ignore_ascii_case(name)));
        named.filter_map(|pair| pair[1].as_str().map(str::to_owned)).collect()
    };
    let secure = told(tls(server));
    assert_eq!(value(&secure, "x-forwarded-proto"), ["https"]);
    assert_eq!(value(&secure, "x-forwarded-port"), [server.port().to_string()]);
    assert_eq!(value(&secure, "x-forwarded-for"), ["203.0.113.7, 127.0.0.1"]);
    assert_eq!(value(&secure, "host"), [format!("{HOST}:{}", server.port())]);
    assert_eq!(value(&secure, "x-request-id").len(), 1);
    assert!(value(&secure, "x-request-start").iter().all(|at| at.len() == 13), "milliseconds: {secure}");
    let plain = told(server.client().connect_plain(HOST).expect("the router listens"));
    assert_eq!(value(&plain, "x-forwarded-proto"), ["http"], "one port serves both");
}

/// Chunks come when they are sent, not when all is there.
fn streams(server: &Server) {
    let mut connection = tls(server);
    connection.ask("GET", "/stream?n=3&s=1", &[], b"").expect("sent");
    assert_eq!(connection.head().expect("a head").0, 200);
    let began = Instant::now();
    assert_eq!(connection.chunk().expect("a chunk").as_deref(), Some(b"chunk 0\n".as_slice()));
    assert!(began.elapsed() < Duration::from_millis(900), "the first chunk waited for the second");
    let rest =
        [connection.chunk(), connection.chunk(), connection.chunk()].map(|chunk| chunk.expect("a chunk"));
    assert_eq!(rest, [Some(b"chunk 1\n".to_vec()), Some(b"chunk 2\n".to_vec()), None]);
    // And the connection is good for more.
    assert_eq!(connection.send("GET", "/", &[], b"").expect("an answer").status, 200);
}

/// Bodies of both kinds pass whole.
fn uploads(server: &Server) {
    let body: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let mut connection = tls(server);
    let echoed = connection.send("POST", "/echo", &[], &body).expect("an answer");
    assert!(echoed.status == 200 && echoed.body == body, "{} bytes came back", echoed.body.len());
    connection
        .write(format!("PUT /echo HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes())
        .expect("sent");
    for piece in body.chunks(100_000) {
        connection.write(format!("{:x}\r\n", piece.len()).as_bytes()).expect("sent");
        connection.write(piece).expect("sent");
        connection.write(b"\r\n").expect("sent");
    }
    connection.write(b"0\r\n\r\n").expect("sent");
    let (status, headers) = connection.head().expect("a head");
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, value)| value.as_str());
    assert_eq!((status, length), (200, Some("3000000")));
    let mut echoed = vec![0; body.len()];
    connection.read(&mut echoed).expect("the body");
    assert!(echoed == body);
}

/// The upgrade, a message each way, and the end.
fn web_socket(server: &Server) {
    let mut connection = tls(server);
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    connection.ask("GET", "/ws", &upgrade, b"").expect("sent");
    let (status, headers) = connection.head().expect("a head");
    // The answer to the key in RFC 6455, section 1.3.
    let accept = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-accept"));
    assert_eq!(
        (status, accept.map(|(_, value)| value.as_str())),
        (101, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
    );
    for message in [b"hello", b"again"] {
        // A text frame, masked with zeros.
        connection.write(&[[0x81, 0x85, 0, 0, 0, 0].as_slice(), message].concat()).expect("sent");
        let mut frame = [0; 7];
        connection.read(&mut frame).expect("a frame");
        assert_eq!(frame[..2], [0x81, 5]);
        assert_eq!(&frame[2..], message);
    }
    connection.write(&[0x88, 0x80, 0, 0, 0, 0]).expect("sent");
    let mut close = [0; 2];
    connection.read(&mut close).expect("a frame");
    assert_eq!(close, [0x88, 0]);
}

fn error_pages(server: &Server, developer: &Developer) {
    assert_eq!(server.page_in_the_open("nobody", "/").status, 404, "no such app");
    // Posted, so that the router does not try it a second time.
    let crashed = tls(server).send("POST", "/crash", &[], b"").expect("an answer");
    assert!(crashed.status == 503 && crashed.text().contains("Application Error"), "H13: {}", crashed.text());
    until_true("it serves again", PATIENCE, || server.page(APP, "/").status == 200);

    server.change("PATCH", &format!("/apps/{APP}"), &json!({ "maintenance": true }));
    until_true("the maintenance page", SOON, || server.page(APP, "/").text().contains("maintenance"));
    server.change("PATCH", &format!("/apps/{APP}"), &json!({ "maintenance": false }));
    server.change("PATCH", &format!("/apps/{APP}/formation/web"), &json!({ "quantity": 0 }));
    until_true("no web processes", SOON, || {
        server.page(APP, "/").status == 503 && server.logs(APP, 2).contains("code=H14")
    });
    server.change("PATCH", &format!("/apps/{APP}/formation/web"), &json!({ "quantity": 1 }));
    until_true("it serves again", PATIENCE, || server.page(APP, "/").status == 200);
    server.until_logged(
        APP,
        &[
            "at=error code=H12 desc=\"Request timeout\" method=GET path=\"/hang\"",
            "at=error code=H13 desc=\"Connection closed without response\" method=POST path=\"/crash\"",
            "at=info code=H80 desc=\"Maintenance mode\" method=GET path=\"/\"",
            "at=error code=H14 desc=\"No web processes running\" method=GET path=\"/\"",
        ],
    );
    explained_once(server);

    // A dyno that boots for long: requests wait for it.
    let program = std::fs::read_to_string(developer.work().join("web.py")).expect("web.py");
    developer.write("web.py", &format!("import time\ntime.sleep(4)\n{program}"));
    developer.commit("slow to boot");
    developer.push().ok();
    server.change("PATCH", &format!("/apps/{APP}/formation/web"), &json!({ "quantity": 0 }));
    until_true("no web processes", SOON, || server.page(APP, "/").status == 503);
    server.change("PATCH", &format!("/apps/{APP}/formation/web"), &json!({ "quantity": 1 }));
    until_true("the request waits for the dyno and is answered", SOON, || {
        server.page(APP, "/").status == 200
    });
}

/// Each code's likely cause and cure are in the log once, however many requests had it.
fn explained_once(server: &Server) {
    for (code, cure) in [
        ("H12", "Cure: path= above is the page: measure it"),
        ("H13", "Cure: `hokku logs --ps web`"),
        ("H14", "Cure: `hokku ps:scale web=1`"),
        ("H80", "Cure: `hokku maintenance:off`."),
    ] {
        server.until_logged(APP, &[&format!("({code})")]);
        let log = server.logs(APP, 1_500);
        let told: Vec<&str> = log.lines().filter(|line| line.contains(&format!("({code})"))).collect();
        assert!(
            told.len() == 1 && told[0].contains("heroku[router]: Likely cause: ") && told[0].contains(cure),
            "{told:?}"
        );
    }
}
