//! The sample Django app from the first push to rows in Postgres, and the database's commands, as the guide has them.

use serde_json::json;

use crate::developer::Developer;
use crate::http::Answer;
use crate::server::Server;
use crate::session::Session;
use crate::until::{PATIENCE, until};

const APP: &str = "events";
const HOST: &str = "events.localhost";

#[test]
fn a_django_app_lives_on_postgres() {
    let server = Server::start();
    let developer = Developer::new(&server, "django-events");
    let mut session = Session::new(&developer);
    session.heroku(&["create", APP]).ok();
    session.heroku(&["addons:create", "heroku-postgresql:mini"]).ok();
    let url = until("there is a database", PATIENCE, || server.config_var(APP, "DATABASE_URL"));
    developer.heroku(&["config:set", "HEROKU=1", "SECRET_KEY=no-secret-in-a-test"]).ok();
    session.git(&["push", "heroku", "main"]).ok();
    session.compare("django_push");

    announce(&server, "Reading poems");
    let home = server.page(APP, "/");
    assert!(home.text().contains("Reading poems") && !home.text().contains("Nothing yet"), "{}", home.text());
    let health = server.page(APP, "/healthz").json();
    assert_eq!(
        health,
        json!({ "release": "first edition", "dyno": "web.1", "database": "postgresql", "status": "ok" })
    );
    assert_eq!(static_file(&server, &home.text()).status, 200, "whitenoise serves what collectstatic made");

    session.heroku(&["addons"]).ok();
    session.heroku(&["pg:psql", "-c", "SELECT title, category FROM events_event"]).ok();
    session.heroku(&["run", "--exit-code", "python manage.py migrate"]).ok();
    session.heroku(&["run", "--exit-code", "python manage.py showmigrations events"]).ok();
    session.compare("django_database");

    from_this_machine(&developer, &url);
    by_the_next_release(&server, &developer);
    session.heroku(&["releases:output"]).ok();
    session.heroku(&["addons:destroy", "heroku-postgresql", "--confirm", APP]).ok();
    session.heroku(&["addons"]).ok();
    session.heroku(&["config:get", "DATABASE_URL"]).ok();
    session.compare("django_end");
    let gone = developer.run("psql", &[&url, "-Atc", "SELECT 1"]);
    assert_ne!(gone.code, 0, "the database is gone: {}", gone.said());
}

/// Fills in the form of the home page, as a browser would.
fn announce(server: &Server, title: &str) {
    let mut browser = server.client().connect(HOST).expect("the app's certificate is trusted");
    let form = browser.send("GET", "/", &[], b"").expect("the form");
    let token = between(&form.text(), "name=\"csrfmiddlewaretoken\" value=\"", "\"");
    let cookie = between(form.header("set-cookie").expect("a cookie"), "", ";");
    let origin = format!("https://{HOST}:{}", server.port());
    let fields = format!(
        "csrfmiddlewaretoken={token}&title={}&category=other&place=Here&starts_at=2030-01-01T20:00&description=x",
        title.replace(' ', "+")
    );
    let headers = [
        ("Cookie", cookie.as_str()),
        ("Origin", origin.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let answer = browser.send("POST", "/", &headers, fields.as_bytes()).expect("an answer");
    assert_eq!(answer.status, 302, "{}", answer.text());
}

fn static_file(server: &Server, page: &str) -> Answer {
    let path = between(page, "href=\"/static/", "\"");
    server.page(APP, &format!("/static/{path}"))
}

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {text}")).1;
    rest.split(after).next().unwrap_or_default().to_owned()
}

/// The URL of the config var works where the developer sits, and only over TLS.
fn from_this_machine(developer: &Developer, url: &str) {
    let psql =
        |mode: &str| developer.run("psql", &[&format!("{url}?sslmode={mode}"), "-Atc", "SELECT 6 * 7"]);
    assert_eq!(psql("require").ok().out.trim(), "42");
    assert_ne!(psql("disable").code, 0, "no password goes over the wire in the open");
}

/// A second push runs the release command again, and its output is kept.
fn by_the_next_release(server: &Server, developer: &Developer) {
    developer.write("eventsite/version.py", "RELEASE_MARKER = \"second\"\n");
    developer.commit("second");
    let pushed = developer.push().ok();
    assert!(pushed.err.contains("No migrations to apply."), "{}", pushed.err);
    assert_eq!(server.page(APP, "/healthz").json()["release"], "second");
    assert!(server.page(APP, "/").text().contains("Reading poems"), "rows outlive a deploy");
}
