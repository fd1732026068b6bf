//! Bodies of every framing, both ways, and what the router makes of heads.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::{LONG, Limits, Router, answers, dyno, fields, read_head, read_to_end, short, status};

/// A dyno that sends every request body back while it is still coming.
pub(crate) async fn echo() -> (SocketAddr, JoinSet<()>) {
    dyno(|mut stream| async move {
        while let Some(head) = read_head(&mut stream).await {
            let lower = head.to_lowercase();
            let length = lower
                .split_once("content-length: ")
                .and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok());
            let mut left: usize = length.unwrap_or(0);
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("the router reads");
            let mut piece = vec![0; 64 * 1024];
            while left > 0 {
                let most = left.min(piece.len());
                let Ok(count @ 1..) = stream.read(&mut piece[..most]).await else { return };
                if stream.write_all(&piece[..count]).await.is_err() {
                    return;
                }
                left -= count;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_hundred_megabytes_there_and_back() {
    const SIZE: usize = 100_000_000;
    let mut router = Router::start(Limits::default()).await;
    let (address, _life) = echo().await;
    router.serve_by(&[address]).await;
    let stream = router.connect().await;
    let (mut reader, mut writer) = stream.into_split();
    let head =
        format!("POST /big HTTP/1.1\r\nHost: app\r\nConnection: close\r\nContent-Length: {SIZE}\r\n\r\n");
    let send = async move {
        writer.write_all(head.as_bytes()).await?;
        let piece = [7; 100_000];
        for _ in 0..SIZE / piece.len() {
            writer.write_all(&piece).await?;
        }
        std::io::Result::Ok(writer)
    };
    let receive = async {
        let (mut total, mut piece) = (0, vec![0; 256 * 1024]);
        while let Ok(count @ 1..) = reader.read(&mut piece).await {
            total += count;
        }
        total
    };
    let (sent, received) = tokio::join!(send, receive);
    sent.expect("the router reads all");
    let line = fields(&router.line("/big").await);
    assert_eq!((line["status"].as_str(), line["bytes"].as_str()), ("200", received.to_string().as_str()));
    assert!(received > SIZE && received < SIZE + 300, "{received}");
}

/// How much a writer gets rid of before the other side's silence stops it.
async fn writes_until_stalled(stream: &mut TcpStream) -> usize {
    let (mut total, piece) = (0, vec![0; 64 * 1024]);
    while let Ok(Ok(count)) = tokio::time::timeout(Duration::from_millis(300), stream.write(&piece)).await {
        total += count;
    }
    total
}

/// Both sockets' buffers and the router's own; far below what is offered.
const HELD_MAX: usize = 24 << 20;

#[tokio::test]
async fn a_client_that_does_not_read_stops_its_dyno() {
    let mut router = Router::start(Limits::default()).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (address, _life) = dyno(move |mut stream| {
        let tell = tell.clone();
        async move {
            read_head(&mut stream).await.expect("a request");
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
            stream.write_all(head).await.expect("the router reads");
            tell.send(writes_until_stalled(&mut stream).await).expect("the test waits");
        }
    })
    .await;
    router.serve_by(&[address]).await;
    let mut idle = router.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n").await.expect("the router reads");
    let held = tokio::time::timeout(LONG, told.recv()).await.expect("it stalls").expect("it tells");
    assert!(held < HELD_MAX, "{held} bytes were taken for a client that reads none");
}

#[tokio::test]
async fn a_dyno_that_does_not_read_stops_its_client() {
    let mut router = Router::start(Limits { drain: Duration::ZERO, ..Limits::default() }).await;
    let (address, _life) = dyno(|mut stream| async move {
        read_head(&mut stream).await.expect("a request");
        std::future::pending::<()>().await;
    })
    .await;
    router.serve_by(&[address]).await;
    let mut eager = router.connect().await;
    eager
        .write_all(b"POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 1000000000\r\n\r\n")
        .await
        .expect("it reads");
    let held = writes_until_stalled(&mut eager).await;
    assert!(held < HELD_MAX, "{held} bytes were taken for a dyno that reads none");
}

#[tokio::test]
async fn chunks_and_trailers_pass_both_ways() {
    let mut router = Router::start(short()).await;
    let (address, _life) = dyno(|mut stream| async move {
        let head = read_head(&mut stream).await.expect("a request");
        assert!(head.contains("Transfer-Encoding: chunked\r\n"), "{head}");
        let chunks = read_head(&mut stream).await.expect("chunks to the end of the trailers");
        let answer =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n{chunks}");
        stream.write_all(answer.as_bytes()).await.expect("the router reads");
    })
    .await;
    router.serve_by(&[address]).await;
    let chunks = "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
    let head = "POST / HTTP/1.1\r\nHost: app\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let response = router.ask(&format!("{head}{chunks}")).await;
    assert!(response.contains("Trailer: X-Sum\r\n") && response.ends_with(chunks), "{response}");
}

#[tokio::test]
async fn old_clients_get_bare_bodies_and_old_dynos_are_put_into_chunks() {
    let mut router = Router::start(short()).await;
    let (chunked, _life) =
        answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", true).await;
    router.serve_by(&[chunked]).await;
    let response = router.ask("GET / HTTP/1.0\r\nHost: app\r\n\r\n").await;
    assert!(response.ends_with("\r\n\r\nhello") && !response.contains("chunked"), "{response}");

    let (old, _life) = answers("HTTP/1.0 200 OK\r\n\r\nhello", true).await;
    router.serve_by(&[old]).await;
    let response = router.get("/").await;
    assert!(response.contains("Transfer-Encoding: chunked\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{response}");
    let response = router.ask("GET / HTTP/1.0\r\nHost: app\r\n\r\n").await;
    assert!(response.ends_with("\r\n\r\nhello"), "{response}");
}

#[tokio::test]
async fn a_client_may_wait_for_100_continue() {
    let mut router = Router::start(short()).await;
    let (address, _life) = dyno(|mut stream| async move {
        let head = read_head(&mut stream).await.expect("a request");
        assert!(head.contains("Expect: 100-continue\r\n"), "{head}");
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.expect("the router reads");
        let mut body = [0; 5];
        stream.read_exact(&mut body).await.expect("the body follows");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await.expect("the router reads");
        stream.write_all(&body).await.expect("the router reads");
    })
    .await;
    router.serve_by(&[address]).await;
    let mut client = router.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: app\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    client.write_all(head).await.expect("the router reads");
    let interim = read_head(&mut client).await.expect("an interim response");
    assert_eq!(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hello").await.expect("the router reads");
    let response = read_to_end(&mut client).await;
    assert!(response.starts_with("HTTP/1.1 200 OK") && response.ends_with("hello"), "{response}");
}

#[tokio::test]
async fn an_answer_before_the_body_has_ended() {
    let mut router = Router::start(short()).await;
    let (address, _life) = dyno(|mut stream| async move {
        read_head(&mut stream).await.expect("a request");
        let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig";
        stream.write_all(answer).await.expect("the router reads");
    })
    .await;
    router.serve_by(&[address]).await;
    let mut client = router.connect().await;
    client
        .write_all(b"POST /big HTTP/1.1\r\nHost: app\r\nContent-Length: 50000000\r\n\r\n")
        .await
        .expect("it reads");
    let (mut reader, mut writer) = client.split();
    let (response, _) = tokio::join!(read_to_end(&mut reader), async {
        // How far it comes depends on when the router closes.
        while writer.write_all(&[0; 10_000]).await.is_ok() {}
    });
    assert!(response.starts_with("HTTP/1.1 413 Too Large") && response.ends_with("big"), "{response}");
    assert_eq!(fields(&router.line("/big").await)["status"], "413");
}

#[tokio::test]
async fn requests_in_a_row_on_one_connection() {
    let mut router = Router::start(short()).await;
    let (address, _life) = echo().await;
    router.serve_by(&[address]).await;
    let post =
        |body: &str| format!("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let last = "HEAD /last HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n";
    let response = router
        .ask(&[post("one"), post("two"), "\r\n".to_owned(), post("three"), last.to_owned()].concat())
        .await;
    let bodies: Vec<&str> =
        response.split("HTTP/1.1 200 OK\r\n").map(|one| one.rsplit("\r\n").next().unwrap_or("")).collect();
    assert_eq!(bodies, ["", "one", "two", "three", ""], "{response}");
}

#[tokio::test]
async fn a_head_request_has_no_body_and_the_connection_goes_on() {
    let mut router = Router::start(short()).await;
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false).await;
    router.serve_by(&[address]).await;
    let head = "HEAD / HTTP/1.1\r\nHost: app\r\n\r\n";
    let response =
        router.ask(&[head, "HEAD / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"].concat()).await;
    assert_eq!(response.matches("Content-Length: 5\r\n").count(), 2, "{response}");
    assert_eq!(status(&response), 200);
}

#[tokio::test]
async fn what_the_dyno_sees() {
    let mut router = Router::start(short()).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (address, _life) = dyno(move |mut stream| {
        let tell = tell.clone();
        async move {
            let head = read_head(&mut stream).await.expect("a request");
            tell.send(head).expect("the test waits");
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: mine\r\n\r\n";
            stream.write_all(answer).await.expect("the router reads");
        }
    })
    .await;
    router.serve_by(&[address]).await;
    let request =
        "GET /seen?q HTTP/1.1\r\nHost: APP:80\r\nX-Forwarded-For: 9.9.9.9\r\nConnection: close\r\n\r\n";
    let response = router.ask(request).await;
    assert!(
        response.contains("Server: mine\r\nContent-Length: 0")
            && response.contains("Via: 1.1 hokku-router\r\n")
    );
    let head = told.recv().await.expect("it was asked");
    let port = router.address.port();
    assert!(
        head.starts_with("GET /seen?q HTTP/1.1\r\nHost: APP:80\r\nX-Forwarded-For: 9.9.9.9, 127.0.0.1\r\n"),
        "{head}"
    );
    assert!(head.contains(&format!("X-Forwarded-Proto: http\r\nX-Forwarded-Port: {port}\r\n")), "{head}");
    let id =
        head.split_once("X-Request-Id: ").and_then(|(_, rest)| rest.split("\r\n").next()).expect("an id");
    let line = fields(&router.line("/seen?q").await);
    assert_eq!((line["request_id"].as_str(), line["fwd"].as_str()), (id, "9.9.9.9, 127.0.0.1"));
    assert_eq!((line["host"].as_str(), line["dyno"].as_str()), ("APP:80", "web.1"));
    assert_eq!(line["bytes"], response.len().to_string());
}
