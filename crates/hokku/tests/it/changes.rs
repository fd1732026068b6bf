//! No request is lost to a change: clients send without pause while an app is deployed, configured, scaled, restarted and
//! rolled back. Only 200s may come back, and when a change is told to be done, only the new code and config answer.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::developer::Developer;
use crate::load::Load;
use crate::server::Server;
use crate::until::{PATIENCE, SOON, until, until_true};

const APP: &str = "busy";
/// Requests that must all show the new page once a change is done.
const SAMPLES: usize = 40;

#[test]
fn no_request_is_lost_to_a_change() {
    let server = Server::start();
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer.add_remote(&server, APP);
    developer.push().ok();
    let everybody = Load::start(&server.client(), APP);

    developer.commit_version("2");
    developer.push().ok();
    only(&server, "version 2", "greeting: \n");

    change_config(&server, "hello");
    only(&server, "version 2", "greeting: hello\n");

    server.change(
        "PATCH",
        &format!("/apps/{APP}/formation"),
        &json!({ "updates": [
        { "type": "web", "quantity": 3, "size": "standard-1x" },
    ] }),
    );
    until_dynos(&server, 3, "Standard-1X");
    until_true("all three dynos answer", SOON, || answering(&server).len() == 3);
    everybody.pass(200);

    let before = dyno_ids(&server);
    server.change("DELETE", &format!("/apps/{APP}/dynos"), &json!(null));
    until("every dyno is another one", PATIENCE, || {
        let now = dyno_ids(&server);
        (now.len() == 3 && now.is_disjoint(&before)).then_some(())
    });
    until_dynos(&server, 3, "Standard-1X");
    everybody.pass(200);

    server.change("PATCH", &format!("/apps/{APP}/formation/web"), &json!({ "quantity": 1 }));
    until_dynos(&server, 1, "Standard-1X");
    everybody.pass(200);

    // v3 is the first push, before there was a greeting.
    let rollback = server.change("POST", &format!("/apps/{APP}/releases"), &json!({ "release": "3" }));
    until_succeeded(&server, &rollback["version"]);
    only(&server, "version 1", "greeting: \n");

    let tally = everybody.end_without_loss();
    let versions: BTreeSet<_> = tally.pages.keys().map(String::as_str).collect();
    let all = ["1, greeting:", "2, greeting:", "2, greeting: hello"]
        .map(|page| format!("hello from version {page}"));
    assert_eq!(versions, all.iter().map(String::as_str).collect());
    assert!(tally.slowest < Duration::from_secs(10), "{tally:?}");
}

/// A config change as the API makes it, waited for as the CLI does not: until it has taken over.
fn change_config(server: &Server, greeting: &str) {
    server.change("PATCH", &format!("/apps/{APP}/config-vars"), &json!({ "GREETING": greeting }));
    let releases = server.get(&format!("/apps/{APP}/releases"));
    let newest = releases.as_array().and_then(|all| all.last()).expect("a release");
    until_succeeded(server, &newest["version"]);
}

fn until_succeeded(server: &Server, version: &serde_json::Value) {
    until(&format!("v{version} succeeds"), PATIENCE, || {
        let release = server.get(&format!("/apps/{APP}/releases/{version}"));
        assert_ne!(release["status"], "failed", "{release}");
        (release["status"] == "succeeded" && release["current"] == true).then_some(())
    });
}

/// Every answer is from this version and shows this line.
#[track_caller]
fn only(server: &Server, version: &str, line: &str) {
    for _ in 0..SAMPLES {
        let page = server.page(APP, "/");
        let text = page.text();
        assert!(
            page.status == 200 && text.contains(&format!("{version}\n")) && text.contains(line),
            "{}: {text}",
            page.status
        );
    }
}

/// The names of the dynos that answer.
fn answering(server: &Server) -> BTreeSet<String> {
    let dyno = |page: String| page.lines().find_map(|line| Some(line.strip_prefix("dyno: ")?.to_owned()));
    (0..SAMPLES).filter_map(|_| dyno(server.page(APP, "/").text())).collect()
}

fn dyno_ids(server: &Server) -> BTreeSet<String> {
    let dynos = server.get(&format!("/apps/{APP}/dynos"));
    let all = dynos.as_array().expect("a list");
    all.iter().filter_map(|dyno| Some(dyno["id"].as_str()?.to_owned())).collect()
}

/// Waits until so many dynos are there, all up and of this size.
fn until_dynos(server: &Server, count: usize, size: &str) {
    until(&format!("{count} dynos of {size} are up"), PATIENCE, || {
        let dynos = server.get(&format!("/apps/{APP}/dynos"));
        let all = dynos.as_array().expect("a list");
        (all.len() == count && all.iter().all(|dyno| dyno["state"] == "up" && dyno["size"] == size))
            .then_some(())
    });
}
