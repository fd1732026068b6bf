use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use model::config_var::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{FetchError, Fetcher, Progress};
use crate::fixture::Guide;

/// A server that says this to everybody; its address.
async fn says(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            let _written = stream.write_all(answer.replace("PORT", &port.to_string()).as_bytes()).await;
        }
    });
    format!("http://127.0.0.1:{port}/dump?signature=secret")
}

async fn fetch(guide: Guide, url: &str) -> Result<Vec<u8>, FetchError> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("dump");
    let file = fs::File::create(&path).expect("a file");
    let fetcher = Fetcher::new(Arc::new(guide)).expect("a client");
    fetcher.fetch(&Secret::from(url), file, &Progress::default()).await?;
    Ok(fs::read(&path).expect("written"))
}

#[tokio::test]
async fn what_is_whole_is_taken_and_everything_else_refused_in_words() {
    let whole = says("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nPGDMP").await;
    assert_eq!(fetch(Guide::ANYWHERE, &whole).await.expect("fetched"), b"PGDMP");
    let error = |result: Result<Vec<u8>, FetchError>| {
        let text = result.expect_err("refused").to_string();
        assert!(!text.contains("secret"), "{text}");
        text
    };
    let half = says("HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nPGDMP").await;
    assert!(error(fetch(Guide::ANYWHERE, &half).await).contains("does not answer as it should"));
    let denied = says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    assert_eq!(error(fetch(Guide::ANYWHERE, &denied).await), "the server answered 403 Forbidden");
    let endless =
        says("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:PORT/x\r\nconnection: close\r\n\r\n").await;
    assert!(error(fetch(Guide::ANYWHERE, &endless).await).contains("too many redirects"));
    assert!(error(fetch(Guide::ANYWHERE, "http://127.0.0.1:1/x").await).contains("refused"));
    assert!(matches!(fetch(Guide::ANYWHERE, "file:///etc/passwd").await, Err(FetchError::Address)));
}

/// Knows one name, which nobody else knows, and lets nobody else be asked.
const TO_A_FRIEND: Guide =
    Guide(|host| (host == "friend.example").then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)));

#[tokio::test]
async fn only_the_guide_tells_where_a_host_is() {
    let whole = says("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nPGDMP").await;
    let friend = whole.replace("127.0.0.1", "friend.example");
    assert_eq!(fetch(TO_A_FRIEND, &friend).await.expect("fetched"), b"PGDMP");
    let sent_on = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:PORT/x\r\nconnection: close\r\n\r\n";
    let sent_on = says(sent_on).await.replace("127.0.0.1", "friend.example");
    for url in [
        whole.clone(),
        whole.replace("127.0.0.1", "localhost"),
        whole.replace("127.0.0.1", "[::1]"),
        whole.replace("127.0.0.1", "2130706433"),
        sent_on,
    ] {
        let refused = fetch(TO_A_FRIEND, &url).await;
        assert!(matches!(refused, Err(FetchError::Forbidden)), "{url}: {refused:?}");
    }
    let fetcher = Fetcher::new(Arc::new(TO_A_FRIEND)).expect("a client");
    assert_eq!(fetcher.find("friend.example", 1).await.expect("found"), IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert!(matches!(fetcher.find("localhost", 1).await, Err(FetchError::Forbidden)));
}
