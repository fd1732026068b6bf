//! Databases as their owners handle them: several per app, shared, measured, emptied, and with other credentials, all by
//! the official `heroku` command.

use std::time::Duration;

use serde_json::{Value, json};

use crate::developer::Developer;
use crate::load::Load;
use crate::server::{Server, free_ports};
use crate::session::Session;
use crate::until::{PATIENCE, SOON, until, until_true};

const APP: &str = "shelf";

/// The value of a config var, once it is there.
fn var(server: &Server, app: &str, key: &str) -> String {
    until(&format!("{app} has {key}"), PATIENCE, || server.config_var(app, key))
}

/// How many roles there are for add-ons.
fn roles(developer: &Developer, url: &str) -> String {
    let counting = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^u[a-z0-9]{13}$'";
    developer.psql(url, counting).ok().out.trim().to_owned()
}

#[test]
fn databases_are_shared_promoted_and_renamed() {
    let server = Server::start();
    let developer = Developer::new(&server, "hello");
    let mut session = Session::new(&developer);
    server.change("POST", "/apps", &json!({ "name": APP }));
    server.change("POST", "/apps", &json!({ "name": "reader" }));
    session.heroku(&["addons:services"]).ok();
    session.heroku(&["addons:plans", "heroku-postgresql"]).ok();
    let create = ["addons:create", "heroku-postgresql:mini", "--name", "first", "--app", APP, "--wait"];
    session.heroku(&create).ok();
    let second =
        ["addons:create", "heroku-postgresql:essential-0", "--name", "second", "--as", "SPARE", "--app", APP];
    session.heroku(&second).ok();
    // Says something only when it is not there yet.
    developer.heroku(&["addons:wait", "second", "--app", APP]).ok();
    let (first, spare) = (var(&server, APP, "DATABASE_URL"), var(&server, APP, "SPARE_URL"));
    session.heroku(&["config:set", "SPARE_URL=postgres://mine", "--app", APP]);

    session.heroku(&["addons:attach", "first", "--app", "reader"]).ok();
    assert_eq!(var(&server, "reader", "DATABASE_URL"), first, "both apps have the same database");
    session
        .heroku(&["addons:attach", "second", "--as", "DATABASE", "--app", "reader", "--confirm", "reader"])
        .ok();
    assert_eq!(var(&server, "reader", "DATABASE_URL"), spare);
    session.heroku(&["addons:detach", "DATABASE", "--app", "reader"]).ok();
    session.heroku(&["addons:detach", "SPARE", "--app", APP]);

    session.heroku(&["pg:promote", "SPARE", "--app", APP]).ok();
    assert_eq!(var(&server, APP, "DATABASE_URL"), spare);
    let alias = server.get(&format!("/apps/{APP}/addon-attachments"));
    let alias = alias.as_array().expect("a list").iter().find(|it| it["addon"]["name"] == "first").cloned();
    let alias =
        alias.expect("the one that was there keeps a name")["name"].as_str().expect("a name").to_owned();
    assert!(alias.starts_with("HEROKU_POSTGRESQL_"), "{alias}");
    assert_eq!(var(&server, APP, &format!("{alias}_URL")), first);

    session.heroku(&["addons:upgrade", "first", "heroku-postgresql:standard-0", "--app", APP]).ok();
    session.heroku(&["addons:upgrade", "first", "heroku-postgresql:teapot", "--app", APP]);
    session.heroku(&["addons:rename", "first", "archive"]).ok();
    session.heroku(&["addons:info", "archive", "--app", APP]);
    until_true("the new plan's connections", PATIENCE, || {
        let limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user";
        developer.psql(&first, limit).ok().out.trim() == "120"
    });
    session.compare_with(
        "databases_shared",
        &[
            (r"HEROKU_POSTGRESQL_[A-Z]+", "HEROKU_POSTGRESQL_[COLOR]"),
            (r"Installed at: [^\n]*", "Installed at: [time]"),
        ],
    );
}

/// Adds a row, and takes it back.
const TRY: &str = "BEGIN; INSERT INTO things VALUES (0); ROLLBACK";

