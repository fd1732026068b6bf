//! Upgraded connections.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Router, answers, dyno, fields, read_head, read_to_end, short};

const UPGRADE: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: app\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";

async fn echoing() -> (std::net::SocketAddr, tokio::task::JoinSet<()>) {
    dyno(|mut stream| async move {
        let head = read_head(&mut stream).await.expect("a request");
        assert!(
            head.contains("Connection: Upgrade\r\n") && head.contains("Upgrade: websocket\r\n"),
            "{head}"
        );
        // The first bytes come with the head, as they may.
        let answer =
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello ";
        stream.write_all(answer).await.expect("the router reads");
        let (mut reader, mut writer) = stream.split();
        // It ends when the client does.
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        writer.write_all(b"bye").await.expect("the router reads");
    })
    .await
}

#[tokio::test]
async fn bytes_pass_both_ways_until_both_sides_end() {
    let mut router = Router::start(short()).await;
    let (address, _life) = echoing().await;
    router.serve_by(&[address]).await;
    let mut client = router.connect().await;
    // Eager clients send before they are answered.
    client.write_all(&[UPGRADE, b"early "].concat()).await.expect("the router reads");
    let head = read_head(&mut client).await.expect("an answer");
    assert!(
        head.starts_with("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    );
    let mut greeting = [0; 12];
    client.read_exact(&mut greeting).await.expect("both sides' first bytes");
    assert_eq!(&greeting, b"hello early ");
    let message = vec![b'x'; 300_000];
    let (mut reader, mut writer) = client.split();
    let send = async {
        writer.write_all(&message).await.expect("the router reads");
        writer.shutdown().await.expect("one side may end first");
    };
    let (rest, ()) = tokio::join!(read_to_end(&mut reader), send);
    assert_eq!(rest.len(), message.len() + "bye".len());
    assert!(rest.ends_with("xbye"));
    let line = fields(&router.line("/chat").await);
    assert_eq!((line["status"].as_str(), line["at"].as_str()), ("101", "info"));
}

#[tokio::test]
async fn silence_ends_it() {
    let mut router = Router::start(short()).await;
    let (address, _life) = echoing().await;
    router.serve_by(&[address]).await;
    let mut client = router.connect().await;
    client.write_all(UPGRADE).await.expect("the router reads");
    assert!(read_to_end(&mut client).await.ends_with("hello "));
    let line = router.line("/chat").await;
    assert!(line.starts_with("at=error code=H15 desc=\"Idle connection\""), "{line}");
}

#[tokio::test]
async fn a_dyno_may_decline_and_must_not_upgrade_unasked() {
    let mut router = Router::start(short()).await;
    let (declines, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", false).await;
    router.serve_by(&[declines]).await;
    let mut client = router.connect().await;
    let again = b"GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n";
    client.write_all(&[UPGRADE, again].concat()).await.expect("the router reads");
    assert_eq!(read_to_end(&mut client).await.matches("HTTP/1.1 200 OK").count(), 2);

    let (eager, _life) = answers("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", false).await;
    router.serve_by(&[eager]).await;
    assert!(router.get("/unasked").await.starts_with("HTTP/1.1 503"));
    assert!(router.line("/unasked").await.starts_with("at=error code=H17"));
}
