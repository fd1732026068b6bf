//! The protocol's edges: who is let in, and what rubbish gets.

use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use store::StoreError;
use tower::ServiceExt;

use crate::server::{READERS_TOKEN, STRANGERS_TOKEN, Server, TOKEN};
use crate::work::{Work, noise};

fn basic(token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("any:{token}")))
}

async fn send(server: &Server, request: Request<Body>) -> (StatusCode, String, String) {
    let response = git::routes(server.context.clone()).oneshot(request).await.expect("an answer");
    let (head, body) = response.into_parts();
    let challenge =
        head.headers.get("www-authenticate").map_or("", |value| value.to_str().unwrap_or("?")).to_owned();
    let bytes = to_bytes(body, 1 << 20).await.unwrap_or_default();
    (head.status, challenge, String::from_utf8_lossy(&bytes).into_owned())
}

fn get(path: &str, token: Option<&str>) -> Request<Body> {
    let request = Request::get(path);
    let request = match token {
        Some(token) => request.header("authorization", basic(token)),
        None => request,
    };
    request.body(Body::empty()).expect("a request")
}

fn post(service: &str, headers: &[(&str, &str)], body: &[u8]) -> Request<Body> {
    let mut request = Request::post(format!("/demo.git/{service}"))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", format!("application/x-{service}-request"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_vec())).expect("a request")
}

#[tokio::test]
async fn only_the_owner_is_let_in() {
    let server = Server::start().await;
    let path = "/demo.git/info/refs?service=git-receive-pack";
    for token in [None, Some("wrong")] {
        let (status, challenge, text) = send(&server, get(path, token)).await;
        assert_eq!((status, challenge.as_str()), (StatusCode::UNAUTHORIZED, "Basic realm=\"Hokku\""));
        assert!(
            text.starts_with("! \tWARNING:\n! \tDo not authenticate with username and password"),
            "{text}"
        );
    }
    let (status, _, text) = send(&server, get(path, Some(STRANGERS_TOKEN))).await;
    assert_eq!((status, text.as_str()), (StatusCode::NOT_FOUND, "!\tNo such app as demo.\n"));
    let unknown = "/no-app%1b.git/info/refs?service=git-receive-pack";
    let (status, _, text) = send(&server, get(unknown, Some(TOKEN))).await;
    assert_eq!((status, text.as_str()), (StatusCode::NOT_FOUND, "!\tNo such app as no-app.\n"));
    let (status, _, text) = send(&server, get(path, Some(TOKEN))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.starts_with("001f# service=git-receive-pack\n0000"), "{text}");
    for path in ["/demo.git/info/refs", "/demo.git/info/refs?service=git-evil"] {
        assert_eq!(send(&server, get(path, Some(TOKEN))).await.0, StatusCode::FORBIDDEN);
    }
    for path in ["/demo.git/git-upload-pack", "/demo.git/git-receive-pack"] {
        let request = Request::post(path).body(Body::empty()).expect("a request");
        assert_eq!(send(&server, request).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_collaborator_works_as_far_as_the_token_goes() {
    let server = Server::start().await;
    let ask = |service: &str| get(&format!("/demo.git/info/refs?service={service}"), Some(READERS_TOKEN));
    assert_eq!(send(&server, ask("git-upload-pack")).await.0, StatusCode::OK);
    let (status, _, text) = send(&server, ask("git-receive-pack")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.starts_with("!\tThis token may not do that: it needs the scope write."), "{text}");
    let push = Request::post("/demo.git/git-receive-pack")
        .header("authorization", basic(READERS_TOKEN))
        .header("content-type", "application/x-git-receive-pack-request");
    let push = push.body(Body::from("0000")).expect("a request");
    assert_eq!(send(&server, push).await.0, StatusCode::FORBIDDEN);
    let app = server.app.id;
    let joe = "joe@example.com".parse().expect("an address");
    let added = server.store.write(move |tx| {
        let joe = tx.account_by_email(&joe)?.ok_or(StoreError::Missing { what: "account" })?;
        tx.add_collaborator(app, joe.id)
    });
    added.await.expect("added");
    let path = "/demo.git/info/refs?service=git-receive-pack";
    assert_eq!(send(&server, get(path, Some(STRANGERS_TOKEN))).await.0, StatusCode::OK);
}

#[tokio::test]
async fn git_shows_why_it_was_not_let_in() {
    let (server, work) = (Server::start().await, Work::new().await);
    let ran = work.try_git(&["push", &server.url_as(TOKEN, "nothing"), "main"]).await;
    assert!(!ran.ok && ran.said.contains("!\tNo such app as nothing.\n"), "{}", ran.said);
    let ran = work.try_git(&["push", &server.url_as("wrong", "demo"), "main"]).await;
    assert!(!ran.ok && ran.said.contains("Authentication failed"), "{}", ran.said);
    assert!(ran.said.contains("! \tRun `hokku login`"), "{}", ran.said);
    assert!(!server.repo().exists(), "nothing was made for it");
}

#[tokio::test]
async fn rubbish_is_answered_and_leaves_nothing() {
    let server = Server::start().await;
    for service in ["git-receive-pack", "git-upload-pack"] {
        // Git's probe before a large push.
        assert_eq!(send(&server, post(service, &[], b"0000")).await.0, StatusCode::OK);
        for body in [&b""[..], b"rubbish", b"ffff", &[0; 70_000]] {
            assert_eq!(send(&server, post(service, &[], body)).await.0, StatusCode::OK);
            // Broken off within the answer, whose head is out already.
            send(&server, post(service, &[("content-encoding", "gzip")], body)).await;
        }
        let request = post(service, &[("content-encoding", "br")], b"0000");
        assert_eq!(send(&server, request).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let mut request = post(service, &[], b"0000");
        request.headers_mut().insert("content-type", "text/plain".parse().expect("a value"));
        assert_eq!(send(&server, request).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let refs = std::fs::read_dir(server.repo().join("refs/heads")).expect("a folder").count();
    assert_eq!(refs, 0);
}

#[tokio::test]
async fn a_pack_over_the_limit_is_refused_in_words() {
    let limits = git::Limits { pack_bytes: 2 << 20, ..git::Limits::default() };
    let (server, work) = (Server::start_with(limits).await, Work::new().await);
    let bytes = noise(3 << 20);
    work.commit("noise", &bytes).await;
    let ran = work.try_git(&["push", &server.url(), "main"]).await;
    assert!(!ran.ok && ran.said.contains("pack exceeds maximum allowed size"), "{}", ran.said);
    // Far over it the connection is cut.
    let bytes = noise(9 << 20);
    work.commit("noise", &bytes).await;
    let ran = work.try_git(&["push", &server.url(), "main"]).await;
    assert!(!ran.ok, "{}", ran.said);
    assert_eq!(server.branch("main"), None);
    let objects = server.repo().join("objects");
    let quarantines = || {
        let entries = std::fs::read_dir(&objects).expect("a folder").flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("tmp_objdir")).count()
    };
    server.until("no quarantine is left", || quarantines() == 0).await;
}

#[tokio::test]
async fn a_server_with_too_much_to_do_says_so() {
    let limits = git::Limits { fetches: 0, ..git::Limits::default() };
    let server = Server::start_with(limits).await;
    let request = get("/demo.git/info/refs?service=git-upload-pack", Some(TOKEN));
    let (status, _, text) = send(&server, request).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.starts_with("!\tThe server is busy"), "{text}");
}
