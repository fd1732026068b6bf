//! The forms that real clients were seen to send.

use super::{Flag, Named, Text};

fn text(json: &str) -> Option<String> {
    serde_json::from_str::<Text>(json).ok().map(String::from)
}

fn named(json: &str) -> Option<String> {
    serde_json::from_str::<Named>(json).ok().map(String::from)
}

#[test]
fn a_quantity_may_be_text_or_number() {
    assert_eq!(text(r#""+1""#).as_deref(), Some("+1"));
    assert_eq!(text("2").as_deref(), Some("2"));
    assert_eq!(text("-1").as_deref(), Some("-1"));
    assert_eq!(text("true").as_deref(), Some("true"));
    assert_eq!(text("[2]"), None);
    assert_eq!(text("null"), None);
}

#[test]
fn a_plan_may_be_text_or_object() {
    assert_eq!(named(r#""heroku-postgresql:mini""#).as_deref(), Some("heroku-postgresql:mini"));
    assert_eq!(named(r#"{"name":"heroku-postgresql"}"#).as_deref(), Some("heroku-postgresql"));
    assert_eq!(named(r#"{"id":"01234567"}"#).as_deref(), Some("01234567"));
    assert_eq!(named(r#"{"plan":"x"}"#), None);
    assert_eq!(named("7"), None);
}

#[test]
fn a_switch_may_be_a_number_of_two() {
    let flag = |json: &str| serde_json::from_str::<Flag>(json).ok().map(bool::from);
    assert_eq!([flag("true"), flag("1")], [Some(true); 2]);
    assert_eq!([flag("false"), flag("0")], [Some(false); 2]);
    assert_eq!([flag("2"), flag(r#""yes""#), flag("null")], [None; 3]);
}
