use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::{Token, Visit};

fn headers(proto: &'static str, cookie: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
    headers.insert(COOKIE, HeaderValue::from_str(cookie).expect("a cookie"));
    headers
}

#[test]
fn over_https_a_cookie_is_of_this_host_only() {
    let token = Token { authorization: "1".to_owned(), text: "secret".to_owned() };
    let cookie = Visit::of(&headers("https", "")).signed_in(&token).expect("a cookie");
    let expected = "__Host-hokku=1.secret; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure";
    assert_eq!(cookie.to_str().ok(), Some(expected));
    // What an app on a sibling host could plant is not looked at.
    assert!(Visit::of(&headers("https", "hokku=1.planted; hokku-visitor=planted")).session.is_none());
    let visit = Visit::of(&headers("https", "other=1; __Host-hokku=1.secret"));
    assert_eq!(visit.session, Some(token));
    assert!(!format!("{visit:?}").contains("secret"));
}

#[test]
fn a_form_s_key_belongs_to_one_browser() {
    let mine = Visit::of(&headers("https", "__Host-hokku-visitor=mine"));
    let (key, cookie) = mine.form_key_before_session();
    assert!(cookie.is_none() && mine.knows(&key.0));
    let theirs = Visit::of(&headers("https", "__Host-hokku-visitor=theirs"));
    assert!(!theirs.knows(&key.0));
    let nobody = Visit::of(&headers("https", ""));
    assert!(!nobody.knows(&key.0) && !nobody.knows(""));
    assert!(nobody.form_key_before_session().1.is_some());
}
