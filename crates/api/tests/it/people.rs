//! Accounts, links, passwords, keys, transfers, features, tokens: what they do, over time.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::conformance::{held, text};
use crate::fixture::PASSWORD;
use crate::harness::{APP, Answer, Api, COLLEAGUE, OWNER, STRANGER};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// Somebody's public key.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAMo+WrDywxj2eklb8CF8cQR9LKCjL0MudMbGi3TFGiI jane@laptop";

/// Every route of people, once; the rest of the conformance test wants the app as it was.
pub(crate) async fn every_route(api: &Api) {
    let invited = api.good(POST, "/hokku/accounts", Some(json!({ "email": "New@example.com" }))).await;
    assert_eq!(text(&invited, "/email"), "new@example.com");
    let again = api.good(POST, "/hokku/accounts/new@example.com/actions/reset", None).await;
    let path = invitation(&again);
    held(api, GET, &path).await;
    let chosen = api.ask("", POST, &path, Some(json!({ "password": "long enough" }))).await;
    api.hold(&POST, &path, &chosen);
    api.get("/hokku/accounts").await;
    api.get("/hokku/accounts/new@example.com").await;
    let app = format!("/apps/{APP}");
    let offer = json!({ "app": APP, "recipient": { "email": "new@example.com" } });
    let offered = api.good(POST, "/account/app-transfers", Some(offer)).await;
    api.get("/account/app-transfers").await;
    let path = format!("/account/app-transfers/{}", text(&offered, "/id"));
    api.get(&path).await;
    api.good(DELETE, &path, None).await;
    let user = json!({ "user": "new@example.com", "silent": true });
    let added = api.good(POST, &format!("{app}/collaborators"), Some(user)).await;
    assert_eq!(text(&added, "/role"), "collaborator");
    api.good(DELETE, &format!("{app}/collaborators/new@example.com"), None).await;
    let features = api.get(&format!("{app}/features")).await;
    assert_eq!(text(&features[0], "/name"), "preboot");
    let path = format!("{app}/features/runtime-dyno-metadata");
    assert_eq!(api.get(&path).await["enabled"], false);
    for enabled in [true, false] {
        let switched = api.good(PATCH, &path, Some(json!({ "enabled": enabled }))).await;
        assert_eq!(switched["enabled"], enabled);
    }
    let key = api.good(POST, "/account/keys", Some(json!({ "public_key": KEY }))).await;
    assert_eq!(api.get("/account/keys").await, json!([key]));
    let path = format!("/account/keys/{}", text(&key, "/id"));
    api.get(&path).await;
    api.good(DELETE, &path, None).await;
    every_route_of_tokens(api).await;
    api.good(DELETE, "/hokku/accounts/new@example.com", None).await;
    // A transfer that is decided, of an app of somebody else.
    let made = api.ask(COLLEAGUE, POST, "/apps", Some(json!({ "name": "theirs" }))).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let offer = json!({ "app": "theirs", "recipient": "owner@example.com" });
    let offered = api.ask(COLLEAGUE, POST, "/account/app-transfers", Some(offer)).await;
    assert!(offered.header("warning-message").contains("No mail is sent."), "{:?}", offered.headers);
    let path = format!("/account/app-transfers/{}", text(&offered.json(), "/id"));
    let declined = api.good(PATCH, &path, Some(json!({ "state": "declined" }))).await;
    assert_eq!(text(&declined, "/state"), "declined");
}

