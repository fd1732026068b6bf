//! `heroku login`: the command line on one side, a browser on the other.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;

use crate::browser::{Answer, OWNER, Site, send};
use crate::fixture::PASSWORD;

struct Started {
    browser_url: String,
    cli_url: String,
    token: String,
}

async fn start(site: &Site) -> Started {
    let request = Request::post("/auth").header("content-type", "application/json");
    let request = request.header("x-forwarded-for", "10.0.0.1, 192.0.2.7");
    let body = r#"{"description":"Heroku CLI login from <b>laptop</b>"}"#;
    let answer = send(&site.routes.login, request.body(Body::from(body)).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let json = json(&answer);
    let text = |name: &str| json[name].as_str().expect("a text").to_owned();
    Started { browser_url: text("browser_url"), cli_url: text("cli_url"), token: text("token") }
}

async fn wait(site: &Site, url: &str, token: &str) -> Answer {
    let request = Request::get(url).header("authorization", format!("Bearer {token}"));
    send(&site.routes.login, request.body(Body::empty()).expect("a request")).await
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|_| panic!("not JSON: {}", answer.text))
}

/// Where the browser ends up on the pages' own host.
async fn page_of(site: &Site, started: &Started) -> String {
    let request = Request::get(&started.browser_url).body(Body::empty()).expect("a request");
    let answer = send(&site.routes.login, request).await;
    let path = answer.location().strip_prefix("https://dashboard.localhost:5443").expect("the pages' host");
    path.to_owned()
}

#[tokio::test]
async fn a_login_is_confirmed_in_the_browser() {
    let site = Site::start().await;
    let started = start(&site).await;
    let path = page_of(&site, &started).await;
    let mut browser = site.browser();
    let first = browser.get(&path).await;
    assert!(first.location().starts_with("/login?next=%2Fcli"), "{}", first.location());
    let form = browser.get(first.location()).await;
    let fields = [("email", OWNER), ("password", PASSWORD), ("next", path.as_str())];
    assert_eq!(browser.send_form(&form, "/login", &fields).await.location(), path);
    let asked = browser.get(&path).await;
    assert!(asked.text.contains("Log in to the Heroku CLI as <b>owner@example.com</b>?"), "{}", asked.text);
    assert!(asked.text.contains("&lt;b&gt;laptop&lt;/b&gt;, from 192.0.2.7"), "{}", asked.text);
    // A page elsewhere cannot confirm it.
    let forged = browser.post(&path, &[("answer", "yes")], "same-origin").await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let (outcome, done) = tokio::join!(
        wait(&site, &started.cli_url, &started.token),
        browser.send_form(&asked, &path, &[("answer", "yes")]),
    );
    assert!(done.text.contains("Logged in"), "{}", done.text);
    let outcome = json(&outcome);
    assert!(outcome["error"].is_null());
    let token = outcome["access_token"].as_str().expect("a token").to_owned();
    let found = site.cx.store.read(move |tx| tx.token_by_secret(&token));
    let found = found.await.expect("read").expect("a token that works");
    assert_eq!(found.description, "Heroku CLI login from <b>laptop</b>");
    // Once is all.
    assert_eq!(wait(&site, &started.cli_url, &started.token).await.status, StatusCode::NOT_FOUND);
    let again = browser.send_form(&asked, &path, &[("answer", "yes")]).await;
    assert_eq!(again.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_login_that_is_cancelled_says_so() {
    let site = Site::start().await;
    let started = start(&site).await;
    let path = page_of(&site, &started).await;
    let mut browser = site.signed_in(OWNER).await;
    let asked = browser.get(&path).await;
    browser.send_form(&asked, &path, &[("answer", "no")]).await;
    let outcome = json(&wait(&site, &started.cli_url, &started.token).await);
    assert_eq!(outcome["error"], "The login was cancelled in the browser.");
    assert!(outcome["access_token"].is_null());
}

#[tokio::test]
async fn nobody_else_can_wait_for_it() {
    let site = Site::start().await;
    let (mine, other) = (start(&site).await, start(&site).await);
    for token in ["", other.token.as_str(), "x"] {
        assert_eq!(wait(&site, &mine.cli_url, token).await.status, StatusCode::NOT_FOUND);
    }
    let unknown = wait(&site, "/auth/cli/unknown", &mine.token).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(json(&unknown)["message"], "This login is over. Run the login command again.");
}

#[tokio::test]
async fn a_server_that_stops_tells_who_waits() {
    let site = Site::start().await;
    let started = start(&site).await;
    site.stop.cancel();
    let outcome = json(&wait(&site, &started.cli_url, &started.token).await);
    let error = outcome["error"].as_str().expect("a text");
    assert!(error.starts_with("The server is stopping."), "{error}");
}
