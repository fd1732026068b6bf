use model::id::AppId;
use model::webhook::{Action, Resource};
use serde_json::{Value, json};
use store::Change;

use super::{Thing, what_happened};

fn thing(value: Value) -> Option<Thing> {
    match value {
        Value::Object(thing) => Some(thing),
        _ => None,
    }
}

/// The action and `previous_data` of a thing that was, and is.
fn told(resource: Resource, is_new: bool, before: Value, now: Value) -> Option<(Action, Value)> {
    let change = Change { resource, id: "x".to_owned(), app: AppId::from_u128(1), is_new };
    let (action, _, previous) = what_happened(&change, thing(before), thing(now))?;
    Some((action, Value::Object(previous)))
}

#[test]
fn what_was_and_what_is_make_an_action() {
    let release = |is_new, before, now| told(Resource::Release, is_new, before, now);
    let none = Value::Null;
    assert_eq!(release(true, none.clone(), json!({ "a": 1 })), Some((Action::Create, json!({}))));
    assert_eq!(release(false, none.clone(), json!({ "a": 1 })), Some((Action::Update, json!({}))));
    let (one, two) = (json!({ "a": 1, "b": 1 }), json!({ "a": 2, "b": 1 }));
    assert_eq!(release(false, one.clone(), two), Some((Action::Update, json!({ "a": 1 }))));
    assert_eq!(release(false, one.clone(), one.clone()), None);
    assert_eq!(release(false, one, none.clone()), Some((Action::Destroy, json!({}))));
    assert_eq!(release(true, none.clone(), none), None, "made and removed in one transaction");
    let at = |time: u32| json!({ "updated_at": time, "output_stream_url": time });
    assert_eq!(release(false, at(1), at(2)), None, "nothing happened");
}

#[test]
fn a_dyno_ends_once() {
    let dyno = |before: &str, now: &str| {
        let state = |state: &str| if state.is_empty() { Value::Null } else { json!({ "state": state }) };
        told(Resource::Dyno, false, state(before), state(now)).map(|(action, _)| action)
    };
    assert_eq!(dyno("starting", "up"), Some(Action::Update));
    assert_eq!(dyno("up", "crashed"), Some(Action::Destroy));
    assert_eq!(dyno("stopping", "down"), Some(Action::Destroy));
    assert_eq!(dyno("down", ""), None);
    assert_eq!(dyno("up", ""), Some(Action::Destroy));
    assert_eq!(dyno("crashed", "starting"), Some(Action::Update));
}