async fn every_route_of_tokens(api: &Api) {
    let wish = json!({ "scope": ["read", "identity"], "description": "robot", "expires_in": 60 });
    let made = api.good(POST, "/oauth/authorizations", Some(wish)).await;
    let path = format!("/oauth/authorizations/{}", text(&made, "/id"));
    let renamed = api.good(PATCH, &path, Some(json!({ "description": "better" }))).await;
    assert_eq!(text(&renamed, "/description"), "better");
    let rotated = api.good(POST, &format!("{path}/actions/regenerate-tokens"), None).await;
    let (old, new) = (text(&made, "/access_token/token"), text(&rotated, "/access_token/token"));
    assert_eq!(rotated["scope"], json!(["identity", "read"]));
    assert_eq!(api.ask(old, GET, "/account", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.ask(new, GET, "/account", None).await.status, StatusCode::OK);
    api.good(DELETE, &path, None).await;
    assert_eq!(api.ask(new, GET, "/account", None).await.status, StatusCode::UNAUTHORIZED);
}

/// The path at which a link is answered.
fn invitation(invited: &Value) -> String {
    let url = text(invited, "/url");
    let secret = url.strip_prefix("https://dashboard.localhost:5443/join/").expect("a page's address");
    format!("/hokku/invitations/{secret}")
}

async fn login(api: &Api, email: &str, password: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{email}:{password}")));
    let wish = json!({ "scope": ["global"], "expires_in": 3600 });
    api.ask_with("", POST, "/oauth/authorizations", Some(wish), &[("authorization", &basic)]).await
}

fn refused(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status.as_u16(), answer.json()["message"].as_str()), (status, Some(message)));
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_a_reset_ends_all_logins() {
    let api = Api::start().await;
    let email = "jane@example.com";
    let invited = api.good(POST, "/hokku/accounts", Some(json!({ "email": email }))).await;
    assert_eq!(invited["reset"], false);
    refused(&login(&api, email, "anything").await, 401, "Invalid credentials provided.");
    let link = invitation(&invited);
    let choose = |password: &str| Some(json!({ "password": password }));
    for (password, message) in [
        ("short", "Password is too short (minimum is 8 characters)"),
        ("Jane@example.com", "Password must not be the e-mail address"),
    ] {
        refused(&api.ask("", POST, &link, choose(password)).await, 422, message);
    }
    assert_eq!(api.ask("", POST, &link, choose("correct horse")).await.status, StatusCode::OK);
    let gone =
        "Couldn't find that invitation: it was used, replaced, or its time is over; ask for a new link.";
    refused(&api.ask("", POST, &link, choose("another one")).await, 404, gone);
    refused(&api.ask("", GET, &link, None).await, 404, gone);
    let session = login(&api, email, "correct horse").await.json();
    let token = text(&session, "/access_token/token");
    assert_eq!(api.ask(token, GET, "/account", None).await.json()["email"], email);

    let reset = format!("/hokku/accounts/{email}/actions/reset");
    let reset = api.good(POST, &reset, None).await;
    assert_eq!(reset["reset"], true);
    assert_eq!(login(&api, email, "correct horse").await.status, StatusCode::CREATED, "until it is used");
    let done = api.ask("", POST, &invitation(&reset), choose("battery staple")).await;
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(login(&api, email, "correct horse").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.ask(token, GET, "/account", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(login(&api, email, "battery staple").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn who_is_removed_is_out_at_once_and_may_come_back() {
    let api = Api::start().await;
    let app = api.ask(COLLEAGUE, POST, "/apps", Some(json!({ "name": "theirs" }))).await;
    assert_eq!(app.status, StatusCode::CREATED);
    let account = "/hokku/accounts/colleague@example.com";
    let has_apps = "colleague@example.com owns apps: theirs. Say who gets them: \
                    hokku accounts:remove colleague@example.com --apps-to EMAIL";
    refused(&api.ask(OWNER, DELETE, account, None).await, 422, has_apps);
    refused(
        &api.ask(OWNER, DELETE, account, Some(json!({ "apps_to": "nobody@example.com" }))).await,
        422,
        "There is no account of nobody@example.com on this platform. Its owner adds people: \
         hokku accounts:add nobody@example.com",
    );
    let to_me = json!({ "apps_to": "owner@example.com" });
    let removed = api.ask(OWNER, DELETE, account, Some(to_me)).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text);
    assert_eq!(api.get("/apps/theirs").await["owner"]["email"], "owner@example.com");
    assert_eq!(api.ask(COLLEAGUE, GET, "/account", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(login(&api, "colleague@example.com", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    refused(&api.ask(OWNER, GET, account, None).await, 404, "Couldn't find that account.");
    let listed = api.get("/hokku/accounts").await.to_string();
    assert!(!listed.contains("colleague@example.com"), "{listed}");
    let own = "/hokku/accounts/owner@example.com";
    refused(&api.ask(OWNER, DELETE, own, None).await, 422, "The owner of the platform cannot be removed.");
    let back = json!({ "email": "colleague@example.com" });
    let back = api.good(POST, "/hokku/accounts", Some(back)).await;
    assert_eq!(back["reset"], false);
    let twice =
        api.ask(OWNER, POST, "/hokku/accounts", Some(json!({ "email": "stranger@example.com" }))).await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (method, path) in [(GET, "/hokku/accounts"), (POST, "/hokku/accounts")] {
        let body = Some(json!({ "email": "x@example.com" }));
        let only = "Only the owner of this platform may see or change its accounts.";
        refused(&api.ask(STRANGER, method, path, body).await, 403, only);
    }
}

#[tokio::test]
async fn a_person_changes_the_password_who_knows_it() {
    let api = Api::start().await;
    let elsewhere = login(&api, "stranger@example.com", PASSWORD).await.json();
    let here = login(&api, "stranger@example.com", PASSWORD).await.json();
    let (elsewhere, here) = (text(&elsewhere, "/access_token/token"), text(&here, "/access_token/token"));
    let change = |present: &str| Some(json!({ "password": present, "new_password": "new password" }));
    let wrong = api.ask(here, PATCH, "/account", change("guess")).await;
    refused(&wrong, 422, "The present password is wrong.");
    let right = api.ask(here, PATCH, "/account", change(PASSWORD)).await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.text);
    assert_eq!(login(&api, "stranger@example.com", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(login(&api, "stranger@example.com", "new password").await.status, StatusCode::CREATED);
    assert_eq!(api.ask(here, GET, "/account", None).await.status, StatusCode::OK);
    assert_eq!(api.ask(elsewhere, GET, "/account", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.ask(STRANGER, GET, "/account", None).await.status, StatusCode::OK, "it lasts");
}

#[tokio::test]
async fn logins_with_unknown_addresses_are_told_and_limited_alike() {
    let api = Api::start().await;
    let mut told = Vec::new();
    for email in ["stranger@example.com", "nobody@example.com"] {
        let first = login(&api, email, "wrong").await;
        assert_eq!(first.status, StatusCode::UNAUTHORIZED);
        // All at once, so that no try comes back meanwhile: nine are left of ten.
        let all = join_all((0..12).map(|_| login(&api, email, "wrong"))).await;
        let limited: Vec<_> =
            all.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).collect();
        assert!(limited.len() >= 2, "{all:?}");
        told.push((first.text, limited[0].text.clone()));
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn an_app_that_is_taken_belongs_to_who_took_it() {
    let api = Api::start().await;
    let offer = json!({ "app": APP, "recipient": "colleague@example.com" });
    let offered = api.good(POST, "/account/app-transfers", Some(offer.clone())).await;
    assert_eq!(text(&offered, "/state"), "pending");
    let twice = api.ask(OWNER, POST, "/account/app-transfers", Some(offer)).await;
    refused(&twice, 422, "running-app is being transferred already. Its recipient has to take it first.");
    let path = format!("/account/app-transfers/{APP}");
    let accept = || Some(json!({ "state": "accepted" }));
    assert_eq!(api.ask(STRANGER, PATCH, &path, accept()).await.status, StatusCode::NOT_FOUND);
    let own = api.ask(OWNER, PATCH, &path, accept()).await;
    refused(&own, 403, "Only colleague@example.com may take this app or decline it.");
    let app = format!("/apps/{APP}");
    assert_eq!(api.ask(COLLEAGUE, GET, &app, None).await.status, StatusCode::NOT_FOUND, "not yet");
    assert_eq!(api.ask(COLLEAGUE, PATCH, &path, accept()).await.status, StatusCode::OK);
    let taken = api.ask(COLLEAGUE, GET, &app, None).await.json();
    assert_eq!(taken["owner"]["email"], "colleague@example.com");
    let before = api.get(&format!("{app}/collaborators")).await;
    assert_eq!(text(&before[1], "/user/email"), "owner@example.com", "who had it stays");
    assert_eq!(api.ask(OWNER, DELETE, &app, None).await.status, StatusCode::FORBIDDEN);
    let by_id = format!("/account/app-transfers/{}", text(&offered, "/id"));
    let again = api.ask(COLLEAGUE, PATCH, &by_id, accept()).await;
    refused(&again, 422, "This transfer was accepted already.");
    assert_eq!(api.ask(COLLEAGUE, DELETE, &app, None).await.status, StatusCode::OK);
    assert_eq!(api.get("/account/app-transfers").await, json!([]), "it goes with the app");
}

#[tokio::test]
async fn a_token_that_is_over_is_worth_nothing() {
    let api = Api::start().await;
    let wish = json!({ "expires_in": "1", "description": "soon over" });
    let made = api.good(POST, "/oauth/authorizations", Some(wish)).await;
    let token = text(&made, "/access_token/token");
    assert_eq!(api.ask(token, GET, "/account", None).await.status, StatusCode::OK);
    let over = async {
        while api.ask(token, GET, "/account", None).await.status != StatusCode::UNAUTHORIZED {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), over).await.expect("it ends");
    for seconds in ["0", "-1", "soon"] {
        let wish = json!({ "expires_in": seconds });
        let answer = api.ask(OWNER, POST, "/oauth/authorizations", Some(wish)).await;
        refused(&answer, 422, "`expires_in` must be a number of seconds.");
    }
    let unknown = api.ask(OWNER, POST, "/oauth/authorizations", Some(json!({ "scope": ["root"] }))).await;
    refused(
        &unknown,
        422,
        "Scope `root` is not known. Use global, identity, read, write, read-protected or write-protected.",
    );
}

#[tokio::test]
async fn the_owner_s_first_token_is_the_key_that_logging_out_leaves() {
    let api = Api::start().await;
    api.good(POST, "/oauth/authorizations", Some(json!({ "description": "a later one" }))).await;
    let key = api.get("/oauth/authorizations/~").await;
    assert_eq!(text(&key, "/access_token/token"), "owne**********oken");
    for (token, method) in [(OWNER, DELETE), (STRANGER, GET)] {
        let answer = api.ask(token, method, "/oauth/authorizations/~", None).await;
        refused(&answer, 404, "Couldn't find that authorization.");
    }
}

#[tokio::test]
async fn a_process_type_may_stand_for_its_dynos() {
    let api = Api::start().await;
    for (method, path) in [(DELETE, "dynos/web"), (POST, "dynos/worker/actions/stop")] {
        api.good(method, &format!("/apps/{APP}/{path}"), None).await;
    }
    let app = api.running.app.id;
    let dynos = api.cx.store.read(move |tx| tx.dynos_of(app)).await.expect("dynos");
    assert_eq!(dynos.iter().filter(|dyno| dyno.replace).count(), 3, "{dynos:?}");
    let unknown = api.ask(OWNER, DELETE, &format!("/apps/{APP}/dynos/clock"), None).await;
    refused(&unknown, 404, "Couldn't find that dyno.");
}
