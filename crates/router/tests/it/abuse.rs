//! Clients that mean harm, or do it.

use tokio::io::AsyncWriteExt;

use crate::support::{Router, answers, dyno, read_head, read_to_end, short, status};

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let router = Router::start(short()).await;
    let mut slow = router.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: app\r\n").await.expect("the router reads");
    let drip = async {
        for number in 0.. {
            let line = format!("X-{number}: y\r\n");
            if slow.write_all(line.as_bytes()).await.is_err() {
                break;
            }
            let mut byte = [0];
            let answered =
                tokio::time::timeout(std::time::Duration::from_millis(20), slow.peek(&mut byte)).await;
            if answered.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(crate::support::LONG, drip).await.expect("dripping does not keep it open");
    assert_eq!(status(&read_to_end(&mut slow).await), 408);
}

#[tokio::test]
async fn a_connection_without_a_request_is_cut_off() {
    let router = Router::start(short()).await;
    assert_eq!(read_to_end(&mut router.connect().await).await, "");
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    let router = Router::start(short()).await;
    let endless =
        format!("GET / HTTP/1.1\r\nHost: app\r\n{}", "A: bbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n".repeat(20_000));
    assert_eq!(status(&router.ask(&endless).await), 400);
    assert_eq!(status(&router.ask(&"A".repeat(300_000)).await), 400);
}

#[tokio::test]
async fn malformed_requests_get_a_400_and_no_more() {
    let mut router = Router::start(short()).await;
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    router.serve_by(&[address]).await;
    for (text, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("\0\0\0\0", 400),
        ("SSH-2.0-OpenSSH_9\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: app\r\nHost: other\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: app\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("CONNECT app:80 HTTP/1.1\r\nHost: app\r\n\r\n", 405),
        ("POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
    ] {
        let twice = format!("{text}GET /second HTTP/1.1\r\nHost: app\r\n\r\n");
        let response = router.ask(&twice).await;
        assert_eq!(status(&response), expected, "{text:?}");
        assert_eq!(response.matches("HTTP/1.1").count(), 1, "nothing after {text:?} is served");
    }
}

#[tokio::test]
async fn no_request_can_be_hidden_in_another() {
    let mut router = Router::start(short()).await;
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let see = std::sync::Arc::clone(&seen);
    let (address, _life) = dyno(move |mut stream| {
        let see = std::sync::Arc::clone(&see);
        async move {
            let head = read_head(&mut stream).await.expect("a request");
            see.lock().expect("no panic").push_str(&head);
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            stream.write_all(answer).await.expect("the router reads");
        }
    })
    .await;
    router.serve_by(&[address]).await;
    let hidden = "0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: app\r\n\r\n";
    for fields in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", hidden.len()),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", hidden.len()),
        format!("Content-Length: {}\r\nTransfer-Encoding:\tchunked\r\n", hidden.len()),
        format!("Content-Length: {}\r\ntransfer_encoding: chunked\r\n", hidden.len()),
        format!("Content-Length: {}\r\nConnection: Content-Length\r\n", hidden.len()),
        format!("Content-Length: {}\nTransfer-Encoding: chunked\n", hidden.len()),
    ] {
        router.ask(&format!("POST /shown HTTP/1.1\r\nHost: app\r\n{fields}\r\n{hidden}")).await;
    }
    // Whatever a dyno takes for a head must be one that the router made of a head of its own.
    let seen = seen.lock().expect("no panic").clone();
    assert!(!seen.to_lowercase().contains("transfer_encoding"), "{seen}");
    assert_eq!(seen.matches("POST /shown ").count(), 6);
    assert!(!seen.contains("/hidden"), "{seen}");
    for head in seen.split_terminator("\r\n\r\n") {
        let lower = head.to_lowercase();
        assert!(lower.contains("via: 1.1 hokku-router"), "{head}");
        assert!(!(lower.contains("content-length:") && lower.contains("transfer-encoding:")), "{head}");
    }
}
