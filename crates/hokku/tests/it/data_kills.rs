//! Kill anything, lose no data: Postgres and the server are killed in the middle of everything that is done to a database.
//! What was asked for is done afterwards, or has clearly failed; nothing is left of it that nobody knows.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::developer::Developer;
use crate::server::{Server, free_ports};
use crate::until::{PATIENCE, SOON, until, until_true};

const APP: &str = "survivor";
/// How long after a wish Postgres is killed, in milliseconds: some time in the middle of the work.
const MOMENT: u64 = 40;
/// What a restore brings back.
const ROWS: &str = "SELECT count(*), sum(n) FROM kept";

/// A developer whose database is about to suffer.
struct Story<'a> {
    server: &'a Server,
    developer: &'a Developer,
}

impl Story<'_> {
    fn psql(&self, url: &str, sql: &str) -> crate::command::Ran {
        self.developer.psql(url, sql)
    }

    fn var(&self, key: &str) -> Option<String> {
        self.server.config_var(APP, key)
    }

    /// Waits until a config var leads to a database that answers; its value.
    fn opens(&self, key: &str) -> String {
        until(&format!("{key} opens a database"), PATIENCE, || {
            self.var(key).filter(|url| self.psql(url, "SELECT 1").code == 0)
        })
    }

    fn postgres(&self) -> Option<i32> {
        self.server.processes(&["postgres -D"]).first().copied()
    }

    /// Asks for something, kills Postgres a moment later, and waits until another one runs.
    fn kill_amid<T>(&self, ask: impl FnOnce() -> T) -> T {
        let victim = until("Postgres runs", SOON, || self.postgres());
        let asked = ask();
        std::thread::sleep(Duration::from_millis(MOMENT));
        kill(Pid::from_raw(victim), Signal::SIGKILL).expect("it runs");
        until_true("another Postgres runs", PATIENCE, || self.postgres().is_some_and(|it| it != victim));
        asked
    }

    /// There is nothing in Postgres and on the disk but what these add-ons and backups are.
    fn nothing_is_orphaned(&self, addons: usize, backups: usize) {
        let url = self.opens("DATABASE_URL");
        let names = "SELECT (SELECT count(*) FROM pg_roles WHERE rolname ~ '^u[a-z0-9]{13}$'),
                            (SELECT count(*) FROM pg_database WHERE datname ~ '^d[a-z0-9]{13}$'),
                            (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'hokku%'),
                            (SELECT count(*) FROM pg_database WHERE datname LIKE 'hokku%')";
        until_true("Postgres holds nothing that nobody knows", PATIENCE, || {
            self.psql(&url, names).out.trim() == format!("{addons}|{addons}|0|0")
        });
        let files = |dir: &str| {
            let entries = std::fs::read_dir(self.server.dir().join(dir)).expect("a folder").flatten();
            entries.filter(|entry| entry.path().is_file()).count()
        };
        until_true("no file is left", PATIENCE, || (files("backups"), files("backups/work")) == (backups, 0));
    }

    /// Asks for a transfer; its path.
    fn transfer(&self, path: &str, body: &Value) -> String {
        let made = self.server.change("POST", &format!("/client/v11/databases/{path}"), body);
        format!("/client/v11/apps/{APP}/transfers/{}", made["uuid"].as_str().expect("an id"))
    }

    /// A transfer, once it is over.
    fn over(&self, transfer: &str) -> Value {
        until("the transfer is over", PATIENCE, || {
            Some(self.server.get(transfer)).filter(|it| it["finished_at"].is_string())
        })
    }

    fn succeeds(&self, transfer: &str) {
        let over = self.over(transfer);
        let log = || self.server.get(&format!("{transfer}?verbose=true"))["logs"].to_string();
        assert_eq!(over["succeeded"], true, "{}", log());
    }
}

#[test]
fn postgres_may_be_killed_in_the_middle_of_everything() {
    let [port] = free_ports();
    let server = Server::start_with(&[&format!("--postgres-port={port}")]);
    let developer = Developer::new(&server, "django-events");
    let story = Story { server: &server, developer: &developer };
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer.add_remote(&server, APP);
    developer.heroku(&["addons:create", "heroku-postgresql:mini", "--name", "main", "--wait"]).ok();
    developer.heroku(&["config:set", "HEROKU=1", "SECRET_KEY=no-secret-in-a-test"]).ok();
    developer.push().ok();
    let serves = || until_true("the app serves", PATIENCE, || server.page(APP, "/").status == 200);
    serves();

    // Each kill makes the server wait longer before it starts Postgres again, so each thing is done once.
    made_and_destroyed(&story);
    rotated(&story);
    serves();
    backed_up_and_restored(&story);
    serves();
    reset(&story);
    promoted(&story);
    serves();
}

