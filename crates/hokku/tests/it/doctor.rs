//! The sample app, broken in the ways in which apps are broken in practice: each time the push or the log says what is
//! the matter, and for the app as it should be nothing is said.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::command::Ran;
use crate::developer::Developer;
use crate::server::Server;
use crate::until::{PATIENCE, SOON, until, until_true};

/// With a database, and without one.
const APP: &str = "clinic";
const BARE: &str = "clinic-bare";
const SECRET: &str = "SECRET_KEY";
/// So that what never listens fails soon, but Django has the time it needs on a busy machine.
const BOOT_SECONDS: &str = "20";
/// Lines of a push or a log that are the doctor's, or say what happened.
const TOLD: [&str; 9] = [
    "The doctor noticed",
    "Likely cause:",
    "Cure:",
    "  Why:  ",
    "  Mend: ",
    "web.1 exited",
    "web.1 did not bind",
    "web.1 was killed",
    "The release command exited",
];

/// Where a trouble shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// The push is rejected by its build, which no log line follows.
    Build,
    /// The push is rejected by its release, and the log says why too.
    Rejected,
    /// The push is fine, and a page is not: it is asked for with this status as answer.
    Page(&'static str, u16),
    /// The push is fine, and says what it noticed.
    Noticed,
}

#[test]
fn each_trouble_is_diagnosed() {
    use Shows::{Build, Noticed, Page, Rejected};
    let server = Server::start_with(&["--boot-timeout", BOOT_SECONDS]);
    let developer = Developer::new(&server, "django-events");
    let good = developer.head();
    let mut told = String::new();

    create(&server, BARE);
    let mut bare = |name, secret| {
        developer.git(&["remote", "remove", "heroku"]);
        developer.add_remote(&server, BARE);
        server.change("PATCH", &format!("/apps/{BARE}/config-vars"), &json!({ SECRET: secret }));
        break_it(&server, &developer, &good, BARE, name, Build, &mut told);
    };
    bare("secret-key-missing", None);
    bare("database-url-missing", Some("no-secret-in-a-test"));

    create(&server, APP);
    server.change("POST", &format!("/apps/{APP}/addons"), &json!({ "plan": "heroku-postgresql:mini" }));
    until("there is a database", PATIENCE, || server.config_var(APP, "DATABASE_URL"));
    let vars = json!({ "HEROKU": "1", SECRET: "no-secret-in-a-test" });
    server.change("PATCH", &format!("/apps/{APP}/config-vars"), &vars);
    developer.git(&["remote", "remove", "heroku"]).ok();
    developer.add_remote(&server, APP);
    developer.git(&["reset", "-q", "--hard", &good]).ok();
    let push = developer.push().ok();
    server.page(APP, "/");
    let log = server.logs(APP, 1_500);
    for text in [&push.err, &log] {
        assert!(
            !text.contains("Likely cause") && !text.contains("The doctor"),
            "the healthy app is healthy: {text}"
        );
    }

    for (name, shows) in [
        ("storages", Build),
        ("module-missing", Rejected),
        ("database-host", Rejected),
        ("database-tls", Rejected),
        ("wsgi-module", Rejected),
        ("gunicorn-missing", Rejected),
        ("wrong-address", Rejected),
        ("wrong-port", Rejected),
        ("disallowed-host", Page("/", 400)),
        ("config-var-missing", Page("/", 500)),
        ("static-file-missing", Page("/", 500)),
        ("migration-missing", Page("/events/1/", 500)),
        ("out-of-memory", Page("/", 503)),
        ("secrets", Noticed),
    ] {
        break_it(&server, &developer, &good, APP, name, shows, &mut told);
    }
    let filters =
        [(r"release\.\d+", "release.[number]"), (r"127\.0\.0\.1:\d+ only", "127.0.0.1:[port] only")];
    insta::with_settings!({ filters => filters, omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("doctor", told);
    });
}

fn create(server: &Server, app: &str) {
    server.change("POST", "/apps", &json!({ "name": app }));
}

/// Pushes a change that breaks the app, and writes down what is said about it.
fn break_it(
    server: &Server,
    developer: &Developer,
    good: &str,
    app: &str,
    name: &str,
    shows: Shows,
    told: &mut String,
) {
    developer.git(&["reset", "-q", "--hard", good]).ok();
    let patch = broken().join(name).join("change.patch");
    developer.git(&["apply", patch.to_str().expect("a plain path")]).ok();
    developer.commit(name);
    let logged_before = logged(server, app).len();
    let began = std::time::Instant::now();
    let Ran { code, err, .. } = developer.git(&["push", "--force", "heroku", "main"]);
    crate::server::show(&format!("{name}: {} s", began.elapsed().as_secs()));
    assert_eq!(code == 0, !matches!(shows, Shows::Build | Shows::Rejected), "{name}: {err}");
    if let Shows::Page(path, status) = shows {
        assert_eq!(server.page(app, path).status, status, "{name}: {path}");
    }
    let logged = || logged(server, app).split_off(logged_before);
    if matches!(shows, Shows::Rejected | Shows::Page(..)) {
        until_true(&format!("the log of {name} has a diagnosis"), SOON, || !logged().is_empty());
    }
    let readme = fs::read_to_string(broken().join(name).join("README.md")).expect("what is broken");
    let _ = writeln!(told, "=== {name}: {readme}");
    for line in told_in(&err).into_iter().chain(logged()) {
        let _ = writeln!(told, "{line}");
    }
    told.push('\n');
}

fn broken() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/broken")
}

/// The doctor's diagnoses in an app's log; the router explains its codes besides.
fn logged(server: &Server, app: &str) -> Vec<String> {
    let mut told = told_in(&server.logs(app, 1_500));
    told.retain(|line| line.starts_with("heroku[") && !line.starts_with("heroku[router]"));
    told
}

/// The doctor's lines of a push or a log, without what begins each.
fn told_in(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(|line| line.strip_prefix("remote: ").unwrap_or(line)).collect();
    let is_told = |line: &str| TOLD.iter().any(|words| line.contains(words));
    let mut told = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let names_a_finding = lines.get(at + 1).is_some_and(|next| next.contains("  Why:  "));
        if is_told(line) || names_a_finding {
            let line = line.split_once("+00:00 ").map_or(*line, |(_, message)| message);
            told.push(line.trim_end().to_owned());
        }
    }
    told
}
