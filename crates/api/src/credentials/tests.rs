//! Passwords, tokens and the header they come in.

use http::{HeaderMap, HeaderValue};
use model::config_var::Secret;

use super::{credentials, hash_password, is_password, new_token};

#[test]
fn a_password_is_known_by_its_hash_alone() {
    let hash = hash_password(&Secret::from("correct horse")).expect("a hash");
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    assert!(is_password(&Secret::from("correct horse"), Some(&hash)));
    assert!(!is_password(&Secret::from("correct horsf"), Some(&hash)));
    assert!(!is_password(&Secret::from("correct horse"), Some("not a hash")));
    assert!(!is_password(&Secret::from(""), None));
}

#[test]
fn tokens_are_long_different_and_fit_a_url() {
    let (one, other) = (new_token(), new_token());
    assert_ne!(one.expose_secret(), other.expose_secret());
    let text = one.expose_secret();
    assert_eq!(text.len(), "HOKKU-".len() + 43);
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
}

#[test]
fn a_header_that_is_no_credential_is_none() {
    let read = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static(value));
        credentials(&headers).map(|it| (it.user, it.secret.expose_secret().to_owned()))
    };
    let pair = |user: &str, secret: &str| Some((user.to_owned(), secret.to_owned()));
    assert_eq!(read("Bearer abc"), pair("", "abc"));
    assert_eq!(read("Basic YTpiOmM="), pair("a", "b:c"));
    for bad in ["abc", "Basic !", "Basic YWJj", "Basic", "Digest abc", ""] {
        assert_eq!(read(bad), None, "{bad}");
    }
    assert_eq!(credentials(&HeaderMap::new()), None);
}
