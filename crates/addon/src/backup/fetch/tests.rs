use std::fs;

use model::config_var::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{FetchError, Fetcher, Progress, Reachable, may_ask};

#[test]
fn a_platform_for_others_fetches_from_the_internet_alone() {
    for (address, beside, public) in [
        ("8.8.8.8", true, true),
        ("2606:4700::1111", true, true),
        ("10.213.0.1", true, false),
        ("192.168.1.1", true, false),
        ("172.16.0.1", true, false),
        ("100.64.0.1", true, false),
        ("fd00::1", true, false),
        ("64:ff9b::7f00:1", true, false),
        ("127.0.0.1", false, false),
        ("::1", false, false),
        ("::ffff:127.0.0.1", false, false),
        ("169.254.169.254", false, false),
        ("fe80::1", false, false),
        ("0.0.0.0", false, false),
        ("224.0.0.1", false, false),
    ] {
        let address = address.parse().expect("an address");
        assert_eq!(may_ask(address, Reachable::NotThisMachine), beside, "{address}");
        assert_eq!(may_ask(address, Reachable::Public), public, "{address}");
        assert!(may_ask(address, Reachable::All));
    }
}

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

async fn fetch(reachable: Reachable, url: &str) -> Result<Vec<u8>, FetchError> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("dump");
    let file = fs::File::create(&path).expect("a file");
    let fetcher = Fetcher::new(reachable).expect("a client");
    fetcher.fetch(&Secret::from(url), file, &Progress::default()).await?;
    Ok(fs::read(&path).expect("written"))
}

#[tokio::test]
async fn what_is_whole_is_taken_and_everything_else_refused_in_words() {
    let whole = says("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nPGDMP").await;
    assert_eq!(fetch(Reachable::All, &whole).await.expect("fetched"), b"PGDMP");
    let error = |result: Result<Vec<u8>, FetchError>| {
        let text = result.expect_err("refused").to_string();
        assert!(!text.contains("secret"), "{text}");
        text
    };
    let half = says("HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nPGDMP").await;
    assert!(error(fetch(Reachable::All, &half).await).contains("does not answer as it should"));
    let denied = says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    assert_eq!(error(fetch(Reachable::All, &denied).await), "the server answered 403 Forbidden");
    let endless =
        says("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:PORT/x\r\nconnection: close\r\n\r\n").await;
    assert!(error(fetch(Reachable::All, &endless).await).contains("too many redirects"));
    assert!(error(fetch(Reachable::All, "http://127.0.0.1:1/x").await).contains("refused"));
    assert!(matches!(fetch(Reachable::All, "file:///etc/passwd").await, Err(FetchError::Address)));
}

#[tokio::test]
async fn no_name_leads_to_this_machine() {
    let whole = says("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nPGDMP").await;
    for url in [whole.clone(), whole.replace("127.0.0.1", "localhost"), whole.replace("127.0.0.1", "[::1]")] {
        let refused = fetch(Reachable::NotThisMachine, &url).await;
        assert!(matches!(refused, Err(FetchError::Forbidden)), "{url}: {refused:?}");
    }
}
