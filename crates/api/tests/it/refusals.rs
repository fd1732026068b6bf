//! The words of refusals, as a user of the official CLI reads them.

use std::fmt::Write;

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{APP, Api, OWNER, STRANGER};

/// One request after the other; what is refused is written down.
async fn transcript(api: &Api, requests: &[(Method, &str, Value)]) -> String {
    let mut text = String::new();
    for (method, path, body) in requests {
        let path = path.replace("{app}", APP);
        let body = Some(body.clone()).filter(|body| !body.is_null());
        let shown = body.as_ref().map(Value::to_string).unwrap_or_default();
        let answer = api.ask(OWNER, method.clone(), &path, body).await;
        let status = answer.status.as_u16();
        let error = answer.json();
        let words = match (error["id"].as_str(), error["message"].as_str()) {
            (Some(id), Some(message)) => format!("{id}: {}", message.trim_end()),
            _ => "done".to_owned(),
        };
        let _infallible = writeln!(text, "{method} {path} {shown}\n    {status} {words}");
    }
    text
}

#[tokio::test]
async fn apps_and_config() {
    let api = Api::start().await;
    api.good(Method::POST, &format!("/apps/{APP}/addons"), Some(json!({ "plan": "heroku-postgresql" })))
        .await;
    let (post, patch) = (Method::POST, Method::PATCH);
    let text = transcript(
        &api,
        &[
            (Method::GET, "/apps/nothing", Value::Null),
            (post.clone(), "/apps", json!({ "name": "ab" })),
            (post.clone(), "/apps", json!({ "name": "No_Caps" })),
            (post.clone(), "/apps", json!({ "name": "api" })),
            (post.clone(), "/apps", json!({ "name": APP })),
            (post.clone(), "/apps", json!({ "name": 7 })),
            (post.clone(), "/apps", json!({ "region": "eu" })),
            (post, "/apps", json!({ "stack": "heroku-24" })),
            (patch.clone(), "/apps/{app}", json!({ "name": "-" })),
            (patch.clone(), "/apps/{app}", json!({ "build_stack": "heroku-24" })),
            (patch.clone(), "/apps/{app}", json!({ "maintenance": "yes" })),
            (patch.clone(), "/apps/{app}/config-vars", json!({ "A-B": "1" })),
            (patch.clone(), "/apps/{app}/config-vars", json!({ "HEROKU_X": "1" })),
            (patch.clone(), "/apps/{app}/config-vars", json!({ "DATABASE_URL": "x" })),
            (patch.clone(), "/apps/{app}/config-vars", json!({ "DATABASE_URL": null })),
            (patch.clone(), "/apps/{app}/config-vars", json!({ "DATABASE_URL": crate::desk::URL })),
            (patch.clone(), "/apps/{app}/config-vars", json!({ "N": 1 })),
            (patch.clone(), "/apps/{app}/config-vars", json!({ "N": "a\u{0}b" })),
            (patch, "/apps/{app}/config-vars", json!(["N"])),
        ],
    )
    .await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn processes_and_releases() {
    let api = Api::start().await;
    let scale = |change: Value| json!({ "updates": [change] });
    let text = transcript(
        &api,
        &[
            (Method::PATCH, "/apps/{app}/formation", scale(json!({ "type": "foo", "quantity": 1 }))),
            (Method::PATCH, "/apps/{app}/formation", scale(json!({ "type": "web", "quantity": "many" }))),
            (Method::PATCH, "/apps/{app}/formation", scale(json!({ "type": "web", "quantity": 101 }))),
            (Method::PATCH, "/apps/{app}/formation", scale(json!({ "type": "web", "size": "huge" }))),
            (Method::PATCH, "/apps/{app}/formation", scale(json!({ "type": "release", "quantity": 1 }))),
            (Method::PATCH, "/apps/{app}/formation", json!({})),
            (Method::DELETE, "/apps/{app}/dynos/web.9", Value::Null),
            (Method::DELETE, "/apps/{app}/formations/foo", Value::Null),
            (Method::POST, "/apps/{app}/dynos", json!({})),
            (Method::POST, "/apps/{app}/dynos", json!({ "command": "  " })),
            (Method::POST, "/apps/{app}/dynos", json!({ "command": "ls", "size": "tiny" })),
            (Method::POST, "/apps/{app}/dynos", json!({ "command": "ls", "env": { "A B": 1 } })),
            (Method::POST, "/apps/{app}/dynos", json!({ "command": "ls", "time_to_live": 5 })),
            (Method::POST, "/apps/{app}/dynos", json!({ "command": "l\u{0}s" })),
            (Method::POST, "/apps/{app}/dynos", json!({ "command": "ls", "env": { "A": "a\u{0}b" } })),
            (Method::POST, "/apps", json!({ "name": "empty" })),
            (Method::POST, "/apps/empty/dynos", json!({ "command": "ls" })),
            (Method::POST, "/apps/{app}/releases", json!({ "release": "v1" })),
            (Method::POST, "/apps/{app}/releases", json!({ "release": "v99" })),
            (Method::POST, "/apps/{app}/releases", json!({ "slug": "v3" })),
            (Method::POST, "/apps/{app}/releases", json!({})),
            (Method::PATCH, "/apps/{app}/config-vars", json!({ "A": "1" })),
            (Method::POST, "/apps/{app}/releases", json!({ "release": "v4" })),
            (Method::POST, "/apps/{app}/log-sessions", json!({ "source": "apps" })),
            (Method::POST, "/apps/{app}/log-sessions", json!({ "lines": "all" })),
        ],
    )
    .await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn domains_and_certificates() {
    let api = Api::start().await;
    let made = rcgen::generate_simple_self_signed(["www.example.com".to_owned()]).expect("a certificate");
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let other = rcgen::generate_simple_self_signed(["b.example.com".to_owned()]).expect("a certificate");
    let bring = |chain: &str, key: &str| json!({ "certificate_chain": chain, "private_key": key });
    let good = api.good(Method::POST, &format!("/apps/{APP}/sni-endpoints"), Some(bring(&chain, &key))).await;
    let endpoint = format!("/apps/{{app}}/sni-endpoints/{}", good["name"].as_str().expect("a name"));
    for (token, app, host) in [(STRANGER, "strange", "*.wild.example"), (OWNER, "second", "second.example")] {
        api.ask(token, Method::POST, "/apps", Some(json!({ "name": app }))).await;
        let path = format!("/apps/{app}/domains");
        let added = api.ask(token, Method::POST, &path, Some(json!({ "hostname": host }))).await;
        assert_eq!(added.status, axum::http::StatusCode::CREATED, "{}", added.text);
    }
    let (domains, post) = ("/apps/{app}/domains", Method::POST);
    let add = |host: &str| (post.clone(), domains, json!({ "hostname": host }));
    let www = "/apps/{app}/domains/www.example.com";
    let own = "/apps/{app}/domains/running-app.localhost";
    let text = transcript(
        &api,
        &[
            add("localhost"),
            add("192.0.2.1"),
            add("second.example"),
            add("a.wild.example"),
            add("www.example.com"),
            add("WWW.example.com."),
            (post.clone(), domains, json!({ "hostname": "a.example.com", "sni_endpoint": "nothing" })),
            (post.clone(), domains, json!({ "hostname": "a.example.com", "sni_endpoint": good["name"] })),
            (Method::PATCH, www, json!({})),
            (Method::PATCH, www, json!({ "sni_endpoint": good["id"] })),
            (Method::PATCH, www, json!({ "sni_endpoint": "nothing" })),
            (Method::PATCH, own, json!({ "sni_endpoint": good["id"] })),
            (Method::PATCH, "/apps/{app}/acm", json!({ "acm_refresh": true })),
            (post.clone(), "/apps/{app}/sni-endpoints", json!({})),
            (post.clone(), "/apps/{app}/sni-endpoints", bring("x", "x")),
            (post.clone(), "/apps/{app}/sni-endpoints", bring(&chain, "x")),
            (post.clone(), "/apps/{app}/sni-endpoints", bring(&chain, &other.signing_key.serialize_pem())),
            (Method::PATCH, &endpoint, bring(&other.cert.pem(), &other.signing_key.serialize_pem())),
            (Method::DELETE, "/apps/{app}/sni-endpoints/nothing", Value::Null),
        ],
    )
    .await;
    let mut shown = text;
    for (value, name) in [
        (json!(chain).to_string(), "CHAIN"),
        (json!(key).to_string(), "KEY"),
        (json!(other.cert.pem()).to_string(), "OTHER_CHAIN"),
        (json!(other.signing_key.serialize_pem()).to_string(), "OTHER_KEY"),
        (good["name"].as_str().expect("a name").to_owned(), "NAME"),
        (good["id"].as_str().expect("an id").to_owned(), "ID"),
    ] {
        shown = shown.replace(&value, name);
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn addons_domains_builds_and_the_rest() {
    let api = Api::start().await;
    let source = json!({ "source_blob": { "url": "https://example.com/app.tgz" } });
    let text = transcript(
        &api,
        &[
            (Method::POST, "/apps/{app}/addons", json!({ "plan": "heroku-redis:mini" })),
            (
                Method::POST,
                "/apps/{app}/addons",
                json!({ "plan": "heroku-postgresql", "config": { "fork": "x" } }),
            ),
            (Method::DELETE, "/apps/{app}/addons/nothing", Value::Null),
            (Method::POST, "/actions/addons/resolve", json!({ "addon": "DATABASE", "app": APP })),
            (
                Method::POST,
                "/actions/addon-attachments/resolve",
                json!({ "addon_attachment": "X", "app": null }),
            ),
            (Method::GET, "/client/v11/databases/nothing", Value::Null),
            (Method::POST, "/addon-attachments", json!({ "addon": "nothing", "app": APP })),
            (Method::DELETE, "/addon-attachments/nothing", Value::Null),
            (Method::POST, "/apps/{app}/domains", json!({ "hostname": "no spaces" })),
            (Method::POST, "/apps/{app}/domains", json!({ "hostname": "api.localhost" })),
            (Method::POST, "/apps/{app}/domains", json!({ "hostname": "*.localhost" })),
            (Method::DELETE, "/apps/{app}/domains/running-app.localhost", Value::Null),
            (Method::POST, "/apps/{app}/builds", source),
            (
                Method::PUT,
                "/apps/{app}/buildpack-installations",
                json!({ "updates": [{ "buildpack": "a/b" }] }),
            ),
            (Method::PUT, "/apps/{app}/buildpack-installations", json!({ "updates": [{}] })),
            (Method::POST, "/oauth/authorizations", json!({ "scope": ["root"] })),
            (Method::POST, "/oauth/authorizations", json!({ "expires_in": "soon" })),
            (Method::DELETE, "/oauth/authorizations/~", Value::Null),
            (Method::GET, "/apps/{app}/pipeline-couplings", Value::Null),
            (Method::GET, "/users/somebody@example.com", Value::Null),
            (Method::POST, "/apps/{app}/collaborators", json!({ "user": "x@example.com" })),
            (Method::GET, "/nowhere", Value::Null),
        ],
    )
    .await;
    insta::assert_snapshot!(text);
}