fn made_and_destroyed(story: &Story<'_>) {
    let server = story.server;
    let more =
        json!({ "plan": "heroku-postgresql:essential-0", "name": "more", "attachment": { "name": "MORE" } });
    story.kill_amid(|| server.change("POST", &format!("/apps/{APP}/addons"), &more));
    story.opens("MORE_URL");
    story.nothing_is_orphaned(2, 0);
    story.kill_amid(|| server.change("DELETE", &format!("/apps/{APP}/addons/more"), &json!({})));
    assert_eq!(story.var("MORE_URL"), None);
    story.nothing_is_orphaned(1, 0);
}

fn rotated(story: &Story<'_>) {
    let server = story.server;
    let before = story.opens("DATABASE_URL");
    let path = "/postgres/v0/databases/main/credentials/default";
    story.kill_amid(|| {
        server.change("POST", &format!("{path}/credentials_rotation"), &json!({}));
    });
    until_true("other credentials", PATIENCE, || story.var("DATABASE_URL").is_some_and(|it| it != before));
    until_true("the old ones are gone", PATIENCE, || server.get(path)["state"] == "active");
    story.nothing_is_orphaned(1, 0);
    assert!(story.psql(&before, "SELECT 1").err.contains("password authentication failed"));
}

fn backed_up_and_restored(story: &Story<'_>) {
    let url = story.opens("DATABASE_URL");
    story.psql(&url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n").ok();
    let backup = story.kill_amid(|| story.transfer("main/backups", &json!({})));
    story.succeeds(&backup);
    story.nothing_is_orphaned(1, 1);
    story.psql(&url, "DELETE FROM kept WHERE n > 10").ok();
    let address = story.server.get(&backup)["to_url"].clone();
    let restore = story.kill_amid(|| story.transfer("main/restores", &json!({ "backup_url": address })));
    story.succeeds(&restore);
    until_true("the rows are back", SOON, || story.psql(&url, ROWS).out.trim() == "1000|500500");
    story.server.change("DELETE", &backup, &json!({}));
    story.nothing_is_orphaned(1, 0);
}

/// Here the client waits for the answer, and gets it.
fn reset(story: &Story<'_>) {
    let url = story.opens("DATABASE_URL");
    let path = "/client/v11/databases/main/reset";
    std::thread::scope(|scope| {
        let asking = story.kill_amid(|| scope.spawn(|| story.server.change("PUT", path, &json!({}))));
        asking.join().expect("it is answered");
    });
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(story.psql(&url, tables).ok().out.trim(), "0");
    story.nothing_is_orphaned(1, 0);
    story.developer.heroku(&["run", "--exit-code", "python manage.py migrate"]).ok();
    until_true("the app serves", PATIENCE, || story.server.page(APP, "/").status == 200);
}

/// The release command runs in the middle of it, and may fail: then the app goes on with what it had.
fn promoted(story: &Story<'_>) {
    let server = story.server;
    let more =
        json!({ "plan": "heroku-postgresql:essential-0", "name": "next", "attachment": { "name": "NEXT" } });
    server.change("POST", &format!("/apps/{APP}/addons"), &more);
    let next = story.opens("NEXT_URL");
    let settled = |version: &Value| {
        until("the release is over", PATIENCE, || {
            let newest = server.newest_release(APP);
            (newest["version"].as_i64() >= version.as_i64() && newest["status"] != "pending")
                .then_some(newest)
        })
    };
    settled(&json!(0));
    let wish =
        json!({ "addon": { "name": "next" }, "app": { "name": APP }, "confirm": APP, "name": "DATABASE" });
    let alias = json!({ "addon": { "name": "main" }, "app": { "name": APP }, "confirm": APP });
    server.change("POST", "/addon-attachments", &alias);
    story.kill_amid(|| server.change("POST", "/addon-attachments", &wish));
    assert_eq!(story.opens("DATABASE_URL"), next);
    let release = settled(&server.newest_release(APP)["version"]);
    assert_eq!(server.page(APP, "/").status, 200, "the app serves from the one or the other");
    if release["status"] == "failed" {
        // What was cut off is done by the next release.
        story.developer.heroku(&["config:set", "AGAIN=1"]).ok();
        assert_eq!(settled(&server.newest_release(APP)["version"])["status"], "succeeded");
    }
    story.psql(&next, "SELECT count(*) FROM events_event").ok();
    story.nothing_is_orphaned(2, 0);
}

/// Serves these bytes to everybody, and says how often it was asked; the first who asks gets half of them and no more.
fn served_by_halves(bytes: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/latest.dump", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let _request = stream.read(&mut [0; 4096]).expect("it asks");
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
            let is_first = kept.is_empty();
            let told = if is_first { &bytes[..bytes.len() / 2] } else { &bytes[..] };
            let _sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(told));
            count.fetch_add(1, Ordering::Relaxed);
            // The connection stays open, for whoever waits for the rest.
            kept.push(stream);
        }
    });
    (url, asked)
}

