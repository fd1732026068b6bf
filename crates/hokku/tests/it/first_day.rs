//! A first day: the commands of a Heroku user's day on the smallest app, with the official client, as snapshots.

use nix::sys::signal::Signal;

use crate::developer::Developer;
use crate::server::Server;
use crate::session::Session;
use crate::until::{PATIENCE, SOON, until, until_true};

const APP: &str = "guide";

#[test]
fn a_first_day() {
    let server = Server::start();
    let developer = Developer::without_token(&server, "hello");
    let mut session = Session::new(&developer);
    log_in(&server, &developer);
    first_push(&server, &mut session);
    config(&server, &mut session);
    processes(&server, &mut session);
    runs(&developer, &mut session);
    log_lines(&server, &developer, &mut session);
    releases(&server, &developer, &mut session);
    maintenance(&server, &mut session);
    destruction(&server, &mut session);
}

fn log_in(server: &Server, developer: &Developer) {
    let mut terminal = developer.heroku_in_terminal(&["login", "-i"]);
    terminal.until_it_shows("Email");
    terminal.press("owner@hokku.localhost\r");
    terminal.until_it_shows("Password");
    terminal.press(&format!("{}\r", server.password()));
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("Logged in as owner@hokku.localhost"), "{screen}");
}

fn first_push(server: &Server, session: &mut Session<'_>) {
    session.heroku(&["auth:whoami"]).ok();
    session.heroku(&["create", APP]).ok();
    session.heroku(&["git:remote", "-a", APP]).ok();
    session.heroku(&["buildpacks"]).ok();
    session.heroku(&["buildpacks:set", "heroku/python"]).ok();
    session.heroku(&["buildpacks"]).ok();
    session.git(&["push", "heroku", "main"]).ok();
    assert_eq!(server.page(APP, "/").text(), "hello from version 1\ngreeting: \ndyno: web.1\n");
    session.heroku(&["apps"]).ok();
    session.heroku(&["info"]).ok();
    session.heroku(&["open"]);
    session.compare("first_push");
}

fn config(server: &Server, session: &mut Session<'_>) {
    session.heroku(&["config:set", "GREETING=good day", "OTHER=1"]).ok();
    until_greeting(server, "good day");
    session.heroku(&["config:get", "GREETING"]).ok();
    session.heroku(&["config"]).ok();
    session.heroku(&["config:unset", "OTHER"]).ok();
    session.heroku(&["config"]).ok();
    session.compare("config");
}

fn until_greeting(server: &Server, greeting: &str) {
    until_true(&format!("the page greets with `{greeting}`"), PATIENCE, || {
        server.page(APP, "/").text().contains(&format!("greeting: {greeting}\n"))
    });
}

fn processes(server: &Server, session: &mut Session<'_>) {
    until_dynos(server, &["web.1"]);
    session.heroku(&["ps"]).ok();
    session.heroku(&["ps:scale", "web=2", "worker=1"]).ok();
    until_dynos(server, &["web.1", "web.2", "worker.1"]);
    session.heroku(&["ps"]).ok();
    session.heroku(&["ps:restart", "worker.1"]).ok();
    session.heroku(&["ps:stop", "web.2"]).ok();
    session.heroku(&["ps:restart"]).ok();
    session.heroku(&["ps:scale", "web=1", "worker=0"]).ok();
    session.heroku(&["ps:scale"]).ok();
    until_dynos(server, &["web.1"]);
    session.compare("processes");
}

/// Waits until exactly these dynos are there, and up.
fn until_dynos(server: &Server, wanted: &[&str]) {
    until(&format!("{wanted:?} are up"), PATIENCE, || {
        let dynos = server.get(&format!("/apps/{APP}/dynos"));
        let mut names = Vec::new();
        for dyno in dynos.as_array()? {
            (dyno["state"] == "up")
                .then(|| names.push(dyno["name"].as_str().unwrap_or_default().to_owned()))?;
        }
        names.sort();
        (names == wanted).then_some(())
    });
}

