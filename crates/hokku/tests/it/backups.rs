//! Backups with the official client: captured, downloaded, restored after a loss, shared, copied, scheduled, thrown away,
//! and cancelled.

use serde_json::json;

use crate::developer::Developer;
use crate::server::Server;
use crate::until::{PATIENCE, until, until_true};

const APP: &str = "keeper";
const OTHER: &str = "other";

#[test]
fn what_is_lost_comes_back_to_the_last_row() {
    let server = Server::start();
    let developer = Developer::new(&server, "hello");
    let (url, other_url) = (database(&server, APP), database(&server, OTHER));
    let psql = |url: &str, sql: &str| developer.psql(url, sql).ok().out.trim().to_owned();
    let heroku = |args: &[&str]| {
        let ran = developer.heroku(&[args, &["--app", APP]].concat()).ok();
        format!("{}{}", ran.out, ran.err)
    };
    let rows = "SELECT count(*), sum(n), md5(string_agg(word, ',' ORDER BY n)) FROM kept";
    psql(&url, "CREATE TABLE kept AS SELECT n, md5(n::text) AS word FROM generate_series(1, 2000) n");
    let before = psql(&url, rows);

    let said = heroku(&["pg:backups:capture"]);
    assert!(said.contains("Backing up DATABASE to b001... done"), "{said}");
    let info = heroku(&["pg:backups:info"]);
    assert!(info.contains("Completed") && info.contains("compared, 1 table with 2000 rows."), "{info}");
    heroku(&["pg:backups:download", "--output", "kept.dump"]);
    let file = developer.work().join("kept.dump");
    let listed = developer.run("pg_restore", &["--list", file.to_str().expect("a plain path")]).ok().out;
    assert!(listed.contains("TABLE DATA public kept"), "{listed}");
    let size = std::fs::metadata(&file).expect("a file").len();
    let transfers = server.get(&format!("/client/v11/apps/{APP}/transfers"));
    assert_eq!(transfers[0]["processed_bytes"], size, "the file is whole");

    psql(&url, "DROP TABLE kept; CREATE TABLE made_since (a int)");
    let said = heroku(&["pg:backups:restore", "b001", "DATABASE_URL", "--confirm", APP]);
    assert!(said.contains("Restoring... done"), "{said}");
    assert_eq!(psql(&url, rows), before);
    assert_eq!(psql(&url, "SELECT to_regclass('made_since') IS NULL"), "t", "all is as it was");

    // Into another app, by name and by address, and by a copy.
    let of_other = |args: &[&str]| developer.heroku(&[args, &["--app", OTHER, "--confirm", OTHER]].concat());
    of_other(&["pg:backups:restore", &format!("{APP}::b001"), "DATABASE_URL"]).ok();
    assert_eq!(psql(&other_url, rows), before);
    psql(&other_url, "DROP TABLE kept");
    let address = heroku(&["pg:backups:url", "b001"]);
    of_other(&["pg:backups:restore", address.trim(), "DATABASE_URL"]).ok();
    assert_eq!(psql(&other_url, rows), before);
    psql(&url, "INSERT INTO kept VALUES (2001, 'one more')");
    let after = psql(&url, rows);
    let copy = ["pg:copy", &format!("{APP}::DATABASE"), "DATABASE", "--app", OTHER, "--confirm", "DATABASE"];
    developer.heroku(&copy).ok();
    assert_eq!(psql(&other_url, rows), after);

    schedules(&heroku);
    heroku(&["pg:backups:delete", "b001", "--confirm", APP]);
    let list = heroku(&["pg:backups"]);
    assert!(list.contains("No backups.") && list.contains("r002"), "{list}");
    let left = || std::fs::read_dir(server.dir().join("backups")).map_or(0, Iterator::count);
    until("its file is gone", PATIENCE, || (left() == 1).then_some(()));
}

fn schedules(heroku: &dyn Fn(&[&str]) -> String) {
    heroku(&["pg:backups:schedule", "DATABASE_URL", "--at", "02:00 Europe/Paris"]);
    let listed = heroku(&["pg:backups:schedules"]);
    assert!(listed.contains("DATABASE_URL: daily at 2:00 Europe/Paris"), "{listed}");
    heroku(&["pg:backups:unschedule", "DATABASE_URL"]);
    assert!(heroku(&["pg:backups:schedules"]).contains("No backup schedules found"));
}

