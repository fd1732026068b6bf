use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::token;

fn token_of(value: &[u8]) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).ok()?);
    token(&headers).map(|token| token.expose_secret().to_owned())
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

#[test]
fn a_token_comes_as_bearer_or_as_anybodys_password() {
    for value in ["Bearer t0ken", "bearer  t0ken", &basic("heroku:t0ken"), &basic(":t0ken")] {
        assert_eq!(token_of(value.as_bytes()).as_deref(), Some("t0ken"), "{value}");
    }
    assert_eq!(token_of(basic("jane@example.com:a:b").as_bytes()).as_deref(), Some("a:b"));
}

#[test]
fn what_holds_no_token_is_no_credential() {
    for value in ["", "Bearer", "Bearer ", "Basic", "Basic !!", &basic("user"), &basic("user:"), "Digest x=y"]
    {
        assert_eq!(token_of(value.as_bytes()), None, "{value}");
    }
    assert_eq!(token_of(b"Basic \xff"), None);
    assert!(token(&HeaderMap::new()).is_none());
}

proptest! {
    #[test]
    fn any_password_is_found_again(user in "[^:]{0,8}", password in ".{1,30}", junk in any::<Vec<u8>>()) {
        prop_assert_eq!(token_of(basic(&format!("{user}:{password}")).as_bytes()), Some(password));
        let _never_panics = token_of(&junk);
    }
}
