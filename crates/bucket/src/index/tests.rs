use super::*;

fn index(keys: &[&str]) -> Index {
    let mut index = Index::default();
    for key in keys {
        index.insert(key, Entry { size: 10, etag: "e".into(), modified: 0, public: false });
    }
    index
}

fn names(page: &Page) -> Vec<&str> {
    page.items.iter().map(Item::name).collect()
}

/// All pages of a list, one after the other.
fn all(index: &Index, prefix: &str, delimiter: &str, max: usize) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = index.page(&Query { prefix, delimiter, after: &after, max });
        assert!(page.items.len() <= max);
        found.extend(names(&page).into_iter().map(str::to_owned));
        match page.next {
            Some(next) => after = next,
            None => return found,
        }
    }
}

const KEYS: [&str; 8] = ["a", "a/1", "a/2", "a/b/3", "a0", "z/", "é/ü", "é/ü/1"];

#[test]
fn a_list_is_the_same_in_whatever_pages() {
    let index = index(&KEYS);
    for max in 1..10 {
        assert_eq!(all(&index, "", "", max), KEYS);
        assert_eq!(all(&index, "", "/", max), ["a", "a/", "a0", "z/", "é/"]);
        assert_eq!(all(&index, "a/", "/", max), ["a/1", "a/2", "a/b/"]);
        assert_eq!(all(&index, "é/", "ü", max), ["é/ü"]);
        assert!(all(&index, "none", "/", max).is_empty());
    }
}

#[test]
fn a_list_begins_where_it_is_told() {
    let index = index(&KEYS);
    let from = |after| index.page(&Query { prefix: "a/", delimiter: "", after, max: 100 });
    assert_eq!(names(&from("a/1")), ["a/2", "a/b/3"]);
    assert_eq!(names(&from("")), ["a/1", "a/2", "a/b/3"]);
    assert_eq!(names(&from("0")), ["a/1", "a/2", "a/b/3"], "before the prefix");
    assert!(from("b").items.is_empty(), "behind the prefix");
}

#[test]
fn bytes_are_those_of_what_is_there() {
    let mut index = index(&["a", "b"]);
    index.insert("a", Entry { size: 3, etag: "f".into(), modified: 0, public: true });
    assert_eq!((index.bytes(), index.len()), (13, 2));
    index.remove("b");
    index.remove("b");
    assert_eq!((index.bytes(), index.len()), (3, 1));
}

#[test]
fn the_last_name_of_all_has_none_behind_it() {
    assert_eq!(behind(""), None);
    assert_eq!(behind("\u{10ffff}"), None);
    assert_eq!(behind("a\u{10ffff}").as_deref(), Some("b"));
    assert_eq!(behind("\u{d7ff}").as_deref(), Some("\u{e000}"), "over the gap of the surrogates");
}
