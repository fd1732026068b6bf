//! Every route as nobody, as someone with a wrong token, and as a stranger.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{APP, Api, OWNER, STRANGER};
use crate::people;

/// Paths that name nothing of anybody: a stranger may use these with his own account.
const NOBODYS: [&str; 11] = [
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
];

/// What the owner has besides the app.
#[derive(Debug, Clone)]
pub(crate) struct Things {
    addon: String,
    authorization: String,
    key: String,
    transfer: String,
    drain: String,
    webhook: String,
    event: String,
    delivery: String,
    schedule: String,
}

impl Things {
    /// None of them.
    fn none() -> Self {
        let none = || "x".to_owned();
        Self {
            addon: none(),
            authorization: none(),
            key: none(),
            transfer: none(),
            drain: none(),
            webhook: none(),
            event: none(),
            delivery: none(),
            schedule: none(),
        }
    }

    /// One of each.
    pub(crate) async fn make(api: &Api) -> Self {
        let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        let drain = json!({ "url": "https://logs.example.com/" });
        let webhook = json!({ "include": ["api:addon"], "level": "sync", "url": "https://example.com/" });
        let webhook = api.good(Method::POST, &format!("/apps/{APP}/webhooks"), Some(webhook)).await;
        let wish = json!({ "plan": "heroku-postgresql:mini", "name": DATABASE });
        let addon = api.good(Method::POST, &format!("/apps/{APP}/addons"), Some(wish)).await;
        let key = json!({ "public_key": people::KEY });
        let offer = json!({ "app": APP, "recipient": "colleague@example.com" });
        let database = format!("/client/v11/databases/{}", id(&addon));
        api.good(Method::POST, &format!("{database}/backups"), None).await;
        let daily = Some(json!({ "hour": "2" }));
        let daily = api.good(Method::POST, &format!("{database}/transfer-schedules"), daily).await;
        Self {
            schedule: daily["uuid"].as_str().expect("an id").to_owned(),
            addon: id(&addon),
            authorization: id(&api.get("/oauth/authorizations").await[0]),
            key: id(&api.good(Method::POST, "/account/keys", Some(key)).await),
            drain: id(&api.good(Method::POST, &format!("/apps/{APP}/log-drains"), Some(drain)).await),
            webhook: id(&webhook),
            event: id(&api.get(&format!("/apps/{APP}/webhook-events")).await[0]),
            delivery: id(&api.get(&format!("/apps/{APP}/webhook-deliveries")).await[0]),
            transfer: id(&api.good(Method::POST, "/account/app-transfers", Some(offer)).await),
        }
    }
}

/// The name of the owner's database.
const DATABASE: &str = "the-owners-database";

/// A path of the owner's for a route.
pub(crate) fn path_of(api: &Api, route: &str, things: &Things) -> String {
    let running = &api.running;
    [
        ("{app}", APP.to_owned()),
        ("{account}", "owner@example.com".to_owned()),
        ("{authorization}", things.authorization.clone()),
        ("{key}", things.key.clone()),
        ("{app_transfer}", things.transfer.clone()),
        ("{collaborator}", "owner@example.com".to_owned()),
        ("{domain}", format!("{APP}.localhost")),
        ("{sni_endpoint}", "automatic".to_owned()),
        ("{formation}", "web".to_owned()),
        ("{dyno}", "web.1".to_owned()),
        ("{release}", "v3".to_owned()),
        ("{slug}", running.build.slug.expect("a slug").to_string()),
        ("{build}", running.build.id.to_string()),
        ("{addon}", things.addon.clone()),
        ("{database}", things.addon.clone()),
        ("{credential}", "default".to_owned()),
        ("{transfer}", "1".to_owned()),
        ("{schedule}", things.schedule.clone()),
        ("{attachment}", "DATABASE".to_owned()),
        ("{service}", "heroku-postgresql".to_owned()),
        ("{plan}", "heroku-postgresql:mini".to_owned()),
        ("{size}", "basic".to_owned()),
        ("{region}", "us".to_owned()),
        ("{stack}", "hokku-12".to_owned()),
        ("{feature}", "runtime-dyno-metadata".to_owned()),
        ("{session}", "~".to_owned()),
        ("{drain}", things.drain.clone()),
        ("{webhook}", things.webhook.clone()),
        ("{event}", things.event.clone()),
        ("{delivery}", things.delivery.clone()),
    ]
    .into_iter()
    .fold(route.to_owned(), |path, (name, value)| path.replace(name, &value))
}

