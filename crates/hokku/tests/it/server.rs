//! A real server with a data folder, ports and a tag of its own; nothing of it may be left when a test is over.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Answer, Client};
use crate::leftovers::{leftovers, process_ids};
use crate::until::{PATIENCE, SOON, until, until_true};

/// The program under test.
pub(crate) const HOKKU: &str = env!("CARGO_BIN_EXE_hokku");
/// Longest orderly end: requests, then dynos, then Postgres.
const ENDS_WITHIN: Duration = Duration::from_secs(90);
/// What an app's history holds.
const LOG_LINES_MAX: usize = 1_500;
/// What the kernel may need to bury what was killed.
const BURIED_WITHIN: Duration = Duration::from_secs(5);

pub(crate) struct Server {
    dir: TempDir,
    port: u16,
    options: Vec<String>,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    starts: usize,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With options of `hokku server` besides those of every test.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        Self::start_in(free_ports(), &[], options)
    }

    /// At certain ports (the public one, the rendezvous's), and with variables besides the test's own.
    pub(crate) fn start_in(ports: [u16; 2], environment: &[(&str, &str)], options: &[&str]) -> Self {
        let dir =
            tempfile::Builder::new().prefix("hk").tempdir_in("/tmp").expect("a folder with a short path");
        let [port, rendezvous] = ports;
        let mut all = vec![format!("--data-dir={}", dir.path().display())];
        all.extend([
            format!("--listen=127.0.0.1:{port}"),
            format!("--rendezvous-listen=127.0.0.1:{rendezvous}"),
        ]);
        all.extend(options.iter().map(|&option| option.to_owned()));
        let environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut server = Self { dir, port, options: all, environment, child: None, starts: 0 };
        server.start_again();
        server
    }

    /// Starts it on the same data folder, and waits until its API answers.
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.is_none(), "one at a time");
        self.starts += 1;
        let log = File::create(self.log_file()).expect("a log file");
        // Should the test itself be killed, the server is told to stop.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", HOKKU, "server"]).args(&self.options);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("the server starts"));
        until_true("the server is ready", PATIENCE, || {
            if let Some(status) =
                self.child.as_mut().and_then(|child| child.try_wait().expect("it can be asked"))
            {
                panic!("the server ended at its start ({status}):\n{}", self.log());
            }
            self.log().contains("Hokku serves at")
        });
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.port, self.dir())
    }

    /// The owner's token.
    pub(crate) fn token(&self) -> String {
        let token = fs::read_to_string(self.dir().join("owner.token")).expect("a token");
        token.trim().to_owned()
    }

    /// The owner's first password.
    pub(crate) fn password(&self) -> String {
        let password = fs::read_to_string(self.dir().join("owner.password")).expect("a password");
        password.trim().to_owned()
    }

    /// A call of the API as its owner.
    pub(crate) fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.call(method, path, Some(&format!("Bearer {}", self.token())), body.as_bytes())
    }

    /// A call of the API as anybody.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, authorization: Option<&str>, body: &[u8]) -> Answer {
        let mut headers = vec![
            ("Accept", "application/vnd.heroku+json; version=3"),
            ("Content-Type", "application/json"),
            ("Connection", "close"),
        ];
        headers.extend(authorization.map(|value| ("Authorization", value)));
        let mut connection = self.client().connect("localhost").expect("the server listens");
        connection
            .send(method, path, &headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Asks for a resource that must be there.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.api("GET", path, None);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        answer.json()
    }

    /// Changes something, which must work.
    #[track_caller]
    pub(crate) fn change(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.api(method, path, Some(body));
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        answer.json()
    }

    /// The value of one of an app's config vars, if it is set.
    #[track_caller]
    pub(crate) fn config_var(&self, app: &str, key: &str) -> Option<String> {
        self.get(&format!("/apps/{app}/config-vars"))[key].as_str().map(str::to_owned)
    }

    /// An app's newest release.
    #[track_caller]
    pub(crate) fn newest_release(&self, app: &str) -> Value {
        let releases = self.get(&format!("/apps/{app}/releases"));
        releases.as_array().and_then(|all| all.last()).cloned().expect("a release")
    }

    /// The page of an app that nobody vouches for (yet, or any more).
    #[track_caller]
    pub(crate) fn page_in_the_open(&self, app: &str, path: &str) -> Answer {
        let connection = self.client().connect_plain(&format!("{app}.localhost"));
        let answer = connection.and_then(|mut connection| connection.send("GET", path, &[], b""));
        answer.unwrap_or_else(|error| panic!("GET {path} of {app}: {error}"))
    }

    /// The page of an app, over verified TLS.
    #[track_caller]
    pub(crate) fn page(&self, app: &str, path: &str) -> Answer {
        self.client().get(&format!("{app}.localhost"), path)
    }

    /// The last lines of an app's log, of every source.
    #[track_caller]
    pub(crate) fn logs(&self, app: &str, lines: usize) -> String {
        let wish = serde_json::json!({ "lines": lines, "tail": false });
        let session = self.change("POST", &format!("/apps/{app}/log-sessions"), &wish);
        let url = session["logplex_url"].as_str().expect("a URL");
        let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        let answer = self.client().connect("localhost").and_then(|mut connection| {
            connection.send("GET", path.expect("a path"), &[("Accept", "text/plain")], b"")
        });
        answer.expect("the logs are sent").text()
    }

    /// Waits until lines with all these texts are in an app's log: writers are a moment behind what happens.
    #[track_caller]
    pub(crate) fn until_logged(&self, app: &str, texts: &[&str]) {
        until(&format!("{texts:?} are in the log"), SOON, || {
            let log = self.logs(app, LOG_LINES_MAX);
            texts.iter().all(|text| log.contains(text)).then_some(())
        });
    }

    fn all_logs(&self, lines: usize) -> String {
        let apps = self.get("/apps");
        let names = apps.as_array().into_iter().flatten().filter_map(|app| app["name"].as_str());
        names.map(|name| format!("{name}:\n{}", self.logs(name, lines))).collect()
    }

    fn pid(&self) -> Pid {
        let child = self.child.as_ref().expect("it runs");
        Pid::from_raw(i32::try_from(child.id()).expect("ids are small"))
    }

    /// Kills it, and nothing else of what it has started.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// Makes it hand over to the next one.
    pub(crate) fn hang_up(&mut self) {
        let status = self.end(Signal::SIGHUP);
        assert!(status.success(), "{status}:\n{}", self.log());
    }

    /// Stops it in good order; nothing may be left.
    pub(crate) fn stop(&mut self) {
        let status = self.end(Signal::SIGTERM);
        assert!(status.success(), "{status}:\n{}", self.log());
        let left = until_nothing_is_left(self.dir(), &self.tag());
        assert!(left.is_empty(), "a stopped server left:\n{}\n{}", left.join("\n"), self.log());
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        kill(self.pid(), signal).expect("it runs");
        let child = self.child.as_mut().expect("it runs");
        let ended = until(&format!("the server ends after {signal}"), ENDS_WITHIN, || {
            child.try_wait().expect("it can be asked")
        });
        self.child = None;
        ended
    }

    /// Ids of the processes of this server whose command line has all these words; never the server itself.
    pub(crate) fn processes(&self, words: &[&str]) -> Vec<i32> {
        let ids = process_ids(self.dir().to_str().expect("a plain path"));
        let fits = |id: &i32| {
            let line = crate::leftovers::command_line(*id).unwrap_or_default();
            words.iter().all(|word| line.contains(word))
        };
        ids.into_iter().filter(fits).collect()
    }

    fn tag(&self) -> String {
        fs::read_to_string(self.dir().join("tag")).expect("every server picks a tag")
    }

    fn log_file(&self) -> PathBuf {
        self.dir().join(format!("server-{}.log", self.starts))
    }

    /// What the running server has told so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// After a failure: shows what the server said, and takes everything down by any means.
    fn clear_away(&mut self) {
        let mut said = self.log();
        said.drain(..said.len().saturating_sub(6_000));
        show(&format!("--- the server's last words:\n{said}---"));
        // When it does not answer any more, there is nothing to show.
        let logs = catch_unwind(AssertUnwindSafe(|| self.all_logs(40)));
        show(&format!("--- its apps' last lines:\n{}---", logs.unwrap_or_default()));
        if let Some(mut child) = self.child.take() {
            let ended = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).is_ok()
                && (0..600).any(|_| {
                    std::thread::sleep(Duration::from_millis(50));
                    child.try_wait().is_ok_and(|status| status.is_some())
                });
            if !ended {
                show("the server does not stop by itself");
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        for id in process_ids(&self.dir().display().to_string()) {
            show(&format!("killing {id}, which was left"));
            let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.clear_away();
        } else if self.child.is_some()
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.stop()))
        {
            self.clear_away();
            resume_unwind(panic);
        }
    }
}

/// A word to whoever reads a failed test's output.
#[expect(clippy::print_stderr, reason = "the test runner shows it with the failed test")]
pub(crate) fn show(text: &str) {
    eprintln!("{text}");
}

fn until_nothing_is_left(dir: &Path, tag: &str) -> Vec<String> {
    let began = std::time::Instant::now();
    loop {
        let left = leftovers(dir, tag);
        if left.is_empty() || began.elapsed() > BURIED_WITHIN {
            return left;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ports that were free a moment ago.
pub(crate) fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners =
        [0; COUNT].map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}
