//! The client over TLS, against a server that writes its answers byte by byte.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{BadClient, Client, ClientError};
use crate::{Ref, Release};

/// Serves these answers, one per connection; gives the requests back.
struct Scripted {
    url: String,
    ca_pem: String,
    serving: tokio::task::JoinHandle<Vec<String>>,
}

/// A listener that speaks TLS, and the certificate to trust.
async fn tls() -> (TcpListener, TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a server");
    let listener = TcpListener::bind("localhost:0").await.expect("a port");
    (listener, TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

async fn scripted(answers: Vec<&'static str>) -> Scripted {
    let (listener, acceptor, ca_pem) = tls().await;
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (tcp, _) = listener.accept().await.expect("a client");
            // A client that does not trust us ends here.
            let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let mut byte = [0];
                tls.read_exact(&mut byte).await.expect("a whole head");
                request.push(byte[0]);
            }
            requests.push(String::from_utf8(request).expect("text"));
            tls.write_all(answer.as_bytes()).await.expect("written");
            tls.shutdown().await.expect("closed");
        }
        requests
    });
    Scripted { url: format!("https://localhost:{port}"), ca_pem, serving }
}

#[tokio::test]
async fn a_list_is_read_over_tls_to_its_last_page() {
    let server = scripted(vec![
        "HTTP/1.1 206 Partial Content\r\nNext-Range: id ]1..; max=1\r\nContent-Length: 23\r\n\r\n[{\"id\":\"1\",\"name\":\"a\"}]",
        "HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n[{\"id\":\"2\",\"name\":\"b\"}]",
    ])
    .await;
    let client = Client::new(&server.url, Some("secret"), &server.ca_pem).expect("a client");
    let list: Vec<Ref> = client.list("/things").await.expect("both pages");
    assert_eq!(list.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let requests = server.serving.await.expect("served");
    assert!(requests[0].starts_with("GET /things HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("authorization: Bearer secret\r\n"));
    assert!(requests[0].contains("accept: application/vnd.heroku+json; version=3\r\n"));
    assert!(requests[1].contains("range: id ]1..; max=1\r\n"), "{}", requests[1]);
    assert!(!format!("{client:?}").contains("secret"));
}

#[tokio::test]
async fn a_server_is_trusted_by_its_certificate_only() {
    let server = scripted(vec![""]).await;
    let client = Client::new(&server.url, None, "").expect("a client");
    let answer = client.get::<Ref>("/x").await;
    assert!(matches!(answer, Err(ClientError::Connect { .. })), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_is_no_api_s_is_told_as_such() {
    let html = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>";
    let server = scripted(vec![html, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "nonsense"]).await;
    let client = Client::new(&server.url, None, &server.ca_pem).expect("a client");
    let gateway = client.get::<Ref>("/x").await;
    assert!(
        matches!(&gateway, Err(ClientError::Unexpected { status, .. }) if status.as_u16() == 502),
        "{gateway:?}"
    );
    let other = client.get::<Release>("/x").await;
    assert!(matches!(other, Err(ClientError::Unexpected { .. })), "{other:?}");
    let broken = client.get::<Ref>("/x").await;
    assert!(matches!(broken, Err(ClientError::Broken { .. })), "{broken:?}");
    assert!(matches!(client.get::<Ref>("no path").await, Err(ClientError::Request { .. })));
}

#[tokio::test]
async fn a_dyno_s_bytes_begin_after_the_server_s_line() {
    let server = rendezvous(b"rendezvous\r\nhello").await;
    let client = Client::new("https://localhost:1", None, &server.ca_pem).expect("a client");
    let mut dyno = client.attach(&format!("{}/se-cret", server.url)).await.expect("attached");
    dyno.input.write_all(b"typed").await.expect("sent");
    dyno.input.shutdown().await.expect("closed");
    let mut output = Vec::new();
    dyno.output.read_to_end(&mut output).await.expect("whole");
    assert_eq!(output, b"hello");
    assert_eq!(server.serving.await.expect("served"), ["se-cret\r\ntyped"]);
}

#[tokio::test]
async fn a_dyno_that_is_gone_is_told_in_the_server_s_words() {
    for (says, told) in
        [(b"No such rendezvous.\r\n".as_slice(), "No such rendezvous."), (b"", "closed the connection")]
    {
        let server = rendezvous(says).await;
        let client = Client::new("https://localhost:1", None, &server.ca_pem).expect("a client");
        let refused = client.attach(&server.url).await.expect_err("nobody is there");
        assert!(refused.to_string().contains(told), "{refused}");
    }
}

/// Greets one client and gives back all it sent.
async fn rendezvous(says: &'static [u8]) -> Scripted {
    let (listener, acceptor, ca_pem) = tls().await;
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.expect("a client");
        let mut tls = acceptor.accept(tcp).await.expect("trust");
        tls.write_all(says).await.expect("written");
        tls.shutdown().await.expect("closed");
        let mut sent = String::new();
        // A client that was refused does not say goodbye.
        let _ = tls.read_to_string(&mut sent).await;
        vec![sent]
    });
    Scripted { url: format!("rendezvous://localhost:{port}"), ca_pem, serving }
}

#[tokio::test]
async fn a_password_goes_as_basic_credentials() {
    let server =
        scripted(vec!["HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"id\":\"1\",\"name\":\"a\"} "]).await;
    let client = Client::new(&server.url, Some("token"), &server.ca_pem).expect("a client");
    let client = client.with_password("a@b.c", "pa:ss");
    client.get::<Ref>("/x").await.expect("let in");
    let requests = server.serving.await.expect("served");
    assert!(requests[0].contains("authorization: Basic YUBiLmM6cGE6c3M=\r\n"), "{}", requests[0]);
}

#[test]
fn an_address_must_be_a_url() {
    for bad in ["localhost:5443", "ftp://localhost", "", "https://"] {
        assert!(matches!(Client::new(bad, None, ""), Err(BadClient::Url { .. })), "{bad}");
    }
}

#[tokio::test]
async fn behind_a_socket_every_url_leads_to_it() {
    let dir = std::env::temp_dir().join(format!("wire-{}-{:p}", std::process::id(), &PATHS));
    let listener = tokio::net::UnixListener::bind(&dir).expect("a socket");
    let serving = tokio::spawn(async move {
        let mut requests = Vec::new();
        for _ in PATHS {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.expect("a head");
            requests.push(String::from_utf8_lossy(&request[..read]).into_owned());
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"id\":\"1\",\"name\":\"a\"}";
            stream.write_all(answer).await.expect("written");
        }
        requests
    });
    let client = Client::new("https://api.example.com", None, "").expect("a client");
    let client = client.at_socket(&dir).with_token("secret");
    client.get::<Ref>(PATHS[0]).await.expect("answered");
    let url = format!("https://api.example.com{}", PATHS[1]);
    client.open(&url, "text/plain").await.expect("answered");
    let requests = serving.await.expect("served");
    std::fs::remove_file(&dir).expect("the socket's file");
    assert!(requests[0].contains("host: api.example.com\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("authorization: Bearer secret\r\n"));
    assert!(requests[1].starts_with("GET /streams/x HTTP/1.1\r\n"), "{}", requests[1]);
    assert!(!requests[1].contains("secret"));
}

static PATHS: [&str; 2] = ["/things", "/streams/x"];
