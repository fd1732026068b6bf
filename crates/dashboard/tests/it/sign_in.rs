//! Getting in, and who does not.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::browser::{APP, OWNER, Site, send};
use crate::fixture::PASSWORD;

#[tokio::test]
async fn a_session_begins_with_the_password_and_ends_for_good() {
    let site = Site::start().await;
    let mut browser = site.signed_in(OWNER).await;
    let apps = browser.get("/apps").await;
    assert!(apps.text.contains(APP) && apps.text.contains(OWNER), "{}", apps.text);
    let kept = browser.cookies.clone();
    let out = browser.send_form(&apps, "/logout", &[]).await;
    assert_eq!(out.location(), "/login");
    assert_eq!(browser.get("/apps").await.location(), "/login?next=%2Fapps");
    // Not only forgotten by the browser: the token is revoked.
    browser.cookies = kept;
    assert_eq!(browser.get("/apps").await.location(), "/login");
}

#[tokio::test]
async fn a_wrong_password_is_told_and_nothing_else() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let form = browser.get("/login?next=%2Fapps%2Frunning-app").await;
    for (email, password) in [(OWNER, "wrong"), ("nobody@example.com", PASSWORD), ("\"><script>", "x")] {
        let fields = [("email", email), ("password", password), ("next", "/apps/running-app")];
        let answer = browser.send_form(&form, "/login", &fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.text.contains("E-mail or password is wrong."), "{}", answer.text);
        assert!(!answer.text.contains("<script>") && !answer.text.contains("wrong\""));
    }
    let fields = [("email", OWNER), ("password", PASSWORD), ("next", "/apps/running-app")];
    assert_eq!(browser.send_form(&form, "/login", &fields).await.location(), "/apps/running-app");
}

#[tokio::test]
async fn nobody_sees_a_page_without_a_session() {
    let site = Site::start().await;
    let mut browser = site.browser();
    for path in pages(&site) {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location().starts_with("/login?next="), "{path}: {}", answer.location());
    }
    browser.cookies.insert("hokku".to_owned(), "1.made-up".to_owned());
    assert_eq!(browser.get("/apps").await.location(), "/login");
    let stranger = &mut site.signed_in("stranger@example.com").await;
    assert!(!stranger.get("/apps").await.text.contains(APP));
    for path in pages(&site).iter().filter(|path| path.contains(APP)) {
        let answer = stranger.get(path).await;
        assert!(answer.status == 404 || answer.status == 403, "{path}: {}", answer.status);
    }
}

/// Every page that is of somebody.
pub(crate) fn pages(site: &Site) -> Vec<String> {
    let app = format!("/apps/{APP}");
    let parts = ["", "/activity", "/logs", "/access", "/settings", "/settings?reveal=all"];
    let mut pages: Vec<_> = parts.iter().map(|part| format!("{app}{part}")).collect();
    pages.push(format!("{app}/activity/builds/{}", site.running.build.id));
    pages.push("/apps".to_owned());
    pages.push("/account".to_owned());
    pages
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let site = Site::start().await;
    let mut browser = site.signed_in(OWNER).await;
    let theirs = site.signed_in("stranger@example.com").await.get("/apps").await;
    let settings = format!("/apps/{APP}/settings");
    let mine = browser.get(&settings).await.form_key().to_owned();
    let destroy = format!("/apps/{APP}/destroy");
    for (key, from) in [
        (None, "same-origin"),
        (Some(""), "same-origin"),
        (Some(theirs.form_key()), "same-origin"),
        (Some(mine.as_str()), "same-site"),
        (Some(mine.as_str()), "cross-site"),
    ] {
        let mut fields = vec![("confirm", APP)];
        fields.extend(key.map(|key| ("form_key", key)));
        let answer = browser.post(&destroy, &fields, from).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{key:?} from {from}");
    }
    assert_eq!(browser.get(&settings).await.status, StatusCode::OK);
    // Nor can somebody be signed in to an account that is not theirs.
    let mut fresh = site.browser();
    let fields = [("email", OWNER), ("password", PASSWORD), ("form_key", theirs.form_key())];
    assert_eq!(fresh.post("/login", &fields, "same-origin").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn pages_keep_to_themselves() {
    let site = Site::start().await;
    let mut browser = site.signed_in(OWNER).await;
    let page = browser.get(&format!("/apps/{APP}/settings?reveal=all")).await;
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    // On a real domain a password never travels in the open.
    let client = wire::Client::new("https://api.example.com", None, "").expect("a client");
    let routes = dashboard::routes(dashboard::Context {
        client,
        url: "https://dashboard.example.com".to_owned(),
        plain_http: false,
        stop: site.stop.clone(),
    });
    let request = |proto| {
        let request = Request::get("/login?next=%2F").header("x-forwarded-proto", proto);
        request.body(Body::empty()).expect("a request")
    };
    let plain = send(&routes.pages, request("http")).await;
    assert_eq!(plain.location(), "https://dashboard.example.com/login?next=%2F");
    let secure = send(&routes.pages, request("https")).await;
    assert!(secure.header("set-cookie").starts_with("__Host-hokku-visitor="));
    assert!(secure.header("set-cookie").ends_with("; Secure"));
}
