//! Custom domains and certificates: with the official client, and with a real ACME authority.

use serde_json::{Value, json};

use crate::developer::Developer;
use crate::http::Client;
use crate::pebble::Pebble;
use crate::server::{Server, free_ports};
use crate::until::{PATIENCE, SOON, until, until_true};

const APP: &str = "shop";
const WWW: &str = "www.shop.test";
/// Its DNS entry points elsewhere, at first.
const ASTRAY: &str = "astray.shop.test";
const WILD: &str = "*.wild.test";

/// A server that gets certificates from `pebble`.
fn server(pebble: &Pebble, ports: [u16; 2], options: &[&str]) -> Server {
    let own = pebble.own_certificate();
    let directory = format!("--acme-directory={}", pebble.directory());
    let mut all = vec![directory.as_str(), "--acme-contact=owner@example.com"];
    all.extend(options);
    Server::start_in(ports, &[("SSL_CERT_FILE", own.to_str().expect("a plain path"))], &all)
}

fn domain(server: &Server, host: &str) -> Value {
    server.get(&format!("/apps/{APP}/domains/{host}"))
}

#[track_caller]
fn until_status(server: &Server, host: &str, status: &str) -> Value {
    until(&format!("the certificate of {host} is `{status}`"), PATIENCE, || {
        let seen = domain(server, host);
        (seen["acm_status"] == status).then_some(seen)
    })
}

#[test]
fn custom_domains_get_certificates_of_an_authority_and_keep_them() {
    let ports = free_ports::<2>();
    let pebble = Pebble::start(ports[0]);
    pebble.set_address(ASTRAY, "127.0.0.9");
    let mut server = server(&pebble, ports, &[]);
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer.add_remote(&server, APP);
    developer.push().ok();
    for host in [WWW, ASTRAY, WILD] {
        let said = developer.heroku(&["domains:add", host, "-a", APP]).ok().said();
        assert!(said.contains(".dns.localhost"), "{said}");
    }
    let hello = "hello from version 1";
    let plain = server.client().connect_plain(WWW).and_then(|mut it| it.send("GET", "/", &[], b""));
    assert!(plain.expect("served").text().starts_with(hello));
    let own = server.client().get("any.wild.test", "/");
    assert!(own.text().starts_with(hello), "until then with the platform's own");

    developer.heroku(&["certs:auto:enable", "-a", APP]).ok();
    until_status(&server, WWW, "cert issued");
    let astray = until_status(&server, ASTRAY, "failing");
    assert!(astray["acm_status_reason"].as_str().is_some_and(|why| !why.is_empty()), "{astray}");
    until_status(&server, WILD, "failed");
    let said = developer.heroku(&["certs:auto", "-a", APP]).ok().said();
    for text in
        ["enabled on shop", "Renewal scheduled", "Pebble Intermediate", "Cert issued", "Failing", "Failed"]
    {
        assert!(said.contains(text), "no {text}: {said}");
    }
    let visitor = Client::trusting(server.port(), &pebble.root());
    assert!(visitor.get(WWW, "/").text().starts_with(hello));
    assert!(visitor.try_get(ASTRAY, "/").is_err());

    pebble.reset_address(ASTRAY);
    developer.heroku(&["certs:auto:refresh", "-a", APP]).ok();
    until_status(&server, ASTRAY, "cert issued");
    until_true("it is shown", PATIENCE, || visitor.try_get(ASTRAY, "/").is_ok());

    let before = server.get(&format!("/apps/{APP}/sni-endpoints"));
    server.kill();
    assert!(visitor.get(WWW, "/").text().starts_with(hello), "the router goes on");
    server.start_again();
    assert_eq!(server.get(&format!("/apps/{APP}/sni-endpoints")), before, "nothing is ordered twice");
    misdirected(&server, &visitor);
    own_certificate(&server, &developer, &pebble.root());
    developer.heroku(&["certs:auto:disable", "--confirm", APP, "-a", APP]).ok();
    developer.heroku(&["domains:clear", "-a", APP]).ok();
    assert_eq!(server.get(&format!("/apps/{APP}/domains")).as_array().map(Vec::len), Some(1));
    assert_eq!(server.get(&format!("/apps/{APP}/sni-endpoints")), json!([]));
}

