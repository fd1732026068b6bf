//! TLS and plain HTTP on one port.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Router, answers, certificate, read_to_end, route, serving, short, status};

fn trusting(router: &Router, sni: bool) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in &router.table.certificates {
        let der = CertificateDer::from_pem_slice(certificate.chain_pem.as_bytes()).expect("our own PEM");
        roots.add(der).expect("our own certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.enable_sni = sni;
    config
}

/// A connection whose certificate must be good for `name`.
async fn connect(router: &Router, name: &str, sni: bool) -> std::io::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(trusting(router, sni)));
    connector.connect(ServerName::try_from(name.to_owned()).expect("a name"), router.connect().await).await
}

async fn get(router: &Router, name: &str, host: &str, path: &str) -> String {
    let mut stream = connect(router, name, true).await.expect("a good certificate");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the router reads");
    read_to_end(&mut stream).await
}

#[tokio::test]
async fn one_port_answers_both_and_each_name_has_its_certificate() {
    let mut router = Router::start(short()).await;
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    let hosts: [&[&str]; 3] = [&["first.example"], &["a.example.com"], &["*.example.com"]];
    router.table.certificates = hosts.map(certificate).into();
    for host in ["app", "first.example", "a.example.com", "b.example.com"] {
        router.table.routes.insert(host.into(), route(serving(&[address])));
    }
    router.publish().await;

    for name in ["first.example", "a.example.com", "b.example.com"] {
        assert_eq!(status(&get(&router, name, name, &format!("/{name}")).await), 200);
        let line = router.line(&format!("/{name}")).await;
        assert!(line.ends_with(" protocol=http1.1 tls=true tls_version=tls1.3"), "{line}");
    }
    assert_eq!(status(&router.get("/plain").await), 200);
    assert!(router.line("/plain").await.ends_with(" protocol=http1.1 tls=false"));

    // Without a name the first certificate is shown; a name nobody has gets it too, and does not trust it.
    connect(&router, "first.example", false).await.expect("the first certificate");
    assert!(connect(&router, "elsewhere.example", true).await.is_err());
}

#[tokio::test]
async fn a_new_certificate_is_used_at_once() {
    let mut router = Router::start(short()).await;
    router.table.certificates = vec![certificate(&["old.example"])];
    router.publish().await;
    connect(&router, "old.example", true).await.expect("the certificate published");
    router.table.certificates = vec![certificate(&["new.example"])];
    router.publish().await;
    connect(&router, "new.example", true).await.expect("the certificate published last");
}

#[tokio::test]
async fn a_connection_for_one_app_is_not_used_for_another() {
    let mut router = Router::start(short()).await;
    router.table.certificates = vec![certificate(&["a.example", "b.example"])];
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    router.table.routes.insert("a.example".into(), route(serving(&[address])));
    let mut other = route(serving(&[address]));
    other.app_id = model::id::AppId::from_u128(2);
    router.table.routes.insert("b.example".into(), other);
    router.publish().await;
    assert_eq!(status(&get(&router, "a.example", "a.example", "/same").await), 200);
    assert_eq!(status(&get(&router, "a.example", "b.example", "/other").await), 421);
    let line = router.line("/other").await;
    assert!(
        line.starts_with("at=error code=H31 desc=\"Misdirected Request\" agent=\"test\" method=GET"),
        "{line}"
    );
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut_off() {
    let mut router = Router::start(short()).await;
    router.table.certificates = vec![certificate(&["a.example"])];
    router.publish().await;
    let mut stalled = router.connect().await;
    stalled.write_all(&[0x16, 0x03, 0x01]).await.expect("the router reads");
    assert_eq!(read_to_end(&mut stalled).await, "");
    let mut garbled = router.connect().await;
    garbled.write_all(&[0x16; 200]).await.expect("the router reads");
    assert!(!read_to_end(&mut garbled).await.contains("HTTP"));
}

#[tokio::test]
async fn large_bodies_pass_through_tls() {
    const SIZE: usize = 5_000_000;
    let mut router = Router::start(crate::support::Limits::default()).await;
    router.table.certificates = vec![certificate(&["a.example"])];
    let (address, _life) = crate::exchange::echo().await;
    router.table.routes.insert("a.example".into(), route(serving(&[address])));
    router.publish().await;
    let mut stream = connect(&router, "a.example", true).await.expect("a good certificate");
    let head =
        format!("POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: {SIZE}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("the router reads");
    let (mut reader, mut writer) = tokio::io::split(stream);
    let body: Vec<u8> = (0..SIZE).map(|at| b'a' + (at % 23) as u8).collect();
    let sent = body.clone();
    let (received, written) =
        tokio::join!(read_to_end(&mut reader), async move { writer.write_all(&sent).await.map(|()| writer) });
    written.expect("the router reads all");
    let (_, echoed) = received.split_once("\r\n\r\n").expect("a whole head");
    assert!(echoed.as_bytes() == body, "{} of {SIZE} bytes came back", echoed.len());
}

#[tokio::test]
async fn a_new_certificate_is_used_at_the_next_handshake_and_no_connection_is_dropped() {
    let mut router = Router::start(short()).await;
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    router.table.routes.insert("a.example.com".into(), route(serving(&[address])));
    router.table.certificates = vec![certificate(&["a.example.com"])];
    router.publish().await;
    let mut kept = connect(&router, "a.example.com", true).await.expect("a good certificate");
    let request = b"GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n";
    let mut answer = [0; 12];
    for renewed in [false, true] {
        if renewed {
            router.table.certificates = vec![certificate(&["a.example.com"])];
            router.publish().await;
            // Verified against the new certificate alone.
            assert_eq!(status(&get(&router, "a.example.com", "a.example.com", "/new").await), 200);
        }
        kept.write_all(request).await.expect("the connection lives");
        let mut text = String::new();
        while !text.ends_with("\r\n\r\nok") {
            let read = kept.read(&mut answer).await.expect("the connection lives");
            assert_ne!(read, 0, "the router closed the connection after {text:?}");
            text.push_str(&String::from_utf8_lossy(&answer[..read]));
        }
        assert_eq!(status(&text), 200);
    }
}

#[tokio::test]
async fn a_certificate_authority_is_answered_for_every_host_and_only_at_its_token() {
    let mut router = Router::start(short()).await;
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\napp", false).await;
    let mut in_maintenance = route(serving(&[address]));
    in_maintenance.maintenance = true;
    router.table.routes.insert("app".into(), route(serving(&[address])));
    router.table.routes.insert("away.example.com".into(), in_maintenance);
    router.table.challenges.insert("token-1".into(), "token-1.thumb".into());
    router.publish().await;
    for host in ["app", "away.example.com", "nobody.example.com"] {
        let request = format!(
            "GET /.well-known/acme-challenge/token-1 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = router.connect().await;
        stream.write_all(request.as_bytes()).await.expect("the router reads");
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\ntoken-1.thumb"), "{host}: {answer}");
    }
    // An app may run a client of its own.
    let other = router.get("/.well-known/acme-challenge/token-2").await;
    assert!(other.ends_with("app"), "{other}");
    router.table.challenges.clear();
    router.publish().await;
    let over = router.get("/.well-known/acme-challenge/token-1").await;
    assert!(over.ends_with("app"), "{over}");
}
