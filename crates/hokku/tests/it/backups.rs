//! Backups with the official client: captured, downloaded, restored after a loss, shared, copied, scheduled, thrown away.

use serde_json::json;

use crate::developer::Developer;
use crate::server::Server;
use crate::until::{PATIENCE, until};

const APP: &str = "keeper";
const OTHER: &str = "other";

#[test]
fn what_is_lost_comes_back_to_the_last_row() {
    let server = Server::start();
    let developer = Developer::new(&server, "hello");
    let (url, other_url) = (database(&server, APP), database(&server, OTHER));
    let psql = |url: &str, sql: &str| {
        developer.run("psql", &[url, "-v", "ON_ERROR_STOP=1", "-Atc", sql]).ok().out.trim().to_owned()
    };
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
    until("there is a database", PATIENCE, || {
        let config = server.get(&format!("/apps/{app}/config-vars"));
        config["DATABASE_URL"].as_str().map(str::to_owned)
    })
}
