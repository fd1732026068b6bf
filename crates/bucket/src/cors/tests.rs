use super::*;

fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> Rule {
    let owned = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect();
    Rule {
        id: None,
        origins: owned(origins),
        methods: owned(methods),
        headers: owned(headers),
        exposed: owned(&["ETag"]),
        max_age: Some(600),
    }
}

fn asked(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

#[test]
fn a_preflight_is_answered_by_the_first_rule_that_allows_all_of_it() {
    let rules = [
        rule(&["https://*.shop.test"], &["PUT"], &["x-amz-*"]),
        rule(&["*"], &["GET", "PUT"], &["Content-Type"]),
    ];
    let ask = |origin, method, headers| {
        preflight(
            &rules,
            &asked(&[
                (ORIGIN, origin),
                (ACCESS_CONTROL_REQUEST_METHOD, method),
                (ACCESS_CONTROL_REQUEST_HEADERS, headers),
            ]),
        )
    };
    let first = ask("https://www.shop.test", "PUT", "X-Amz-Date, x-amz-acl").expect("allowed");
    assert_eq!(first[ACCESS_CONTROL_ALLOW_ORIGIN], "https://www.shop.test");
    assert_eq!(first[ACCESS_CONTROL_ALLOW_HEADERS], "x-amz-date, x-amz-acl");
    assert_eq!(first[ACCESS_CONTROL_MAX_AGE], "600");
    let second = ask("https://www.shop.test", "PUT", "content-type").expect("allowed");
    assert_eq!(second[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(second[ACCESS_CONTROL_ALLOW_METHODS], "GET, PUT");
    assert!(ask("https://evil.test", "DELETE", "").is_none());
    assert!(ask("https://evil.test", "PUT", "x-amz-acl").is_none());
    assert!(preflight(&rules, &HeaderMap::new()).is_none());
}

#[test]
fn an_answer_names_an_origin_only_if_a_rule_allows_it() {
    let rules = [rule(&["https://a.test"], &["GET"], &[])];
    let from = |origin| asked(&[(ORIGIN, origin)]);
    assert_eq!(answer(&rules, "GET", &from("https://a.test"))[ACCESS_CONTROL_EXPOSE_HEADERS], "ETag");
    assert!(answer(&rules, "PUT", &from("https://a.test")).is_empty());
    assert!(answer(&rules, "GET", &from("https://a.test.evil")).is_empty());
    assert!(answer(&rules, "GET", &HeaderMap::new()).is_empty());
}

#[test]
fn rules_that_cannot_be_kept_are_refused() {
    let accepted = |rule: Rule| accept(vec![rule.into()]);
    assert!(accepted(rule(&["https://*.a.test"], &["GET"], &["*"])).is_ok());
    for bad in [
        rule(&["https://*.*.test"], &["GET"], &[]),
        rule(&["*"], &["get"], &[]),
        rule(&["*"], &["PATCH"], &[]),
    ] {
        assert!(accepted(bad).is_err());
    }
    assert!(accept(Vec::new()).is_err());
}

#[test]
fn a_pattern_covers_no_text_twice() {
    assert!(fits("a*a", "aa") && !fits("a*a", "a"));
    assert!(fits("*", "") && fits("x-amz-*", "x-amz-"));
}
