//! Deploys that fail: the push is rejected and says why, the branch stays where it was, and what served goes on serving.

use serde_json::json;

use crate::command::Ran;
use crate::developer::Developer;
use crate::server::Server;
use crate::until::{SOON, until_true};

const APP: &str = "fails";
/// So that what never binds fails soon.
const BOOT_SECONDS: &str = "4";
const CRASH: &str = "import sys\nprint('crash: no database', flush=True)\nsys.exit(9)\n";
const NEVER_BINDS: &str = "import time\nprint('never: waiting', flush=True)\ntime.sleep(1000)\n";
const WRONG_BIND: &str = "\
import os, socket, time
listener = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))
print('wrong: listening', flush=True)
time.sleep(1000)
";

#[test]
fn a_failed_deploy_says_why_and_leaves_what_serves() {
    let server = Server::start_with(&["--boot-timeout", BOOT_SECONDS]);
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    developer.add_remote(&server, APP);
    developer.push().ok();
    let good = developer.head();

    let refused = |said: &[&str]| {
        let ran = rejected(&developer, said);
        assert_eq!(developer.pushed(), good, "the branch stays: {}", ran.err);
        let page = server.page(APP, "/").text();
        assert_eq!(page, "hello from version 1\ngreeting: \ndyno: web.1\n", "what served serves");
        developer.git(&["reset", "-q", "--hard", &good]).ok();
    };

    developer.write("requirements.txt", "Django==99.99.99\n");
    developer.commit("bad requirements");
    refused(&[
        "no version of django==99.99.99",
        "!     Push rejected, failed to compile Python app.",
        "!     Push failed",
    ]);

    developer.write(
        "Procfile",
        "release: echo preparing; echo the table is locked >&2; exit 3\nweb: python web.py\n",
    );
    developer.commit("bad release command");
    refused(&["Running release command...", "preparing", "the table is locked", "status 3"]);

    developer.write("web.py", CRASH);
    developer.commit("crashes");
    refused(&[
        "web.1 exited with status 9 before it served.",
        "Command: python web.py",
        "crash: no database",
    ]);

    developer.write("web.py", NEVER_BINDS);
    developer.commit("never binds");
    refused(&["did not bind to $PORT within 4 seconds (R10)", "never: waiting"]);

    developer.write("web.py", WRONG_BIND);
    developer.commit("binds to itself only");
    refused(&[
        "did not bind to $PORT within 4 seconds (R10)",
        "wrong: listening",
        "Likely cause: The process listens on 127.0.0.1:",
        "Cure: Bind 0.0.0.0:$PORT.",
    ]);

    let told = [
        "app[api]: Build failed -- check your build output",
        "app[api]: Release v4 command failed by user",
        "heroku[web.1]: Process exited with status 9",
        "heroku[web.1]: State changed from starting to crashed",
        "Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 4 seconds of launch",
    ];
    server.until_logged(APP, &told);
    let statuses: Vec<_> = server
        .get(&format!("/apps/{APP}/releases"))
        .as_array()
        .expect("a list")
        .iter()
        .map(|release| format!("v{} {} {}", release["version"], release["status"], release["current"]))
        .collect();
    assert_eq!(
        statuses.join(", ").replace('"', ""),
        "v1 succeeded false, v2 succeeded false, v3 succeeded true, v4 failed false, v5 failed false, v6 failed false, v7 failed false"
    );

    developer.commit_version("2");
    developer.push().ok();
    assert!(server.page(APP, "/").text().starts_with("hello from version 2\n"));
    assert_eq!(developer.pushed(), developer.head());
}

#[test]
fn a_first_deploy_that_crashes_is_mended_by_the_next() {
    let server = Server::start();
    let developer = Developer::new(&server, "hello");
    server.change("POST", "/apps", &json!({ "name": APP }));
    until_true("a blank app (H81)", SOON, || server.page_in_the_open(APP, "/").status == 502);
    developer.add_remote(&server, APP);
    let program = std::fs::read_to_string(developer.work().join("web.py")).expect("web.py");
    developer.write("web.py", CRASH);
    developer.commit("crashes");
    rejected(&developer, &["web.1 exited with status 9 before it served.", "crash: no database"]);
    assert_eq!(developer.pushed(), "", "nothing was accepted yet");
    until_true("the app crashed (H10)", SOON, || server.page(APP, "/").status == 503);
    let told = [
        "code=H81 desc=\"Blank app\"",
        "heroku[router]: Likely cause: Nothing was deployed to this app yet (H81). Cure: `git push heroku main`.",
        "code=H10 desc=\"App crashed\"",
        "heroku[router]: Likely cause: Every web dyno of the app has crashed (H10). Cure: `hokku logs --ps web`",
    ];
    server.until_logged(APP, &told);

    developer.write("web.py", &program);
    developer.commit("mended");
    developer.push().ok();
    assert_eq!(server.page(APP, "/").status, 200);
    assert_eq!(developer.pushed(), developer.head());
}

/// A push that must be rejected, with words that it must have said.
#[track_caller]
fn rejected(developer: &Developer, said: &[&str]) -> Ran {
    let ran = developer.push();
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("! [remote rejected] main -> main (pre-receive hook declined)"), "{}", ran.err);
    for words in said {
        assert!(ran.err.contains(words), "`{words}` is missing:\n{}", ran.err);
    }
    ran
}
