//! Kept connections to dynos, and dynos that close them at the worst moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::{Limits, Router, dyno, read_head, status};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Sends `count` requests on one connection and returns the statuses other than 200.
async fn many(mut stream: TcpStream, request: &'static [u8], count: usize) -> Vec<String> {
    let mut bad = Vec::new();
    for _ in 0..count {
        stream.write_all(request).await.expect("the router reads");
        let head = read_head(&mut stream).await.expect("the router keeps the connection");
        if status(&head) != 200 {
            bad.push(head.clone());
        }
        let length =
            head.split_once("Content-Length: ").and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok());
        let mut body = vec![0; length.expect("every answer has a length")];
        stream.read_exact(&mut body).await.expect("a body");
    }
    bad
}

/// A dyno that closes each connection after some requests, without a word, after more or less time.
async fn closing(opened: Arc<AtomicUsize>) -> (std::net::SocketAddr, JoinSet<()>) {
    dyno(move |mut stream| {
        let number = opened.fetch_add(1, Ordering::Relaxed);
        async move {
            for _ in 0..1 + number % 4 {
                if read_head(&mut stream).await.is_none() {
                    return;
                }
                stream.write_all(OK).await.expect("the router reads");
            }
            // Closing at once, and closing while the next request is under way.
            for _ in 0..number % 7 {
                tokio::task::yield_now().await;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_connection_that_closes_is_never_an_error() {
    let mut router = Router::start(Limits::default()).await;
    let opened = Arc::new(AtomicUsize::new(0));
    let (address, _life) = closing(Arc::clone(&opened)).await;
    router.serve_by(&[address]).await;
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        clients.spawn(many(router.connect().await, b"GET / HTTP/1.1\r\nHost: app\r\n\r\n", 500));
    }
    while let Some(bad) = clients.join_next().await {
        assert_eq!(bad.expect("no panic"), Vec::<String>::new());
    }
    let opened = opened.load(Ordering::Relaxed);
    assert!(opened < 4000, "{opened} connections for 4000 requests: none was used twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_do_something_is_sent_once() {
    let mut router = Router::start(Limits::default()).await;
    let seen = Arc::new(AtomicUsize::new(0));
    let see = Arc::clone(&seen);
    let (address, _life) = dyno(move |mut stream| {
        let see = Arc::clone(&see);
        async move {
            let mut first = true;
            while let Some(head) = read_head(&mut stream).await {
                if head.starts_with("POST") {
                    see.fetch_add(1, Ordering::Relaxed);
                    assert!(first, "a POST came on a connection that had been used");
                }
                first = false;
                // Every other POST kills the connection after it was seen.
                if head.starts_with("POST /die") || stream.write_all(OK).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    router.serve_by(&[address]).await;
    for turn in 0..20 {
        assert_eq!(status(&router.get("/").await), 200);
        let path = if turn % 2 == 0 { "/die" } else { "/live" };
        let post =
            format!("POST {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(status(&router.ask(&post).await), if turn % 2 == 0 { 503 } else { 200 });
    }
    assert_eq!(seen.load(Ordering::Relaxed), 20);
    assert_eq!(router.lines_with(" code=H13 ", 10).await.len(), 10);
}

#[tokio::test]
async fn connections_are_kept() {
    let mut router = Router::start(Limits::default()).await;
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let (address, _life) = dyno(move |mut stream| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            while read_head(&mut stream).await.is_some() {
                stream.write_all(OK).await.expect("the router reads");
            }
        }
    })
    .await;
    router.serve_by(&[address]).await;
    let bad = many(router.connect().await, b"GET / HTTP/1.1\r\nHost: app\r\n\r\n", 200).await;
    assert_eq!((bad.len(), opened.load(Ordering::Relaxed)), (0, 1));
}