/// An app with a database; the database's address.
fn database(server: &Server, app: &str) -> String {
    server.change("POST", "/apps", &json!({ "name": app }));
    server.change("POST", &format!("/apps/{app}/addons"), &json!({ "plan": "heroku-postgresql:mini" }));
    until("there is a database", PATIENCE, || server.config_var(app, "DATABASE_URL"))
}

/// A view that is made anew by every restore, also by the one that verifies a backup; that takes as long as somebody is
/// connected under this name.
const HELD: &str = "hold-up";
const SLOW_VIEW: &str = "
    CREATE FUNCTION hold() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
        WHILE EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'hold-up') LOOP
            PERFORM pg_sleep(0.1);
            PERFORM pg_stat_clear_snapshot();
        END LOOP;
        RETURN true;
    END $$;
    CREATE MATERIALIZED VIEW held AS SELECT public.hold() AS held;";

#[test]
fn progress_is_shown_and_work_can_be_cancelled() {
    let server = Server::start();
    let developer = Developer::new(&server, "hello");
    let url = database(&server, APP);
    let psql = |sql: &str| developer.psql(&url, sql).ok().out.trim().to_owned();
    let databases = || psql("SELECT count(*) FROM pg_database");
    let holding = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{HELD}'");
    let hold = || {
        let held = developer
            .start("psql", &[&format!("{url}?application_name={HELD}"), "-c", "SELECT pg_sleep(600)"]);
        until_true("it is held up", PATIENCE, || psql(&holding) == "1");
        held
    };
    let release = || {
        psql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{HELD}'"
        ))
    };
    let cancel = || developer.heroku(&["pg:backups:cancel", "--app", APP]);
    psql("CREATE TABLE kept AS SELECT n, md5(n::text) AS word FROM generate_series(1, 2000) n");
    psql(SLOW_VIEW);
    let (rows, before) = ("SELECT count(*), sum(n) FROM kept", databases());
    let untouched = psql(rows);

    let held = hold();
    let capture = developer.heroku_in_terminal(&["pg:backups:capture", "--app", APP]);
    capture.until_it_shows("Stop a running backup with heroku pg:backups:cancel.");
    until_true("how much is done is shown", PATIENCE, || {
        shows_size(&capture.screen(), "Backing up DATABASE to b001...")
    });
    release();
    let (code, screen) = capture.end();
    assert!(code == Some(0) && screen.contains("Backing up DATABASE to b001... done"), "{code:?} {screen}");
    drop(held);

    let held = hold();
    let restore = ["pg:backups:restore", "b001", "DATABASE_URL", "--app", APP, "--confirm", APP];
    let restore = developer.heroku_in_terminal(&restore);
    until_true("how much is done is shown", PATIENCE, || shows_size(&restore.screen(), "Restoring..."));
    let listed = developer.heroku(&["pg:backups", "--app", APP]).ok().out;
    assert!(listed.contains("r002") && listed.contains("Running (processed "), "{listed}");
    let said = cancel().ok().said();
    assert!(said.contains("Cancelling r002... done"), "{said}");
    let (code, screen) = restore.end();
    assert!(
        code != Some(0) && screen.contains("Restoring... !") && screen.contains("ancel"),
        "{code:?} {screen}"
    );
    assert_eq!(psql(rows), untouched, "the database is as it was");
    until_true("nothing is left of it", PATIENCE, || databases() == before);

    let capture = developer.heroku_in_terminal(&["pg:backups:capture", "--app", APP]);
    capture.until_it_shows("Backing up DATABASE to b003...");
    let said = cancel().ok().said();
    assert!(said.contains("Cancelling b003... done"), "{said}");
    let (code, screen) = capture.end();
    assert!(code != Some(0) && screen.contains("did not finish"), "{code:?} {screen}");
    let info = developer.heroku(&["pg:backups:info", "b003", "--app", APP]).ok().said();
    assert!(info.contains("Canceled") && info.contains("Cancelled by "), "{info}");
    until_true("nothing is left of it", PATIENCE, || databases() == before);
    release();
    drop(held);
    let nothing = cancel();
    assert!(nothing.code != 0 && nothing.err.contains("No active backups/transfers"), "{}", nothing.said());
}

/// Whether a size follows these words.
fn shows_size(screen: &str, words: &str) -> bool {
    let Some((_, rest)) = screen.split_once(words) else { return false };
    let shown = rest.lines().next().unwrap_or_default().trim();
    shown.ends_with('B') && shown.contains(|c: char| ('1'..='9').contains(&c))
}
