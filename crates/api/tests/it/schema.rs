//! Heroku's published schema, as far as its resources are served, and what it says about an answer.
//!
//! The data are facts of the Platform API's hyper-schema (github.com/heroku/platform-api, `schema.json` of 2026-02,
//! MIT): each resource's properties with type, format and nullability. `strict` there means that every property
//! must be present and no other; plain validators ignore it, this one does not. Patterns are left out: they name
//! Heroku's own hosts. Of `sni-endpoint` the schema is older than the official CLI: what that reads is added.

use serde_json::{Map, Value};

const DATA: &str = include_str!("../data/platform-api.json");

/// Values that differ on purpose: the schema only knows Amazon's regions.
const OTHER: [&str; 1] = ["region.provider.region"];

/// Everything that is wrong with `value` as a `resource`.
pub(crate) fn faults(resource: &str, value: &Value) -> Vec<String> {
    let all: Map<String, Value> = serde_json::from_str(DATA).expect("the data are JSON");
    let schema = all.get(resource).unwrap_or_else(|| panic!("no data about `{resource}`"));
    let mut faults = Vec::new();
    check(schema, value, resource, &mut faults);
    faults
}

fn check(schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let types: Vec<&str> =
        schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !types.is_empty() && !types.iter().any(|kind| is_of(kind, value)) {
        faults.push(format!("{at} is {value}, not {types:?}"));
        return;
    }
    match value {
        Value::Object(object) => check_object(schema, object, at, faults),
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter().for_each(|item| check(schema, item, &format!("{at}[]"), faults));
            }
        }
        Value::String(text) => check_text(schema, text, at, faults),
        _ => {}
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the data have a type `{other}`"),
    }
}

fn check_object(schema: &Value, object: &Map<String, Value>, at: &str, faults: &mut Vec<String>) {
    let flag = |name: &str| schema[name].as_bool().unwrap_or(false);
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let free = schema["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
    let required: Vec<String> = if flag("strict") {
        properties.keys().cloned().collect()
    } else {
        let listed = schema["required"].as_array().into_iter().flatten();
        listed.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    for name in required.iter().filter(|name| !object.contains_key(*name)) {
        faults.push(format!("{at}.{name} is missing"));
    }
    for (name, value) in object {
        let at = format!("{at}.{name}");
        match (properties.get(name), free) {
            (Some(schema), _) | (None, Some(schema)) => check(schema, value, &at, faults),
            (None, None) if flag("strict") || flag("closed") => faults.push(format!("{at} is not known")),
            (None, None) => {}
        }
    }
}

fn check_text(schema: &Value, text: &str, at: &str, faults: &mut Vec<String>) {
    let allowed = schema["enum"].as_array();
    let is_allowed = allowed.is_none_or(|words| words.iter().any(|word| word.as_str() == Some(text)));
    let has_format = match schema["format"].as_str() {
        Some("uuid") => text.parse::<model::id::AppId>().is_ok(),
        Some("date-time") => text.ends_with('Z') && text.parse::<model::time::Timestamp>().is_ok(),
        Some("email") => text.parse::<model::account::Email>().is_ok(),
        _ => true,
    };
    if !(OTHER.contains(&at) || is_allowed && has_format) {
        faults.push(format!("{at} is `{text}`, which is not {schema}"));
    }
}
