//! Logs and outputs as they are read: over a real connection where it matters.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use model::log::{Line, Source};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wire::{Client, ClientError, LogSession, LogSessionRequest, Streaming};

use crate::fixture::now;
use crate::harness::{APP, Api, OWNER};

/// No wait here takes longer.
const AT_MOST: Duration = Duration::from_secs(10);

/// The API on a loopback port, and a client of it.
async fn serve(api: &Api) -> (Client, u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let routes = api::routes(api.cx.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await.expect("serves") });
    let client = Client::new(&format!("http://127.0.0.1:{port}"), Some(OWNER), "").expect("a client");
    (client, port, serving)
}

/// The same URL on the loopback port.
fn local(url: &str, port: u16) -> String {
    url.replace("https://localhost:5443", &format!("http://127.0.0.1:{port}"))
}

async fn session(client: &Client, tail: bool, lines: u32) -> String {
    let lines = Some(wire::Text(lines.to_string()));
    let asked = LogSessionRequest { lines, tail: Some(wire::Flag(tail)), ..LogSessionRequest::default() };
    let made: LogSession =
        client.post(&format!("/apps/{APP}/log-sessions"), &asked).await.expect("a session");
    made.logplex_url
}

/// Reads until `wanted` has come.
async fn read_until(stream: &mut Streaming, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let next = tokio::time::timeout(AT_MOST, stream.next()).await;
        let next = next.unwrap_or_else(|_| panic!("`{wanted}` did not come after {text:?}"));
        let chunk = next.expect("an unbroken stream").expect("more to come");
        text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
    }
    text
}

fn say(api: &Api, message: &str) {
    let line =
        Line { at: now(), source: Source::App, process: "web.1".to_owned(), message: message.to_owned() };
    api.cx.logs.append(api.running.app.id, line);
}

#[tokio::test]
async fn a_tail_shows_the_past_and_what_comes_and_ends_with_the_server() {
    let api = Api::start().await;
    let (client, port, serving) = serve(&api).await;
    let url = local(&session(&client, true, 1).await, port);
    let mut events = client.open(&url, "text/event-stream").await.expect("a tail");
    let past = read_until(&mut events, "\n\nid: 3\ndata: ").await;
    assert!(
        past.starts_with("retry: 1000\n\nid: 3\ndata: ") && past.contains("app[web.2]: GET /\n\n"),
        "{past}"
    );
    say(&api, "one more");
    let live = read_until(&mut events, "one more\n\n").await;
    assert!(live.contains("id: 4\ndata: "), "{live}");
    let mut lines = client.open(&url, "*/*").await.expect("plain lines");
    assert!(read_until(&mut lines, "\n").await.ends_with("app[web.1]: one more\n"));
    api.cx.stop.cancel();
    let end = tokio::time::timeout(AT_MOST, events.next()).await.expect("in time");
    assert_eq!(end.expect("an orderly end"), None);
    serving.abort();
}

#[tokio::test]
async fn a_reader_who_was_there_goes_on_after_the_url_s_time() {
    let api = Api::start().await;
    let path = format!("/apps/{APP}/log-sessions");
    let made = api.good(axum::http::Method::POST, &path, Some(json!({ "tail": false }))).await;
    let url = made["logplex_url"].as_str().expect("a URL");
    let path = url.strip_prefix("https://localhost:5443").expect("our own address").to_owned();
    let read = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    assert_eq!(api.send(read(&path)).await.status, StatusCode::OK);
    let (signed, _) = path.rsplit_once('.').expect("a signature");
    let (what, ends) = signed.rsplit_once('.').expect("an end");
    let later: u64 = ends.parse::<u64>().expect("seconds") + 1_000;
    let signature = path.rsplit_once('.').expect("a signature").1;
    let stretched = api.send(read(&format!("{what}.{later}.{signature}"))).await;
    assert_eq!(stretched.status, StatusCode::FORBIDDEN, "the end cannot be moved");
    for bad in
        ["/streams/log/x", "/streams/log/a.b.c", "/streams/output/x", &path.replace("/log/", "/output/")]
    {
        assert_eq!(api.send(read(bad)).await.status, StatusCode::FORBIDDEN, "{bad}");
    }
}

#[tokio::test]
async fn a_typed_client_reads_lists_and_refusals() {
    let api = Api::start().await;
    let (client, _, serving) = serve(&api).await;
    let releases: Vec<wire::Release> = client.list(&format!("/apps/{APP}/releases")).await.expect("releases");
    assert_eq!(releases.last().map(|release| release.version), Some(3));
    let app: wire::App = client
        .patch(
            &format!("/apps/{APP}"),
            &wire::AppChange { maintenance: Some(wire::Flag(true)), ..Default::default() },
        )
        .await
        .expect("changed");
    assert!(app.maintenance);
    let refused = client.get::<wire::App>("/apps/nothing").await;
    let Err(ClientError::Refused { status, error }) = refused else { panic!("{refused:?}") };
    assert_eq!((status.as_u16(), error.resource.as_deref()), (404, Some("app")));
    let nobody = client.open("http://127.0.0.1:1/x", "*/*").await;
    assert!(matches!(nobody, Err(ClientError::Connect { .. })));
    serving.abort();
}

#[tokio::test]
async fn a_build_s_output_is_waited_for_and_followed() {
    let api = Api::start().await;
    let (client, port, serving) = serve(&api).await;
    let source: wire::Source = client.post("/sources", &json!({})).await.expect("a source");
    let path = source.source_blob.put_url.strip_prefix("https://localhost:5443").expect("ours").to_owned();
    let put = Request::put(path).body(Body::from("tar")).expect("a request");
    assert_eq!(api.send(put).await.status, StatusCode::OK);
    let asked = json!({ "source_blob": { "url": source.source_blob.get_url } });
    let build: wire::Build = client.post(&format!("/apps/{APP}/builds"), &asked).await.expect("a build");
    let url = local(&build.output_stream_url, port);
    let reading = tokio::spawn(async move { client.open(&url, "*/*").await });
    let mut writer = api.cx.transcripts.writer(&format!("build-{}", build.id)).expect("a transcript");
    writer.append(b"-----> Building\n").expect("written");
    let mut output =
        tokio::time::timeout(AT_MOST, reading).await.expect("in time").expect("ran").expect("open");
    assert_eq!(read_until(&mut output, "\n").await, "-----> Building\n");
    writer.append(b"-----> Done\n").expect("written");
    writer.finish().expect("finished");
    assert_eq!(read_until(&mut output, "Done\n").await, "-----> Done\n");
    assert_eq!(output.next().await.expect("an orderly end"), None);
    serving.abort();
}
