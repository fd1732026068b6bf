//! What the pages show, and what their buttons do.

use axum::http::StatusCode;
use model::log::{Line, Source};

use crate::browser::{APP, Browser, OWNER, Site};
use crate::fixture::now;
use crate::sign_in::pages;

async fn shown(browser: &mut Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    assert!(answer.text.ends_with("</html>"), "{path} is cut short");
    answer.text
}

#[tokio::test]
async fn the_owner_sees_every_page() {
    let site = Site::start().await;
    let mut browser = site.signed_in(OWNER).await;
    for path in pages(&site) {
        shown(&mut browser, &path).await;
    }
    let overview = shown(&mut browser, &format!("/apps/{APP}")).await;
    for word in ["web.1", "worker.1", "crashed", "gunicorn mysite.wsgi", "Deploy 954ab531"] {
        assert!(overview.contains(word), "{word}: {overview}");
    }
    let id = site.running.build.id;
    let activity = shown(&mut browser, &format!("/apps/{APP}/activity")).await;
    assert!(activity.contains(&format!("/activity/builds/{id}")) && activity.contains("Initial release"));
    // The log of a failed build names the app by its id.
    let by_id = format!("/apps/{}/activity/builds/{id}", site.running.app.id);
    assert!(shown(&mut browser, &by_id).await.contains("-----&gt; Building\n-----&gt; Done\n</pre>"));
    let logs = shown(&mut browser, &format!("/apps/{APP}/logs")).await;
    assert!(logs.contains("app[web.1]: Listening on 5000"), "{logs}");
    assert_eq!(browser.get("/apps/no-such-app").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/apps/..%2Faccount").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn values_of_config_vars_are_shown_only_when_asked_for() {
    let site = Site::start().await;
    let mut browser = site.signed_in(OWNER).await;
    let settings = format!("/apps/{APP}/settings");
    let page = browser.get(&settings).await;
    let fields = [("name", "GREETING"), ("value", "line one\r\nline <b>two</b>")];
    let set = browser.send_form(&page, &format!("/apps/{APP}/config"), &fields).await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text);
    let page = shown(&mut browser, &settings).await;
    assert!(page.contains("GREETING") && !page.contains("line one"), "{page}");
    let revealed = browser.get(&format!("{settings}?reveal=all")).await;
    assert!(revealed.text.contains("line one\nline &lt;b&gt;two&lt;/b&gt;</textarea>"), "{}", revealed.text);
    let fields = [("name", "GREETING"), ("remove", "yes")];
    browser.send_form(&revealed, &format!("/apps/{APP}/config"), &fields).await;
    assert!(!shown(&mut browser, &settings).await.contains("GREETING"));
}

