//! Extras that clients ask for by header.

use http::{HeaderMap, HeaderValue};

use super::{Extras, extras};

#[test]
fn words_are_found_among_others() {
    let mut headers = HeaderMap::new();
    assert_eq!(extras(&headers), Extras::default());
    headers.insert("accept-expansion", HeaderValue::from_static("addon_service, plan"));
    headers.insert("accept-inclusion", HeaderValue::from_static("addon:plan,config_vars"));
    assert_eq!(extras(&headers), Extras { full_plan: true, addon_plan: true, config_vars: true });
    headers.insert("accept-expansion", HeaderValue::from_static("region,planet"));
    assert!(!extras(&headers).full_plan);
}
