//! The forms of `Range` that real clients send.

use super::{PAGE_DEFAULT, PAGE_MAX, Range};

fn read(text: &str) -> Option<Range> {
    Range::parse(text).expect("it can be read")
}

#[test]
fn every_client_s_spelling_is_read() {
    for (text, field, max, descending) in [
        ("version ..; max=15, order=desc", "version", 15, true),
        ("version ..; order=desc,max=1", "version", 1, true),
        ("version ..; order=desc", "version", PAGE_DEFAULT, true),
        ("id ..; max=1000;", "id", 1_000, false),
        ("id ..; max=5000", "id", PAGE_MAX, false),
        ("id ..; max=0", "id", 1, false),
        ("domain ..; ;", "domain", PAGE_DEFAULT, false),
        ("id", "id", PAGE_DEFAULT, false),
    ] {
        let range = read(text).expect("a range");
        assert_eq!((range.field.as_str(), range.max, range.descending), (field, max, descending), "{text}");
        assert_eq!((range.from, range.to), (None, None), "{text}");
    }
    assert_eq!(read(""), None);
    assert_eq!(read("  ; ;"), None);
}

#[test]
fn bounds_are_open_only_where_the_bracket_says_so() {
    let range = read("name ]app-1..app-7[; max=10").expect("a range");
    let bound = |bound: Option<super::Bound>| bound.map(|it| (it.value, it.open));
    assert_eq!(bound(range.from), Some(("app-1".to_owned(), true)));
    assert_eq!(bound(range.to), Some(("app-7".to_owned(), true)));
    let range = read("name app-1..").expect("a range");
    assert_eq!((bound(range.from), bound(range.to)), (Some(("app-1".to_owned(), false)), None));
}

#[test]
fn nonsense_is_refused() {
    for text in ["id 1", "id ..; max", "id ..; max=many", "id ..; size=3"] {
        assert!(Range::parse(text).is_err(), "{text}");
    }
    // A byte range is a field nobody has: the list is whole.
    assert_eq!(read("bytes=0-5").map(|range| range.field), Some("bytes=0-5".to_owned()));
}