/// A connection that was opened for one app is no way to another; an unknown name gets the platform's certificate.
fn misdirected(server: &Server, visitor: &Client) {
    server.change("POST", "/apps", &json!({ "name": "other" }));
    until_true("a blank app (H81), with its certificate", SOON, || {
        server.client().try_get("other.localhost", "/").is_ok_and(|it| it.status == 502)
    });
    let mut connection = visitor.connect(WWW).expect("a good certificate");
    connection.write(b"GET / HTTP/1.1\r\nHost: other.localhost\r\nUser-Agent: test\r\n\r\n").expect("sent");
    assert_eq!(connection.head().expect("an answer").0, 421);
    server.until_logged("other", &["code=H31", "status=421"]);
    let unknown = server.client().try_get("nobody.test", "/");
    let error = unknown.expect_err("no certificate is for that").to_string();
    assert!(error.contains("not valid for name"), "{error}");
}

/// What a user brings has precedence, and goes again.
fn own_certificate(server: &Server, developer: &Developer, root: &[u8]) {
    let made = rcgen::generate_simple_self_signed([WWW.to_owned()]).expect("a certificate");
    developer.write("own.crt", &made.cert.pem());
    developer.write("own.key", &made.signing_key.serialize_pem());
    let mut terminal = developer.heroku_in_terminal(&["certs:add", "own.crt", "own.key", "-a", APP]);
    terminal.until_it_shows("Select domains");
    terminal.press(" \r");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("SSL certificate is self signed."), "{screen}");
    // A new client each time: one that was here before would resume its session, and be shown no certificate.
    let shown = |root: &[u8]| {
        Client::trusting(server.port(), root).try_get(WWW, "/").is_ok_and(|it| it.status == 200)
    };
    until_true("the user's certificate is shown", PATIENCE, || shown(made.cert.pem().as_bytes()));
    assert!(!shown(root));
    let name = domain(server, WWW)["sni_endpoint"]["name"].as_str().expect("a name").to_owned();
    let said = developer.heroku(&["certs:info", "--name", &name, "--show-domains", "-a", APP]).ok().said();
    assert!(said.contains(WWW), "{said}");
    developer.heroku(&["certs:remove", "--name", &name, "--confirm", APP, "-a", APP]).ok();
    until_status(server, WWW, "cert issued");
    until_true("the authority's certificate is shown again", PATIENCE, || shown(root));
}

#[test]
fn hosts_under_a_public_domain_get_certificates_by_themselves() {
    let ports = free_ports::<2>();
    let pebble = Pebble::start(ports[0]);
    let server = server(&pebble, ports, &["--domain=hokku.test"]);
    let visitor = Client::trusting(server.port(), &pebble.root());
    let until_served = |host: &str| {
        until(&format!("{host} has its certificate"), PATIENCE, || visitor.try_get(host, "/").ok())
    };
    for host in ["api.hokku.test", "git.hokku.test", "dashboard.hokku.test"] {
        until_served(host);
    }
    let ask = |method: &str, path: &str, body: &Value| {
        let token = format!("Bearer {}", server.token());
        let headers = [
            ("Accept", "application/vnd.heroku+json; version=3"),
            ("Authorization", token.as_str()),
            ("Connection", "close"),
        ];
        let mut connection = visitor.connect("api.hokku.test").expect("a good certificate");
        let answer = connection.send(method, path, &headers, body.to_string().as_bytes()).expect("an answer");
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
        answer.json()
    };
    let made = ask("POST", "/apps", &json!({ "name": APP }));
    assert_eq!(made["acm"], false, "it is for custom domains");
    assert_eq!(until_served("shop.hokku.test").status, 502, "nothing is deployed");
    ask("PATCH", &format!("/apps/{APP}"), &json!({ "name": "store" }));
    until_served("store.hokku.test");
}