#[test]
fn a_server_killed_in_the_middle_of_a_dump_fetches_and_sends_it_again() {
    let mut server = Server::start();
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    let plan = json!({ "plan": "heroku-postgresql:mini", "name": "main" });
    server.change("POST", &format!("/apps/{APP}/addons"), &plan);
    let story = Story { server: &server, developer: &developer };
    let url = story.opens("DATABASE_URL");
    // More than what fits between a sender and a receiver who has had enough.
    let large = "CREATE TABLE kept AS SELECT n, (SELECT string_agg(md5(n || 'and' || m), '')
                 FROM generate_series(1, 1000) m) AS noise FROM generate_series(1, 1000) n";
    story.psql(&url, large).ok();
    let backup = story.transfer("main/backups", &json!({}));
    story.succeeds(&backup);

    // Sent to somebody who has half of it.
    let shared = server.change("POST", &format!("{backup}/actions/public-url"), &json!({}));
    let address = shared["url"].as_str().expect("an address").to_owned();
    let path =
        address.split_once("localhost").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
    let path = path.expect("a path");
    let mut connection = server.client().connect("localhost").expect("the server listens");
    connection.ask("GET", &path, &[], b"").expect("asked");
    let (status, headers) = connection.head().expect("an answer");
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).expect("a length");
    assert_eq!(status, 200);
    let mut half = vec![0; length / 2];
    connection.read(&mut half).expect("half of it");
    server.kill();
    let mut rest = vec![0; length - half.len() + 1];
    assert!(connection.read(&mut rest).is_err(), "it is told that there is no more");
    server.start_again();
    let whole = server.client().get("localhost", &path).body;
    assert_eq!((whole.len(), &whole[..half.len()]), (length, &half[..]), "the same address has it whole");

    // Fetched from somebody who sends half of it.
    let story = Story { server: &server, developer: &developer };
    story.psql(&url, "DELETE FROM kept WHERE n > 10").ok();
    let (address, asked) = served_by_halves(whole);
    let restore = story.transfer("main/restores", &json!({ "backup_url": address }));
    until_true("half of it is there", SOON, || asked.load(Ordering::Relaxed) == 1);
    server.kill();
    assert!(
        server.dir().join("backups/work").read_dir().expect("a folder").next().is_some(),
        "a half is left"
    );
    server.start_again();
    let story = Story { server: &server, developer: &developer };
    story.succeeds(&restore);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(story.psql(&url, ROWS).ok().out.trim(), "1000|500500");
    story.nothing_is_orphaned(1, 1);
}

#[test]
fn credentials_change_by_themselves_where_the_operator_wants_it() {
    let server = Server::start_with(&["--rotate-credentials-every=10", "--database-inspect-every=1"]);
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    server.change("POST", &format!("/apps/{APP}/addons"), &json!({ "plan": "heroku-postgresql:mini" }));
    let story = Story { server: &server, developer: &developer };
    let mut known = story.opens("DATABASE_URL");
    for _ in 0..2 {
        let next = until("other credentials", SOON, || story.var("DATABASE_URL").filter(|it| *it != known));
        story.psql(&next, "SELECT 1").ok();
        until_true("the old ones end", SOON, || story.psql(&known, "SELECT 1").code != 0);
        known = next;
    }
}