/// A body that the owner could send.
pub(crate) fn body_of(method: &Method, route: &str) -> Option<Value> {
    if *method == Method::GET || *method == Method::DELETE {
        return None;
    }
    let name = match route {
        "/apps/{app}/addons" => json!({ "plan": "heroku-postgresql:mini" }),
        "/addon-attachments" => json!({ "addon": DATABASE, "app": APP }),
        "/actions/addons/resolve" => json!({ "addon": "DATABASE", "app": APP }),
        "/actions/addon-attachments/resolve" => json!({ "addon_attachment": "DATABASE", "app": APP }),
        "/apps/{app}/builds" => json!({ "source_blob": { "url": "https://localhost:5443/sources/x" } }),
        "/apps/{app}/buildpack-installations" => json!({ "updates": [] }),
        "/apps/{app}/domains" => json!({ "hostname": "www.example.com" }),
        "/apps/{app}/domains/{domain}" => json!({ "sni_endpoint": null }),
        "/apps/{app}/sni-endpoints" | "/apps/{app}/sni-endpoints/{sni_endpoint}" => {
            json!({ "certificate_chain": "x", "private_key": "x" })
        }
        "/apps/{app}/acm" if *method == Method::PATCH => json!({ "acm_refresh": true }),
        "/apps/{app}/dynos" => json!({ "command": "env" }),
        "/apps/{app}/formation" => json!({ "updates": [{ "type": "web", "quantity": 0 }] }),
        "/apps/{app}/releases" => json!({ "release": "v3" }),
        "/account/app-transfers" => json!({ "app": APP, "recipient": "colleague@example.com" }),
        "/account/app-transfers/{app_transfer}" => json!({ "state": "declined" }),
        "/account/keys" => json!({ "public_key": people::KEY }),
        "/apps/{app}/collaborators" => json!({ "user": "stranger@example.com" }),
        "/apps/{app}/features/{feature}" => json!({ "enabled": true }),
        "/hokku/accounts" => json!({ "email": "new@example.com" }),
        "/apps/{app}/log-drains" => json!({ "url": "syslog://logs.example.com" }),
        "/apps/{app}/webhooks" => {
            json!({ "include": ["api:app"], "level": "notify", "url": "https://example.com/hooks" })
        }
        "/client/v11/databases/{database}/restores" => json!({ "backup_url": "https://example.com/x.dump" }),
        "/client/v11/databases/{database}/transfers" => {
            json!({ "from_url": "postgres://u:p@pg.example.com/d", "to_url": crate::desk::URL })
        }
        "/client/v11/databases/{database}/transfer-schedules" => json!({ "hour": "2", "timezone": "UTC" }),
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
        let path = path_of(&api, route.path, &Things::none());
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
    let things = Things::make(&api).await;
    let before = everything(&api).await;
    // Some name an app in their body.
    let is_named = |route: &api::RouteName| {
        let in_body = route.method == Method::POST
            && (route.path.starts_with("/actions")
                || ["/account/app-transfers", "/addon-attachments"].contains(&route.path));
        route.path.contains('{') || in_body
    };
    let routes = api::route_names().into_iter().filter(|route| {
        let is_nobodys = NOBODYS.iter().any(|part| route.path.contains(part));
        route.needs_account && is_named(route) && (!is_nobodys || route.path.contains("{app}"))
    });
    let mut refused = 0;
    for route in routes {
        let path = path_of(&api, route.path, &things);
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
    for part in [
        "",
        "/config-vars",
        "/formation",
        "/dynos",
        "/releases",
        "/builds",
        "/domains",
        "/addons",
        "/collaborators",
        "/features",
        "/addon-attachments",
        "/sni-endpoints",
    ] {
        let path = format!("/apps/{APP}{part}");
        seen.push(api.ask(OWNER, Method::GET, &path, None).await.json());
    }
    let transfers = format!("/client/v11/apps/{APP}/transfers");
    for path in
        ["/account/keys", "/account/app-transfers", "/oauth/authorizations", "/hokku/accounts", &transfers]
    {
        seen.push(api.ask(OWNER, Method::GET, path, None).await.json());
    }
    seen
}

#[tokio::test]
async fn a_stranger_s_lists_hold_nothing_of_the_owner_s() {
    let api = Api::start().await;
    Things::make(&api).await;
    for path in
        ["/apps", "/users/~/apps", "/addons", "/addon-attachments", "/account/keys", "/account/app-transfers"]
    {
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