fn runs(developer: &Developer, session: &mut Session<'_>) {
    session.heroku(&["run", "echo $GREETING; cat version.py"]).ok();
    assert_eq!(session.heroku(&["run", "--exit-code", "exit 7"]).code, 7);
    assert_eq!(session.heroku(&["run", "--exit-code", "true"]).code, 0);
    let counted = developer.heroku_reading(&["run", "--no-tty", "wc -l"], "one\ntwo\nthree\n").ok();
    assert_eq!(counted.out.trim(), "3");
    session.note("printf 'one\\ntwo\\nthree\\n' | heroku run --no-tty 'wc -l'", &counted);

    let mut terminal = developer.heroku_in_terminal(&["run", "bash"]);
    terminal.until_it_shows("$");
    terminal.press("test -t 0 && echo a terminal of $COLUMNS by $LINES on ${DYNO%.*}\r");
    terminal.until_it_shows("a terminal of 80 by 24 on run");
    // Control-C ends what runs in the dyno, not the session.
    terminal.press("python -c 'import time; print(\"sleeping\", 6 * 7, flush=True); time.sleep(1000)'\r");
    terminal.until_it_shows("sleeping 42");
    terminal.press("\u{3}");
    terminal.until_it_shows("KeyboardInterrupt");
    terminal.press("echo still $((6 * 7))\r");
    terminal.until_it_shows("still 42");
    terminal.press("exit\r");
    assert_eq!(terminal.end().0, Some(0));

    session.heroku(&["run:detached", "echo detached $((6 * 7))"]).ok();
    until_true("the detached run's output is in the logs", SOON, || {
        developer.heroku(&["logs", "-n", "50"]).ok().out.contains("detached 42")
    });
    session.compare("runs");
}

fn log_lines(server: &Server, developer: &Developer, session: &mut Session<'_>) {
    let mut tail = developer.start_heroku(&["logs", "--tail", "--dyno", "web.1"]);
    tail.until_it_says("listens on port", SOON);
    server.page(APP, "/log?text=a-live-line");
    tail.until_it_says("app[web.1]: a-live-line", SOON);
    tail.signal(Signal::SIGINT);
    tail.end();
    server.page(APP, "/log?text=one-more");
    let router = developer.heroku(&["logs", "--source", "heroku", "--dyno", "router", "-n", "1"]).ok().out;
    assert!(router.contains("heroku[router]: at=info method=GET path=\"/log?text=one-more\""), "{router}");
    let ours = developer.heroku(&["logs", "--source", "app", "-n", "500"]).ok().out;
    assert!(ours.contains("app[web.1]: one-more") && !ours.contains("heroku["), "{ours}");
    let last = session.heroku(&["logs", "--dyno", "web.1", "--source", "app", "-n", "2"]).ok().out;
    assert_eq!(last.lines().count(), 2, "{last}");
    session.compare("logs");
}

fn releases(server: &Server, developer: &Developer, session: &mut Session<'_>) {
    developer.commit_version("2");
    session.git(&["push", "heroku", "main"]).ok();
    assert_eq!(server.page(APP, "/").text(), "hello from version 2\ngreeting: good day\ndyno: web.1\n");
    session.heroku(&["config:set", "GREETING=good night"]).ok();
    until_greeting(server, "good night");
    session.heroku(&["releases"]).ok();
    session.heroku(&["releases:info", "v5"]).ok();
    session.heroku(&["releases:output", "v3"]).ok();
    // Back to the first code with the config that it had.
    session.heroku(&["rollback", "v5"]).ok();
    until_true("the old code answers", PATIENCE, || {
        server.page(APP, "/").text() == "hello from version 1\ngreeting: good day\ndyno: web.1\n"
    });
    session.heroku(&["config"]).ok();
    session.heroku(&["releases", "-n", "3"]).ok();
    session.compare("releases");
}

fn maintenance(server: &Server, session: &mut Session<'_>) {
    session.heroku(&["maintenance:on"]).ok();
    until_true("the maintenance page", SOON, || server.page(APP, "/").status == 503);
    session.heroku(&["maintenance"]).ok();
    session.heroku(&["maintenance:off"]).ok();
    until_true("the app again", SOON, || server.page(APP, "/").status == 200);
    session.compare("maintenance");
}

fn destruction(server: &Server, session: &mut Session<'_>) {
    let id = server.get(&format!("/apps/{APP}"))["id"].as_str().expect("an id").to_owned();
    assert!(server.dir().join(format!("repos/{id}.git")).exists());
    session.heroku(&["destroy", "--confirm", APP]).ok();
    session.heroku(&["apps"]).ok();
    session.heroku(&["info", "-a", APP]);
    session.compare("destruction");
    assert_eq!(server.page_in_the_open(APP, "/").status, 404);
    until_true("its repository and dynos are gone", PATIENCE, || {
        let folders = std::fs::read_dir(server.dir().join("dynos")).map_or(0, Iterator::count);
        !server.dir().join(format!("repos/{id}.git")).exists()
            && server.processes(&["shim"]).is_empty()
            && folders == 0
    });
}
