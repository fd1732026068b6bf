//! Bad input: every refusal is `{id, message}` in Heroku's wording, and changes nothing.

use serde_json::{Value, json};

use crate::server::Server;

const APP: &str = "untouched";

/// Method, path and body, as the owner sends them.
type Case = (&'static str, &'static str, Value);
/// What it is, method, path, `Authorization` and body.
type RawCase = (&'static str, &'static str, &'static str, Option<&'static str>, &'static [u8]);

#[test]
fn every_refusal_is_told_and_changes_nothing() {
    let server = Server::start();
    server.change("POST", "/apps", &json!({ "name": APP }));
    let before = picture(&server);
    let mut page = String::new();
    for (method, path, body) in cases() {
        let answer = server.api(method, path, Some(&body));
        page += &told(&format!("{method} {path} {}", shown(&body.to_string())), answer.status, &answer.body);
    }
    for (what, method, path, authorization, body) in raw() {
        let answer = server.call(method, path, authorization, body);
        page += &told(&format!("{method} {path} {what}"), answer.status, &answer.body);
    }
    assert_eq!(picture(&server), before, "something was changed");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("bad_input", page);
    });
}

fn told(what: &str, status: u16, body: &[u8]) -> String {
    assert!((400..500).contains(&status), "{what}: {status} {}", String::from_utf8_lossy(body));
    let body: Value = serde_json::from_slice(body).unwrap_or_else(|_| panic!("{what}: no JSON"));
    let (Some(id), Some(message)) = (body["id"].as_str(), body["message"].as_str()) else {
        panic!("{what}: {body}");
    };
    assert!(!message.is_empty() && !message.contains("src/"), "{what}: {message}");
    format!("{what}\n  {status} {id}: {message}\n")
}

fn shown(body: &str) -> String {
    let short: String = body.chars().take(100).collect();
    if short.len() < body.len() { format!("{short}… ({} bytes)", body.len()) } else { short }
}

/// All that a client can see.
fn picture(server: &Server) -> Vec<Value> {
    let of_app = |what: &str| format!("/apps/{APP}/{what}");
    let mut paths = vec!["/apps".to_owned(), "/account".to_owned(), "/addons".to_owned()];
    let nouns =
        ["config-vars", "formation", "dynos", "releases", "builds", "addons", "domains", "collaborators"];
    paths.extend(nouns.map(of_app));
    paths.push(of_app("buildpack-installations"));
    paths.iter().map(|path| server.get(path)).collect()
}

fn cases() -> Vec<Case> {
    let long = "x".repeat(100);
    let huge = "x".repeat(70_000);
    let config = "/apps/untouched/config-vars";
    let formation = "/apps/untouched/formation";
    vec![
        ("POST", "/apps", json!({ "name": "Untouched" })),
        ("POST", "/apps", json!({ "name": "untouched" })),
        ("POST", "/apps", json!({ "name": "x" })),
        ("POST", "/apps", json!({ "name": "-begins-badly" })),
        ("POST", "/apps", json!({ "name": "../../etc" })),
        ("POST", "/apps", json!({ "name": long })),
        ("POST", "/apps", json!({ "name": 7 })),
        ("POST", "/apps", json!({ "name": "fine", "stack": "cedar-14" })),
        ("POST", "/apps", json!({ "name": "fine", "region": "mars" })),
        ("POST", "/apps", json!(["name"])),
        ("PATCH", "/apps/untouched", json!({ "name": "no good" })),
        ("PATCH", "/apps/untouched", json!({ "maintenance": "perhaps" })),
        ("GET", "/apps/unknown", json!(null)),
        ("DELETE", "/apps/unknown", json!(null)),
        ("GET", "/apps/%00", json!(null)),
        ("GET", "/apps/..%2f..%2fetc%2fpasswd", json!(null)),
        ("PATCH", config, json!({ "NOT-A-KEY": "1" })),
        ("PATCH", config, json!({ "1ST": "1" })),
        ("PATCH", config, json!({ "HEROKU_SLUG_COMMIT": "1" })),
        ("PATCH", config, json!({ "DEEP": { "er": 1 } })),
        ("PATCH", config, json!({ "HUGE": huge })),
        ("PATCH", config, json!({ "NUL": "a\u{0}b" })),
        ("PATCH", config, json!("FOO=1")),
        ("PATCH", formation, json!({ "updates": [{ "type": "web", "quantity": 1 }] })),
        ("PATCH", formation, json!({ "updates": [{ "type": "web", "quantity": -1 }] })),
        ("PATCH", formation, json!({ "updates": [{ "type": "web", "quantity": "many" }] })),
        ("PATCH", formation, json!({ "updates": [{ "quantity": 1 }] })),
        ("PATCH", formation, json!({ "updates": "web" })),
        ("PATCH", "/apps/untouched/formation/web", json!({ "size": "enormous" })),
        ("POST", "/apps/untouched/dynos", json!({ "command": "true" })),
        ("POST", "/apps/untouched/dynos", json!({ "command": 5 })),
        ("POST", "/apps/untouched/dynos", json!({})),
        ("DELETE", "/apps/untouched/dynos/web.9", json!(null)),
        ("POST", "/apps/untouched/dynos/web.1/actions/stop", json!({})),
        ("GET", "/apps/untouched/releases/99", json!(null)),
        ("GET", "/apps/untouched/releases/none", json!(null)),
        ("POST", "/apps/untouched/releases", json!({ "release": "99" })),
        ("POST", "/apps/untouched/releases", json!({ "release": "1" })),
        ("POST", "/apps/untouched/releases", json!({ "slug": "no-uuid" })),
        ("POST", "/apps/untouched/releases", json!({})),
        ("POST", "/apps/untouched/builds", json!({ "source_blob": { "url": "file:///etc/passwd" } })),
        ("POST", "/apps/untouched/builds", json!({})),
        ("POST", "/apps/untouched/addons", json!({ "plan": "heroku-postgresql:gigantic" })),
        ("POST", "/apps/untouched/addons", json!({ "plan": "nothing:mini" })),
        ("POST", "/apps/untouched/addons", json!({ "plan": 1 })),
        ("DELETE", "/apps/untouched/addons/none", json!(null)),
        ("POST", "/actions/addons/resolve", json!({ "addon": "none", "app": "untouched" })),
        (
            "PUT",
            "/apps/untouched/buildpack-installations",
            json!({ "updates": [{ "buildpack": "heroku/cobol" }] }),
        ),
        ("POST", "/apps/untouched/domains", json!({ "hostname": "not a host" })),
        ("POST", "/apps/untouched/domains", json!({ "hostname": "api.localhost" })),
        ("POST", "/apps/untouched/log-sessions", json!({ "lines": "all" })),
        ("GET", "/nowhere", json!(null)),
        ("PURGE", "/apps", json!(null)),
    ]
}

/// What is no JSON, or from nobody.
fn raw() -> Vec<RawCase> {
    vec![
        ("without a token", "GET", "/apps", None, b""),
        ("with a wrong token", "GET", "/apps", Some("Bearer 00000000-0000-0000-0000-000000000000"), b""),
        ("with rubbish for a token", "GET", "/apps", Some("Basic %%%"), b""),
        ("with an unknown scheme", "GET", "/apps", Some("Digest a=b"), b""),
        (
            "with a wrong password",
            "POST",
            "/oauth/authorizations",
            Some("Basic b3duZXJAaG9ra3UubG9jYWxob3N0Ondyb25n"),
            b"{}",
        ),
        ("without a token, with rubbish", "POST", "/apps", None, b"{{{"),
    ]
}