#[tokio::test]
async fn what_tenants_write_is_only_text() {
    let site = Site::start().await;
    let mut browser = site.signed_in(OWNER).await;
    let evil = "<script>alert(1)</script><!--output-->\"'";
    let line = |process: &str| Line {
        at: now(),
        source: Source::App,
        process: process.to_owned(),
        message: evil.to_owned(),
    };
    site.cx.logs.append(site.running.app.id, line("web.1"));
    let page = browser.get(&format!("/apps/{APP}/settings")).await;
    let config = format!("/apps/{APP}/config");
    browser.send_form(&page, &config, &[("name", "EVIL"), ("value", evil)]).await;
    let app = site.running.app.id;
    let owner = site.running.app.owner;
    let released = site.cx.store.write(move |tx| {
        tx.create_release(&store::NewRelease {
            app,
            slug: None,
            description: evil.to_owned(),
            user: owner,
            runs_command: false,
        })
    });
    released.await.expect("a release");
    for path in pages(&site) {
        let page = shown(&mut browser, &path).await;
        assert!(!page.contains("<script>alert"), "{path}: {page}");
    }
    let logs = shown(&mut browser, &format!("/apps/{APP}/logs")).await;
    assert!(logs.contains("&lt;script&gt;alert(1)"), "{logs}");
    let activity = shown(&mut browser, &format!("/apps/{APP}/activity")).await;
    assert!(activity.contains("&lt;script&gt;alert(1)"), "{activity}");
    let refused = browser.send_form(&page, &config, &[("name", evil), ("value", "x")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.text.contains("<script>alert"), "{}", refused.text);
}

#[tokio::test]
async fn the_buttons_do_what_they_say() {
    let site = Site::start().await;
    let mut browser = site.signed_in(OWNER).await;
    let app = format!("/apps/{APP}");
    let page = browser.get(&app).await;
    let scaled =
        browser.send_form(&page, &format!("{app}/scale"), &[("type", "web"), ("quantity", "3")]).await;
    assert_eq!(scaled.location(), app, "{}", scaled.text);
    let page = browser.get(&app).await;
    assert!(page.text.contains("value=\"3\""), "{}", page.text);
    let refused =
        browser.send_form(&page, &format!("{app}/scale"), &[("type", "web"), ("quantity", "-1")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for dyno in ["web.1", ""] {
        let answer = browser.send_form(&page, &format!("{app}/restart"), &[("dyno", dyno)]).await;
        assert_eq!(answer.location(), app, "{dyno}: {}", answer.text);
    }
    let back = browser.send_form(&page, &format!("{app}/rollback"), &[("release", "v3")]).await;
    assert_eq!(back.location(), app, "{}", back.text);
    assert!(shown(&mut browser, &format!("{app}/activity")).await.contains("Rollback to v3"));
    browser.send_form(&page, &format!("{app}/maintenance"), &[("to", "on")]).await;
    assert!(shown(&mut browser, &app).await.contains("maintenance"));
    let renamed = browser.send_form(&page, &format!("{app}/rename"), &[("name", "other-name")]).await;
    assert_eq!(renamed.location(), "/apps/other-name/settings", "{}", renamed.text);
    let kept = browser.send_form(&page, "/apps/other-name/destroy", &[("confirm", APP)]).await;
    assert_eq!(kept.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = browser.send_form(&page, "/apps/other-name/destroy", &[("confirm", "other-name")]).await;
    assert_eq!(gone.location(), "/apps", "{}", gone.text);
    let made = browser.send_form(&page, "/apps", &[("name", "brand-new")]).await;
    assert_eq!(made.location(), "/apps/brand-new", "{}", made.text);
    let fresh = shown(&mut browser, "/apps/brand-new").await;
    assert!(fresh.contains("git remote add heroku https://localhost:5443/brand-new.git"), "{fresh}");
}

#[tokio::test]
async fn the_log_goes_on_as_events() {
    let site = Site::start().await;
    let mut browser = site.signed_in(OWNER).await;
    let path = format!("/apps/{APP}/logs/stream");
    let past = browser.follow(&path, "web.2").await;
    assert!(past.starts_with("retry: ") && past.contains("data: "), "{past}");
    let line = |message: &str| Line {
        at: now(),
        source: Source::App,
        process: "web.1".to_owned(),
        message: message.to_owned(),
    };
    let (logs, app) = (site.cx.logs.clone(), site.running.app.id);
    let speaking = async move {
        // Again and again, for nobody tells when the browser listens.
        let mut every = tokio::time::interval(std::time::Duration::from_millis(50));
        loop {
            every.tick().await;
            logs.append(app, line("news"));
        }
    };
    tokio::select! {
        text = browser.follow(&path, "news") => assert!(text.contains("app[web.1]: news"), "{text}"),
        () = speaking => {}
    }
}

#[tokio::test]
async fn a_page_s_style_and_script_are_there() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let page = browser.get("/login").await;
    for (attribute, mime) in [("href=\"/assets/", "text/css"), ("src=\"/assets/", "text/javascript")] {
        let rest = page.text.split_once(attribute).expect("an asset").1;
        let asset = browser.get(&format!("/assets/{}", rest.split('"').next().expect("its end"))).await;
        assert!(asset.status.is_success() && asset.header("content-type").starts_with(mime));
        assert!(asset.header("cache-control").ends_with("immutable"));
    }
}
