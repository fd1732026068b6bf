//! Versions, credentials, headers, ranges, tags and limits.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fixture::PASSWORD;
use crate::harness::{APP, Answer, Api, OWNER};

const GET: Method = Method::GET;

async fn get_with(api: &Api, path: &str, headers: &[(&str, &str)]) -> Answer {
    api.ask_with(OWNER, GET, path, None, headers).await
}

fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")))
}

#[tokio::test]
async fn any_version_3_is_spoken_and_nothing_else() {
    let api = Api::start().await;
    let ask = |accept: &'static str| {
        let request = Request::get("/account").header("authorization", format!("Bearer {OWNER}"));
        let request = if accept.is_empty() { request } else { request.header("accept", accept) };
        api.send(request.body(Body::empty()).expect("a request"))
    };
    for accept in [
        "application/vnd.heroku+json; version=3",
        "application/vnd.heroku+json;version=3.sdk",
        "application/vnd.heroku+json; version=3.webhooks",
        "application/json, application/vnd.heroku+json; version=3",
    ] {
        assert_eq!(ask(accept).await.status, StatusCode::OK, "{accept}");
    }
    for accept in ["", "*/*", "application/json", "application/vnd.heroku+json"] {
        let answer = ask(accept).await;
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE, "{accept}");
        let error = answer.json();
        assert_eq!((&error["id"], &error["error"]), (&json!("missing_version"), &error["message"]));
    }
    assert_eq!(ask("application/vnd.heroku+json; version=2").await.json()["id"], "not_acceptable");
}

