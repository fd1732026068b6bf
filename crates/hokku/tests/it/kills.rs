//! Kill anything, lose nothing: every process is killed while clients send, and what was acknowledged is there after it.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::developer::Developer;
use crate::load::Load;
use crate::server::{Server, free_ports};
use crate::until::{PATIENCE, SOON, until, until_true};

const APP: &str = "stands";
/// How long a killed router may leave everybody outside: it is missed after half a second at most.
const ROUTER_GAP_MAX: Duration = Duration::from_secs(5);

#[test]
fn the_server_may_be_killed_at_any_moment() {
    let mut server = Server::start();
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer.add_remote(&server, APP);
    developer.push().ok();
    server.change("PATCH", &format!("/apps/{APP}/config-vars"), &json!({ "GREETING": "kept" }));
    until_page(&server, "1", "kept");
    let shim = until_one(&server, "shim");
    let everybody = Load::start(&server.client(), APP);

    // While it serves.
    server.kill();
    everybody.pass(300);
    server.start_again();
    everybody.pass(100);
    assert_eq!(server.processes(&["shim"]), [shim], "the dynos were taken up as they are");
    developer.commit_version("2");
    developer.push().ok();
    until_page(&server, "2", "kept");

    // In the middle of a push: the deploy is acknowledged by `Building source`, so it is carried on by the next server.
    developer.commit_version("3");
    let mut push = developer.start_push();
    push.until_it_says("Building on the", SOON);
    server.kill();
    assert_ne!(push.end().code, 0, "the developer's git is told that it was cut off");
    everybody.pass(100);
    server.start_again();
    until_page(&server, "3", "kept");
    let v6 = server.get(&format!("/apps/{APP}/releases/6"));
    assert_eq!((v6["status"].as_str(), v6["current"].as_bool()), (Some("succeeded"), Some(true)), "{v6}");
    // The branch did not move; the same push again does it, and the next one too.
    developer.push().ok();
    assert_eq!(developer.pushed(), developer.head());
    developer.commit_version("4");
    developer.push().ok();
    until_page(&server, "4", "kept");

    // Handing over.
    server.hang_up();
    everybody.pass(100);
    server.start_again();
    server.change("PATCH", &format!("/apps/{APP}/config-vars"), &json!({ "GREETING": "anew" }));
    until_page(&server, "4", "anew");

    everybody.end_without_loss();
}

fn until_page(server: &Server, version: &str, greeting: &str) {
    until_true(&format!("version {version} greets with `{greeting}`"), PATIENCE, || {
        server.page(APP, "/").text()
            == format!("hello from version {version}\ngreeting: {greeting}\ndyno: web.1\n")
    });
}

#[test]
fn helpers_that_are_killed_are_replaced() {
    // Not one that the next server to start on this machine would pick while Postgres is dead.
    let [postgres] = free_ports();
    let server = Server::start_with(&[&format!("--postgres-port={postgres}")]);
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer.add_remote(&server, APP);
    developer.push().ok();

    // A dyno's supervisor: its container dies with it, and a new one is started.
    let shim = until_one(&server, "shim");
    kill_hard(shim);
    until_true("another dyno serves", PATIENCE, || {
        let shims = server.processes(&["shim"]);
        shims.len() == 1 && shims[0] != shim && server.page(APP, "/").status == 200
    });

    // A dyno's own process.
    assert_eq!(server.page(APP, "/crash").status, 503, "H13");
    until_true("it serves again", PATIENCE, || server.page(APP, "/").status == 200);
    server.until_logged(APP, &["Process exited with status 3", "State changed from up to crashed"]);

    // The router: connections are refused until the server has started it again, with the table of the one before.
    let router = until_one(&server, "router");
    kill_hard(router);
    until_true("another router serves", ROUTER_GAP_MAX, || {
        let page = server
            .client()
            .connect(&format!("{APP}.localhost"))
            .and_then(|mut one| one.send("GET", "/", &[], b""));
        page.is_ok_and(|page| page.status == 200)
    });
    assert_ne!(until_one(&server, "router"), router);

    // Postgres, with rows in it.
    server.change("POST", &format!("/apps/{APP}/addons"), &json!({ "plan": "heroku-postgresql:mini" }));
    let url = until("there is a database", PATIENCE, || server.config_var(APP, "DATABASE_URL"));
    let psql = |sql: &str| developer.psql(&url, sql);
    psql("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')").ok();
    let postgres = until_one(&server, "postgres -D");
    kill_hard(postgres);
    until_true("Postgres answers again", SOON, || psql("SELECT word FROM kept").out.trim() == "still here");
    assert_ne!(until_one(&server, "postgres -D"), postgres);

    developer.commit_version("2");
    developer.push().ok();
    assert!(server.page(APP, "/").text().starts_with("hello from version 2\n"));
}

/// Waits until exactly one process of the server has this in its command line: those that are on their way out go.
fn until_one(server: &Server, words: &str) -> i32 {
    until(&format!("there is one `{words}`"), SOON, || match server.processes(&[words])[..] {
        [process] => Some(process),
        _ => None,
    })
}

fn kill_hard(process: i32) {
    kill(Pid::from_raw(process), Signal::SIGKILL).expect("it runs");
}