#[test]
fn a_database_is_measured_watched_and_emptied() {
    let server = Server::start_with(&["--database-grace=0", "--database-inspect-every=1"]);
    let developer = Developer::new(&server, "hello");
    let mut session = Session::new(&developer);
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer
        .heroku(&["addons:create", "heroku-postgresql:mini", "--name", "main", "--app", APP, "--wait"])
        .ok();
    session.heroku(&["pg:wait", "--app", APP]).ok();
    let url = var(&server, APP, "DATABASE_URL");
    developer
        .psql(&url, "CREATE TABLE things (n int); INSERT INTO things SELECT generate_series(1, 10001)")
        .ok();
    until_true("INSERT is revoked", PATIENCE, || developer.psql(&url, TRY).code != 0);
    let denied =
        developer.psql(&url, "GRANT INSERT ON things TO CURRENT_USER; INSERT INTO things VALUES (0)");
    assert!(denied.err.contains("permission denied for table things"), "{}", denied.err);
    session.heroku(&["pg:info", "--app", APP]).ok();
    developer.psql(&url, "UPDATE things SET n = n + 1; DELETE FROM things WHERE n <= 1000").ok();
    until_true("INSERT is given back", PATIENCE, || developer.psql(&url, TRY).code == 0);
    until_true("the log tells", SOON, || {
        let log = server.logs(APP, 100);
        log.contains("app[heroku-postgres]: main is still over the limits of its plan: 10001 rows of 10000.")
            && log.contains("app[heroku-postgres]: main keeps to the limits of its plan again")
    });

    let sleeper = developer.start("psql", &[&format!("{url}?sslmode=require"), "-c", "SELECT pg_sleep(600)"]);
    let pid = until("the query runs", PATIENCE, || {
        let running =
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'";
        Some(developer.psql(&url, running).ok().out.trim().to_owned()).filter(|pid| !pid.is_empty())
    });
    let shown = developer.heroku(&["pg:ps", "--app", APP]).ok().out;
    assert!(shown.contains(&pid) && shown.contains("SELECT pg_sleep(600)"), "{shown}");
    session.heroku(&["pg:psql", "--app", APP, "-c", "SELECT count(*) FROM things"]).ok();
    let killed = developer.heroku(&["pg:kill", &pid, "--app", APP]).ok().out;
    assert!(killed.contains(" t"), "{killed}");
    assert!(sleeper.end().err.contains("canceling statement due to user request"), "it was told so");
    let sleeper = developer.start("psql", &[&format!("{url}?sslmode=require"), "-c", "SELECT pg_sleep(600)"]);
    until_true("it sleeps again", PATIENCE, || {
        let running =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'";
        developer.psql(&url, running).ok().out.trim() == "1"
    });
    session.heroku(&["pg:killall", "--app", APP]).ok();
    assert_ne!(sleeper.end().code, 0, "its connection was ended");

    session.heroku(&["pg:reset", "--app", APP, "--confirm", APP]).ok();
    let tables = developer.psql(&url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").ok().out;
    assert_eq!(tables.trim(), "0");
    developer.psql(&url, "CREATE TABLE things (n int); INSERT INTO things VALUES (1)").ok();
    session.heroku(&["pg:credentials", "--app", APP]).ok();
    let told = developer.heroku(&["pg:credentials:url", "--app", APP]).ok().out;
    assert!(told.contains(&url), "{told}");
    session.compare_with(
        "databases_upkeep",
        &[
            (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "[time]"),
            (r"\(\d+\.\d\d%\)", "([percent])"),
            (r"(PG Version:\s+)[\d.]+", "$1[version]"),
            (r"(Connections:\s+)\d+/", "$1[number]/"),
        ],
    );
}

/// The state of an app's credentials, and the URL that opens its database.
fn credentials(server: &Server, addon: &str) -> Value {
    server.get(&format!("/postgres/v0/databases/{addon}/credentials/default"))
}

#[test]
fn other_credentials_and_another_database_lose_no_request() {
    const APP: &str = "events";
    // Not one that the next server to start on this machine would pick while Postgres is dead.
    let [postgres] = free_ports();
    let mut server = Server::start_with(&[&format!("--postgres-port={postgres}")]);
    let developer = Developer::new(&server, "django-events");
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer.add_remote(&server, APP);
    developer.heroku(&["addons:create", "heroku-postgresql:mini", "--name", "main", "--wait"]).ok();
    developer.heroku(&["config:set", "HEROKU=1", "SECRET_KEY=no-secret-in-a-test"]).ok();
    developer.push().ok();
    let old = var(&server, APP, "DATABASE_URL");
    let everybody = Load::start(&server.client(), APP);

    let rotated = developer.heroku(&["pg:credentials:rotate", "--confirm", APP]).ok();
    assert!(rotated.err.contains("Rotating default on"), "{}", rotated.err);
    let new = until("other credentials", PATIENCE, || {
        Some(var(&server, APP, "DATABASE_URL")).filter(|it| *it != old)
    });
    until_true("the old ones are gone", PATIENCE, || credentials(&server, "main")["state"] == "active");
    everybody.pass(50);
    assert!(developer.psql(&old, "SELECT 1").err.contains("password authentication failed"));
    developer.psql(&new, "SELECT count(*) FROM events_event").ok();
    assert_eq!(roles(&developer, &new), "1");

    // The release phase prepares the other database before the app is moved to it.
    developer
        .heroku(&[
            "addons:create",
            "heroku-postgresql:essential-0",
            "--name",
            "other",
            "--as",
            "OTHER",
            "--wait",
        ])
        .ok();
    let other = var(&server, APP, "OTHER_URL");
    let promoted = developer.heroku(&["pg:promote", "OTHER"]).ok();
    assert!(promoted.err.contains("pg:promote succeeded."), "{}", promoted.err);
    assert_eq!(var(&server, APP, "DATABASE_URL"), other);
    everybody.pass(50);
    everybody.end_without_loss();
    developer.psql(&other, "SELECT count(*) FROM events_event").ok();
    let event = "INSERT INTO events_event (title, category, place, starts_at, description, image, created_at)
                 VALUES ('Told elsewhere', 'other', 'Here', now() + interval '1 day', '', '', now())";
    developer.psql(&other, event).ok();
    assert!(server.page(APP, "/").text().contains("Told elsewhere"), "the app uses it");

    killed_in_between(&mut server, &developer, APP);
}

/// A rotation and a reset that are cut off are completed by the next server, and leave nothing behind.
fn killed_in_between(server: &mut Server, developer: &Developer, app: &str) {
    let path = "/postgres/v0/databases/other/credentials/default/credentials_rotation";
    for pause in [0, 20, 200] {
        let before = var(server, app, "DATABASE_URL");
        server.change("POST", path, &json!({}));
        std::thread::sleep(Duration::from_millis(pause));
        server.kill();
        developer.psql(&before, "SELECT 1").ok();
        server.start_again();
        until("other credentials", PATIENCE, || {
            Some(var(server, app, "DATABASE_URL")).filter(|it| *it != before)
        });
        until_true("the old ones are gone", PATIENCE, || credentials(server, "other")["state"] == "active");
        assert_ne!(developer.psql(&before, "SELECT 1").code, 0);
    }
    let url = var(server, app, "DATABASE_URL");
    assert_eq!(roles(developer, &url), "2", "one of each database");
    assert_eq!(server.page(app, "/").status, 200);

    // Postgres is killed while it is asked for others.
    let postmaster = server.processes(&["postgres", "-D"]);
    server.change("POST", path, &json!({ "forced": true }));
    for pid in postmaster {
        let _gone =
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
    }
    let newest = until("other credentials", PATIENCE, || {
        Some(var(server, app, "DATABASE_URL")).filter(|it| *it != url)
    });
    until_true("the old ones are gone", PATIENCE, || credentials(server, "other")["state"] == "active");
    until_true("it answers", PATIENCE, || developer.psql(&newest, "SELECT 1").code == 0);
    assert_eq!(roles(developer, &newest), "2");
    // Until then a one-off dyno has the credentials that were ended.
    until_true("a release with them runs", PATIENCE, || server.newest_release(app)["current"] == true);
    developer.heroku(&["pg:reset", "--confirm", app]).ok();
    developer.heroku(&["run", "--exit-code", "python manage.py migrate"]).ok();
    until_true("the app serves from the empty database", PATIENCE, || server.page(app, "/").status == 200);
}