#[tokio::test]
async fn a_token_is_taken_in_every_form_that_clients_use() {
    let api = Api::start().await;
    for authorization in [
        format!("Bearer {OWNER}"),
        format!("bearer {OWNER}"),
        basic("", OWNER),
        basic("owner@example.com", OWNER),
        basic("heroku", OWNER),
    ] {
        let headers = [("authorization", authorization.as_str())];
        let answer = api.ask_with("", GET, "/account", None, &headers).await;
        assert_eq!(answer.status, StatusCode::OK, "{authorization}");
    }
    for authorization in [basic("owner@example.com", PASSWORD), basic("", ""), "Bearer ".to_owned()] {
        let headers = [("authorization", authorization.as_str())];
        let answer = api.ask_with("", GET, "/account", None, &headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
    }
}

#[tokio::test]
async fn a_password_makes_a_token_and_guessing_ends_soon() {
    let api = Api::start().await;
    let login = |password: &'static str| {
        let authorization = basic("Owner@Example.com", password);
        let body = json!({ "description": "Heroku CLI login", "expires_in": 2_592_000, "scope": ["global"] });
        let api = &api;
        async move {
            let headers = [("authorization", authorization.as_str())];
            api.ask_with("", Method::POST, "/oauth/authorizations", Some(body), &headers).await
        }
    };
    let made = login(PASSWORD).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let token = made.json()["access_token"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(made.json()["user"]["email"], "owner@example.com");
    assert_eq!(api.ask(&token, GET, "/account", None).await.status, StatusCode::OK);
    let mut last = StatusCode::UNAUTHORIZED;
    for _ in 0..20 {
        let answer = login("a guess").await;
        last = answer.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.json()["id"], "rate_limit");
            break;
        }
        assert_eq!(last, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(api.ask(OWNER, GET, "/account", None).await.status, StatusCode::OK, "tokens still work");
}

#[tokio::test]
async fn answers_carry_ids_and_what_is_left_of_the_rate_limit() {
    let api = Api::start().await;
    let answer = get_with(&api, "/account", &[("request-id", "from-the-client")]).await;
    assert!(answer.header("request-id").ends_with(",from-the-client"));
    assert_eq!(answer.header("ratelimit-remaining"), "4499");
    let long = "x".repeat(7_000);
    let answer = get_with(&api, "/account", &[("request-id", &long)]).await;
    assert_eq!(answer.header("request-id").len(), 36);
    assert_eq!(answer.header("ratelimit-remaining"), "4498");
    let free = get_with(&api, "/account/rate-limits", &[]).await;
    assert_eq!(free.json(), json!({ "remaining": 4498 }));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again_to_who_asks_so() {
    let api = Api::start().await;
    let path = format!("/apps/{APP}/releases");
    let first = get_with(&api, &path, &[]).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    let again = get_with(&api, &path, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.header("etag"), tag);
    let change = Some(json!({ "FOO": "1" }));
    let vars = format!("/apps/{APP}/config-vars");
    let patched = api.ask_with(OWNER, Method::PATCH, &vars, change, &[("if-none-match", "*")]).await;
    assert_eq!(patched.status, StatusCode::OK, "only GET");
    let changed = get_with(&api, &path, &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status, StatusCode::OK);
    let missing = get_with(&api, "/apps/none", &[("if-none-match", "*")]).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "a refusal is always sent");
}

#[tokio::test]
async fn lists_come_in_the_order_and_the_pieces_asked_for() {
    let api = Api::start().await;
    for value in 0..4 {
        let change = json!({ "FOO": value.to_string() });
        api.good(Method::PATCH, &format!("/apps/{APP}/config-vars"), Some(change)).await;
    }
    let path = format!("/apps/{APP}/releases");
    let page = async |range: &str| {
        let answer = get_with(&api, &path, &[("range", range)]).await;
        let list = answer.json();
        let versions = list.as_array().expect("a list").iter().map(|it| it["version"].as_u64());
        (answer.status, versions.flatten().collect::<Vec<_>>(), answer.header("next-range").to_owned())
    };
    let none = String::new();
    assert_eq!(page("").await, (StatusCode::OK, vec![1, 2, 3, 4, 5, 6, 7], none.clone()));
    assert_eq!(page("version ..; order=desc,max=1").await.1, [7]);
    let (status, versions, next) = page("version ..; max=3, order=desc").await;
    assert_eq!((status, versions), (StatusCode::PARTIAL_CONTENT, vec![7, 6, 5]));
    let (status, versions, next) = page(&next).await;
    assert_eq!((status, versions), (StatusCode::PARTIAL_CONTENT, vec![4, 3, 2]));
    assert_eq!(page(&next).await, (StatusCode::OK, vec![1], none.clone()));
    assert_eq!(page("version 2..4; max=10").await, (StatusCode::OK, vec![2, 3, 4], none.clone()));
    assert_eq!(page("version ]2..4[").await.1, [3]);
    for lenient in ["id ..; max=1000;", "id ..; ;", "domain ..; ;", "created_at ..; max=10, order=desc"] {
        assert_eq!(page(lenient).await.1.len(), 7, "{lenient}");
    }
    let bad = get_with(&api, &path, &[("range", "version 1; max=x")]).await;
    assert_eq!(bad.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let single = get_with(&api, &format!("/apps/{APP}"), &[("range", "id ..; max=1000")]).await;
    assert_eq!(single.status, StatusCode::OK, "clients send ranges with everything");
}

#[tokio::test]
async fn plans_and_config_vars_are_shown_in_full_to_who_asks() {
    let api = Api::start().await;
    let wish = json!({ "plan": "heroku-postgresql" });
    api.good(Method::POST, &format!("/apps/{APP}/addons"), Some(wish)).await;
    let expanded = get_with(&api, "/addons", &[("accept-expansion", "addon_service,plan")]).await.json();
    assert_eq!(expanded[0]["plan"]["price"]["cents"], 0);
    let inclusion = [("accept-inclusion", "addon:plan,config_vars")];
    let attachment = get_with(&api, "/addon-attachments", &inclusion).await.json()[0].clone();
    assert_eq!(attachment["config_vars"], json!(["DATABASE_URL"]));
    assert_eq!(attachment["addon"]["plan"]["name"], "heroku-postgresql:mini");
}

#[tokio::test]
async fn urls_follow_a_client_that_came_over_plain_http_on_this_machine_only() {
    let api = Api::start().await;
    let url = async |headers: &[(&str, &str)]| {
        let path = format!("/apps/{APP}/log-sessions");
        let answer = api.ask_with(OWNER, Method::POST, &path, Some(json!({})), headers).await;
        let json: Value = answer.json();
        json["logplex_url"].as_str().expect("a URL").to_owned()
    };
    let http = ("x-forwarded-proto", "http");
    assert!(url(&[("host", "127.0.0.1:5080"), http]).await.starts_with("http://127.0.0.1:5080/streams/log/"));
    assert!(url(&[("host", "127.0.0.1:5080")]).await.starts_with("https://localhost:5443/"));
    assert!(url(&[("host", "evil.example.com"), http]).await.starts_with("https://localhost:5443/"));
}
