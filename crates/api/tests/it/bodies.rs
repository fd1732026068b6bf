//! Bodies that are not what a route takes, for every route: refused in words of the API, never in names of our types.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::access::{Things, body_of, path_of};
use crate::harness::{Api, OWNER};

/// Words of our own language and its libraries.
const OURS: [&str; 19] = [
    "struct", "enum", "variant", "variants", "sequence", "map", "tuple", "unit", "serde", "column", "field",
    "u8", "u16", "u32", "u64", "i32", "i64", "usize", "f64",
];

#[tokio::test]
async fn a_body_that_is_no_object_is_refused_or_ignored() {
    let mut refused = 0;
    for route in api::route_names().into_iter().filter(|route| route.method != Method::GET) {
        // Each with one of its own: some take something away, and an hour's requests are counted.
        let (mut api, mut things) = start().await;
        for body in [Value::Null, json!([]), json!(["x"]), json!("x"), json!(7), json!(true)] {
            let path = path_of(&api, route.path, &things);
            let answer = api.ask(OWNER, route.method.clone(), &path, Some(body.clone())).await;
            let what = format!("{} {path} {body}: {} {}", route.method, answer.status, answer.text);
            if answer.status.is_client_error() {
                let message = answer.json()["message"].as_str().expect("a message").to_owned();
                assert!(is_plain(&message), "{what}");
                if answer.status == StatusCode::BAD_REQUEST {
                    assert_eq!(
                        message, "Invalid JSON input. Require object with parameters as keys.",
                        "{what}"
                    );
                    refused += 1;
                }
            } else {
                assert!(answer.status.is_success(), "{what}");
                if route.method == Method::DELETE {
                    (api, things) = start().await;
                }
            }
        }
    }
    assert!(refused > 150, "only {refused} were refused");
}

#[tokio::test]
async fn a_property_of_the_wrong_kind_is_named() {
    let mut named = 0;
    for route in api::route_names() {
        let Some(body) = body_of(&route.method, route.path) else { continue };
        let (api, things) = start().await;
        let path = path_of(&api, route.path, &things);
        for body in variants(&body) {
            let answer = api.ask(OWNER, route.method.clone(), &path, Some(body.clone())).await;
            let what = format!("{} {path} {body}: {} {}", route.method, answer.status, answer.text);
            assert!(!answer.status.is_server_error(), "{what}");
            if answer.status.is_client_error() {
                let message = answer.json()["message"].as_str().expect("a message").to_owned();
                assert!(is_plain(&message), "{what}");
                named += usize::from(
                    message.starts_with("Invalid params: `") || message.starts_with("Require params: "),
                );
            }
        }
    }
    assert!(named > 60, "only {named} were named");
}

async fn start() -> (Api, Things) {
    let api = Api::start().await;
    let things = Things::make(&api).await;
    (api, things)
}

fn is_plain(message: &str) -> bool {
    let is_ours = |word: &str| OURS.contains(&word) || word.ends_with("Request");
    !message.contains("::") && !message.split(|c: char| !c.is_alphanumeric()).any(is_ours)
}

/// The value with one part of it left out, or of another kind.
fn variants(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(all) => all.iter().flat_map(|(name, part)| of_property(all, name, part)).collect(),
        Value::Array(all) => {
            let first = all.first().map(others).unwrap_or_default();
            first.into_iter().map(|other| json!([other])).collect()
        }
        _ => Vec::new(),
    }
}

fn of_property(all: &Map<String, Value>, name: &str, part: &Value) -> Vec<Value> {
    let with = |other: Value| {
        let mut all = all.clone();
        all.insert(name.to_owned(), other);
        Value::Object(all)
    };
    let mut without = all.clone();
    without.remove(name);
    others(part).into_iter().map(with).chain([Value::Object(without)]).collect()
}

/// What could stand in a value's place and should not.
fn others(value: &Value) -> Vec<Value> {
    let kinds = [Value::Null, json!(-7), json!(1.5), json!("x y"), json!([[]]), json!({ "x": {} })];
    kinds.into_iter().chain(variants(value)).collect()
}
