use proptest::prelude::*;

use super::{normalise, parent};

#[test]
fn hosts_as_clients_send_them() {
    let table = [
        ("app.example.com", Some("app.example.com")),
        ("App.Example.COM:8080", Some("app.example.com")),
        ("app.example.com.", Some("app.example.com")),
        ("app.example.com:", Some("app.example.com")),
        ("127.0.0.1:5080", Some("127.0.0.1")),
        ("[::1]:80", Some("::1")),
        ("[0:0::1]", Some("::1")),
        ("my_app.localhost", Some("my_app.localhost")),
        ("", None),
        (".", None),
        (":80", None),
        (".example.com", None),
        ("a..b", None),
        ("a b", None),
        ("user@host", None),
        ("a:80:90", None),
        ("a:http", None),
        ("a:123456", None),
        ("[::1", None),
        ("[::1]x", None),
        ("[not:an:address]", None),
        ("ex%61mple.com", None),
        ("é.example", None),
        ("a/b", None),
    ];
    for (given, expected) in table {
        assert_eq!(normalise(given.as_bytes()).as_deref(), expected, "{given}");
    }
}

#[test]
fn a_wildcard_covers_one_label() {
    assert_eq!(parent("a.b.c"), Some("b.c"));
    assert_eq!(parent("localhost"), None);
}

proptest! {
    #[test]
    fn any_bytes_give_a_clean_host_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(host) = normalise(&bytes) {
            prop_assert!(!host.is_empty() && host.len() <= 253);
            prop_assert!(host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:".contains(&b)));
            prop_assert!(!host.bytes().any(|b| b.is_ascii_uppercase()));
        }
    }

    #[test]
    fn normalising_twice_changes_nothing(text in "[a-zA-Z0-9_-]{1,20}(\\.[a-zA-Z0-9-]{1,10}){0,4}\\.?(:[0-9]{0,5})?") {
        let once = normalise(text.as_bytes()).expect("such a text is a host");
        prop_assert_eq!(normalise(once.as_bytes()), Some(once.clone()));
    }
}
