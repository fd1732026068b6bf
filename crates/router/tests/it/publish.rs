//! Tables: replaced under load, kept for the next life, and refused from a second router.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use router::{Listen, ServeError};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::support::{LONG, Limits, Router, answers, config, dyno, read_head, short, status, wall_clock};

/// A dyno that counts its requests, and takes a moment for each.
async fn counting(seen: Arc<AtomicUsize>) -> (SocketAddr, JoinSet<()>) {
    dyno(move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            while read_head(&mut stream).await.is_some() {
                seen.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(1)).await;
                if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynos_are_swapped_under_load_without_a_failed_request() {
    let mut router = Router::start(Limits::default()).await;
    let mut old = Vec::new();
    for _ in 0..2 {
        let seen = Arc::new(AtomicUsize::new(0));
        let (address, life) = counting(Arc::clone(&seen)).await;
        old.push((address, seen, life));
    }
    router.serve_by(&old.iter().map(|(address, ..)| *address).collect::<Vec<_>>()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..6 {
        let (address, stop) = (router.address, Arc::clone(&stop));
        clients.spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::SeqCst) {
                let method = if number % 2 == 0 { "GET" } else { "POST" };
                let request = format!("{method} / HTTP/1.1\r\nHost: app\r\nContent-Length: 0\r\n\r\n");
                let mut stream = tokio::net::TcpStream::connect(address).await.expect("the router accepts");
                for _ in 0..10 {
                    stream.write_all(request.as_bytes()).await.expect("the router reads");
                    let head = read_head(&mut stream).await.expect("an answer");
                    assert_eq!(status(&head), 200, "{head}");
                    let mut body = [0; 2];
                    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut body).await.expect("a body");
                    count += 1;
                }
            }
            count
        });
    }
    let mut control = router.control().await;
    for _ in 0..15 {
        let seen = Arc::new(AtomicUsize::new(0));
        let (address, life) = counting(Arc::clone(&seen)).await;
        old.push((address, seen, life));
        let (gone, gone_seen, gone_life) = old.remove(0);
        router.serve_by(&old.iter().map(|(address, ..)| *address).collect::<Vec<_>>()).await;
        // Applied: what it works on may end, nothing new comes.
        while control.in_flight(&[gone]).await.expect("counts")[&gone] > 0 {}
        let final_count = gone_seen.load(Ordering::SeqCst);
        drop(gone_life);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(gone_seen.load(Ordering::SeqCst), final_count);
    }
    stop.store(true, Ordering::SeqCst);
    let mut total = 0;
    while let Some(count) = clients.join_next().await {
        total += count.expect("every request was answered");
    }
    assert!(total > 100, "the load was real: {total}");
    let lines = router.lines_with(" host=app ", total).await;
    assert_eq!(lines.iter().filter(|line| !line.contains(" status=200 ")).count(), 0);
}

#[tokio::test]
async fn every_dyno_is_used() {
    let mut router = Router::start(short()).await;
    let (a, _a) = answers("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false).await;
    let (b, _b) = answers("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb", false).await;
    router.serve_by(&[a, b]).await;
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        seen.insert(router.get("/").await.chars().last());
    }
    assert_eq!(seen, BTreeSet::from([Some('a'), Some('b')]), "two dynos, of which one is missed in 60 tries");
}

#[tokio::test]
async fn a_restarted_router_serves_at_once() {
    let mut router = Router::start(short()).await;
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    router.serve_by(&[address]).await;
    let mode = std::fs::metadata(router.home().join("table.json")).expect("a table").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds private keys");
    let router = router.restart(short()).await;
    assert_eq!(status(&router.get("/").await), 200);
}

#[tokio::test]
async fn a_broken_table_file_does_not_keep_the_router_down() {
    let mut router = Router::start(short()).await;
    router.publish().await;
    std::fs::write(router.home().join("table.json"), "{\"generation\":").expect("a file");
    std::fs::write(router.home().join("table.new"), "left by a killed router").expect("a file");
    let mut router = router.restart(short()).await;
    assert_eq!(status(&router.get("/").await), 404);
    router.publish().await;
    let text = std::fs::read_to_string(router.home().join("table.json")).expect("a table");
    assert_eq!(serde_json::from_str::<router::Table>(&text).expect("a whole table"), router.table);
}

#[tokio::test]
async fn what_a_killed_router_left_is_in_nobodys_way() {
    let home = Arc::new(tempfile::tempdir().expect("a directory"));
    for name in ["control.sock", "control.new"] {
        drop(std::os::unix::net::UnixListener::bind(home.path().join(name)).expect("a socket"));
    }
    std::fs::write(home.path().join("control.lock"), "").expect("a file that nobody locks");
    let router = Router::start_in(home, short()).await;
    let mode = std::fs::metadata(router.control_socket()).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner controls it");
}

#[tokio::test]
async fn a_second_router_is_refused_and_says_why() {
    let router = Router::start(short()).await;
    let start = |home: &std::path::Path, listen| {
        router::serve_until(config(home, listen, short()), wall_clock(), async {})
    };
    let same_socket = start(router.home(), Listen::Address(([127, 0, 0, 1], 0).into()));
    assert!(matches!(same_socket, Err(ServeError::AlreadyRunning { .. })), "{same_socket:?}");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let same_port = start(elsewhere.path(), Listen::Address(router.address));
    let Err(error @ ServeError::Listen { .. }) = same_port else { panic!("{same_port:?}") };
    assert_eq!(
        error.to_string(),
        format!("could not listen on {}; is another server using it?", router.address)
    );
    assert_eq!(status(&router.get("/still").await), 404, "the first one goes on");
}

#[tokio::test]
async fn control_messages_that_are_not_understood() {
    let router = Router::start(short()).await;
    let mut stream = tokio::net::UnixStream::connect(router.control_socket()).await.expect("the router");
    stream.write_all(b"{\"what\":1}\n{\"in_flight\":[\"127.0.0.1:1\"]}\n{\"cut").await.expect("it reads");
    stream.shutdown().await.expect("a half-closed socket");
    let mut replies = String::new();
    let read = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut replies);
    tokio::time::timeout(LONG, read).await.expect("it closes").expect("text");
    let lines: Vec<&str> = replies.lines().collect();
    assert!(lines[0].starts_with("{\"error\":\"not understood: "), "{replies}");
    assert_eq!(lines[1..], ["{\"in_flight\":{\"127.0.0.1:1\":0}}"]);
}
