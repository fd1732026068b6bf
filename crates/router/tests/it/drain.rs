//! The end of a router: what is under way is finished, or cut off and said to be.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::support::{Limits, Router, dyno, read_head, read_to_end, short};

const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nHost: app\r\n\r\n";

/// A dyno that answers when told.
async fn held() -> (std::net::SocketAddr, tokio::task::JoinSet<()>, std::sync::Arc<tokio::sync::Notify>) {
    let go = std::sync::Arc::new(tokio::sync::Notify::new());
    let told = std::sync::Arc::clone(&go);
    let (address, life) = dyno(move |mut stream| {
        let told = std::sync::Arc::clone(&told);
        async move {
            while read_head(&mut stream).await.is_some() {
                told.notified().await;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";
                stream.write_all(answer).await.expect("the router reads");
            }
        }
    })
    .await;
    (address, life, go)
}

#[tokio::test]
async fn requests_under_way_are_finished_and_idle_connections_closed() {
    let mut router = Router::start(Limits::default()).await;
    let (address, _life, go) = held().await;
    router.serve_by(&[address]).await;
    let mut idle = router.connect().await;
    let mut busy = router.connect().await;
    busy.write_all(SLOW).await.expect("the router reads");
    idle.write_all(b"GET /none HTTP/1.1\r\nHost: nobody\r\n\r\n").await.expect("the router reads");
    read_head(&mut idle).await.expect("an answer, after which it is idle");
    let mut control = router.control().await;
    while control.in_flight(&[address]).await.expect("counts")[&address] == 0 {}

    assert_eq!(control.drain(Duration::from_secs(60)).await.expect("it drains"), 2);
    assert!(read_to_end(&mut idle).await.contains("No such app"), "and then it was closed");
    while tokio::net::TcpStream::connect(router.address).await.is_ok() {}
    go.notify_one();
    let response = read_to_end(&mut busy).await;
    assert!(response.contains("Connection: close\r\n") || response.ends_with("done"), "{response}");
    router.ended().await;
    assert!(!router.control_socket().exists());
    assert!(router.line("/slow").await.starts_with("at=info"));
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_cut_off() {
    let mut router = Router::start(short()).await;
    let (address, _life, _go) = held().await;
    router.table.routes.insert("app".into(), crate::support::route(crate::support::serving(&[address])));
    router.publish().await;
    let mut busy = router.connect().await;
    busy.write_all(SLOW).await.expect("the router reads");
    let mut control = router.control().await;
    while control.in_flight(&[address]).await.expect("counts")[&address] == 0 {}
    control.drain(Duration::from_millis(10)).await.expect("it drains");
    assert_eq!(read_to_end(&mut busy).await, "");
    router.ended().await;
    let line = router.line("/slow").await;
    assert!(line.starts_with("at=error code=H24 desc=\"Forced close\""), "{line}");
    assert!(line.contains(" dyno=web.1 ") && line.contains(" status= "), "{line}");
}
