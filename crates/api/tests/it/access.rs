//! Every route as nobody, as someone with a wrong token, and as a stranger.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{APP, Api, OWNER, STRANGER};

/// Paths that name nothing of anybody: a stranger may use these with his own account.
const NOBODYS: [&str; 12] = [
    "{service}",
    "{plan}",
    "{size}",
    "{region}",
    "{stack}",
    "{feature}",
    "{session}",
    "/regions",
    "/stacks",
    "/dyno-sizes",
    "/addon-services",
    "/oauth/sessions",
];

/// A path of the owner's for a route.
fn path_of(api: &Api, route: &str, addon: &Value, authorization: &Value) -> String {
    let running = &api.running;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    [
        ("{app}", APP.to_owned()),
        ("{account}", "owner@example.com".to_owned()),
        ("{authorization}", text(authorization)),
        ("{collaborator}", "owner@example.com".to_owned()),
        ("{domain}", format!("{APP}.localhost")),
        ("{formation}", "web".to_owned()),
        ("{dyno}", "web.1".to_owned()),
        ("{release}", "v3".to_owned()),
        ("{slug}", running.build.slug.expect("a slug").to_string()),
        ("{build}", running.build.id.to_string()),
        ("{addon}", text(addon)),
        ("{database}", text(addon)),
        ("{attachment}", "DATABASE".to_owned()),
        ("{service}", "heroku-postgresql".to_owned()),
        ("{plan}", "heroku-postgresql:mini".to_owned()),
        ("{size}", "basic".to_owned()),
        ("{region}", "us".to_owned()),
        ("{stack}", "hokku-12".to_owned()),
        ("{feature}", "x".to_owned()),
        ("{session}", "~".to_owned()),
    ]
    .into_iter()
    .fold(route.to_owned(), |path, (name, value)| path.replace(name, &value))
}

/// A body that the owner could send.
fn body_of(method: &Method, route: &str) -> Option<Value> {
    if *method == Method::GET || *method == Method::DELETE {
        return None;
    }
    let name = match route {
        "/apps/{app}/addons" => json!({ "plan": "heroku-postgresql:mini" }),
        "/actions/addons/resolve" => json!({ "addon": "DATABASE", "app": APP }),
        "/actions/addon-attachments/resolve" => json!({ "addon_attachment": "DATABASE", "app": APP }),
        "/apps/{app}/builds" => json!({ "source_blob": { "url": "https://localhost:5443/sources/x" } }),
        "/apps/{app}/buildpack-installations" => json!({ "updates": [] }),
        "/apps/{app}/domains" => json!({ "hostname": "www.example.com" }),
        "/apps/{app}/dynos" => json!({ "command": "env" }),
        "/apps/{app}/formation" => json!({ "updates": [{ "type": "web", "quantity": 0 }] }),
        "/apps/{app}/releases" => json!({ "release": "v3" }),
        "/filters/apps" => json!({ "in": { "id": [APP] } }),
        _ => json!({}),
    };
    Some(name)
}

#[tokio::test]
async fn nobody_gets_past_the_door() {
    let api = Api::start().await;
    let routes = api::route_names().into_iter().filter(|route| route.needs_account);
    for route in routes {
        let path = path_of(&api, route.path, &json!("x"), &json!("x"));
        for (token, wanted) in [("", "There were no credentials"), ("wrong", "Invalid credentials provided.")]
        {
            let body = body_of(&route.method, route.path);
            let answer = api.ask(token, route.method.clone(), &path, body).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} {path}", route.method);
            let error = answer.json();
            assert_eq!(error["id"], "unauthorized");
            assert!(error["message"].as_str().is_some_and(|message| message.starts_with(wanted)), "{error}");
        }
    }
}

#[tokio::test]
async fn a_stranger_learns_and_changes_nothing() {
    let api = Api::start().await;
    let wish = json!({ "plan": "heroku-postgresql:mini" });
    let addon = api.good(Method::POST, &format!("/apps/{APP}/addons"), Some(wish)).await;
    let authorizations = api.get("/oauth/authorizations").await;
    let before = everything(&api).await;
    let is_named = |path: &str| path.contains('{') || path.starts_with("/actions");
    let routes = api::route_names().into_iter().filter(|route| {
        let is_nobodys = NOBODYS.iter().any(|part| route.path.contains(part));
        route.needs_account && is_named(route.path) && (!is_nobodys || route.path.contains("{app}"))
    });
    let mut refused = 0;
    for route in routes {
        let path = path_of(&api, route.path, &addon["id"], &authorizations[0]["id"]);
        let body = body_of(&route.method, route.path);
        let answer = api.ask(STRANGER, route.method.clone(), &path, body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{} {path}: {}", route.method, answer.text);
        assert_eq!(answer.json()["id"], "not_found", "{} {path}", route.method);
        if route.path.contains("{app}") {
            assert_eq!(answer.json()["message"], "Couldn't find that app.", "{} {path}", route.method);
        }
        refused += 1;
    }
    assert!(refused > 50, "only {refused} routes were tried");
    assert_eq!(everything(&api).await, before);
}

/// What the owner sees.
async fn everything(api: &Api) -> Vec<Value> {
    let mut seen = Vec::new();
    for part in ["", "/config-vars", "/formation", "/dynos", "/releases", "/builds", "/domains", "/addons"] {
        let path = format!("/apps/{APP}{part}");
        seen.push(api.ask(OWNER, Method::GET, &path, None).await.json());
    }
    seen
}

#[tokio::test]
async fn a_stranger_s_lists_hold_nothing_of_the_owner_s() {
    let api = Api::start().await;
    let wish = json!({ "plan": "heroku-postgresql:mini" });
    api.good(Method::POST, &format!("/apps/{APP}/addons"), Some(wish)).await;
    for path in ["/apps", "/users/~/apps", "/addons", "/addon-attachments"] {
        let answer = api.ask(STRANGER, Method::GET, path, None).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!([])), "{path}");
        let own = api.get(path).await;
        assert_ne!(own, json!([]), "{path}");
    }
    let filter = json!({ "in": { "id": [api.running.app.id.to_string()] } });
    let answer = api.ask(STRANGER, Method::POST, "/filters/apps", Some(filter)).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!([])));
    let tokens = api.ask(STRANGER, Method::GET, "/oauth/authorizations", None).await.json();
    assert_eq!(tokens.as_array().map(Vec::len), Some(1));
}
