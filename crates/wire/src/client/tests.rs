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

async fn scripted(answers: Vec<&'static str>) -> Scripted {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("localhost:0").await.expect("a port");
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
    Scripted { url: format!("https://localhost:{port}"), ca_pem: made.cert.pem(), serving }
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

#[test]
fn an_address_must_be_a_url() {
    for bad in ["localhost:5443", "ftp://localhost", "", "https://"] {
        assert!(matches!(Client::new(bad, None, ""), Err(BadClient::Url { .. })), "{bad}");
    }
}
