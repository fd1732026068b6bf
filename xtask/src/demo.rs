//! `cargo xtask demo`: from nothing to a Django app that answers over HTTPS from real Postgres rows, each step shown.
//!
//! It does what a person would do, with the official `heroku` command, git and curl. Running it again pushes a one-line
//! change to the server that still runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::run::{Outcome, not, output, root, run, say};
use crate::server::{self, Place, Server};
use crate::setup;

/// The name of the app: it is served at `events.localhost`.
const APP: &str = "events";
/// The database plan that the demo takes.
const PLAN: &str = "heroku-postgresql:mini";
/// Longest wait for a page, in seconds.
const PAGE_SECONDS: &str = "30";
/// Steps of the whole.
const STEPS: u32 = 9;

/// Shows everything.
pub(crate) fn demo() -> Outcome {
    let mut story = Story { began: Instant::now(), step: 0 };
    let tools = story.step("Tools: Debian packages, uv, the official heroku command", setup::setup)?;
    let hokku = story.step("Build hokku (dev profile; the first time takes minutes)", server::build)?;
    let place = Place::open(&dir())?;
    let server = story.step("Start the server", || place.serve(&hokku, &tools))?;
    let app = App { source: server.place().path("events"), server };
    let edition = story.step("The sample Django app, in a repository of its own", || app.commit())?;
    story.step("An app with a Postgres database", || app.create())?;
    story.step("Push", || app.push())?;
    story.step("The page, over verified TLS, from the new code", || app.look(&edition))?;
    let title = story.step("Post the page's form: it writes a row", || app.announce())?;
    story.step("The row, in the page and in Postgres", || app.find(&title))?;
    app.farewell(story.began);
    Ok(())
}

/// Stops the server and all it runs; with `purge` removes its data too.
pub(crate) fn stop(purge: bool) -> Outcome {
    let dir = dir();
    if !dir.exists() {
        say(&format!("There is no demo: {} does not exist.", dir.display()));
        return Ok(());
    }
    let place = Place::open(&dir)?;
    match place.process() {
        Some(process) => {
            say(&format!("Stopping the demo's server (process {process}): requests in flight finish first."));
            place.end(process, "TERM")?;
            say("Stopped; nothing of it runs any more.");
        }
        None => say("The demo's server is not running."),
    }
    if purge {
        return remove(&dir);
    }
    say(&format!("Its data is in {}: `cargo xtask demo` takes it up again,", dir.display()));
    say("`cargo xtask demo --stop --purge` removes it.");
    Ok(())
}

/// Prints what points a shell at the demo's server.
pub(crate) fn exports() -> Outcome {
    let place = Place::open(&dir())?;
    let mut hokku = Command::new(place.path("bin/hokku"));
    let exports = output(hokku.arg("env").arg("--data-dir").arg(place.data()))?;
    let tools = setup::setup()?;
    say(&tools.exports(&place.path("bin")));
    say(exports.trim_end());
    Ok(())
}

fn dir() -> PathBuf {
    std::env::var_os("HOKKU_DEMO_DIR").map_or_else(|| PathBuf::from("/var/lib/hokku-demo"), PathBuf::from)
}

/// Removes the demo's folder, unless something in it is still in use.
fn remove(dir: &Path) -> Outcome {
    let dir = dir.canonicalize().map_err(not("open", dir))?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let below = format!(" {}/", dir.display());
    if mounts.contains(&below) {
        return Err(format!("something is still mounted below {}: see /proc/self/mountinfo", dir.display()));
    }
    fs::remove_dir_all(&dir).map_err(not("remove", &dir))?;
    say(&format!("Removed {}.", dir.display()));
    Ok(())
}

/// Numbers the steps and tells how long each took.
struct Story {
    began: Instant,
    step: u32,
}

impl Story {
    fn step<T>(&mut self, title: &str, take: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        self.step += 1;
        say(&format!("\n[{}/{STEPS}] {title}", self.step));
        let began = Instant::now();
        let result = take().map_err(|error| format!("step {}, {title}: {error}", self.step))?;
        say(&format!("   done in {:.1} s", began.elapsed().as_secs_f64()));
        Ok(result)
    }
}

/// The sample app and the server it goes to.
struct App {
    server: Server,
    source: PathBuf,
}

impl App {
    /// The first time the sample is copied and committed; later one line is changed. Returns that line's word.
    fn commit(&self) -> Outcome<String> {
        let git = |args: &[&str]| run(self.server.client("git", &self.source).args(args));
        if !self.source.join(".git/HEAD").exists() {
            let sample = root().join("apps/django-events");
            let _ = fs::remove_dir_all(&self.source); // left by a demo that was cut short here
            run(Command::new("cp").arg("-r").arg(&sample).arg(&self.source))?;
            self.tell("git init");
            git(&["init", "--quiet", "--initial-branch=main"])?;
        }
        let commits = output(self.server.client("git", &self.source).args(["rev-list", "--count", "--all"]))?;
        let edition = format!("edition {}", commits.trim().parse::<u32>().unwrap_or_default() + 1);
        let file = self.source.join("eventsite/version.py");
        let text = fs::read_to_string(&file).map_err(not("read", &file))?;
        let line = format!("RELEASE_MARKER = \"{edition}\"");
        let lines =
            text.lines().map(|old| if old.starts_with("RELEASE_MARKER") { line.as_str() } else { old });
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        fs::write(&file, text).map_err(not("write", &file))?;
        self.tell(&format!("git commit  # eventsite/version.py: {line}"));
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "--message", &edition])?;
        Ok(edition)
    }

    fn create(&self) -> Outcome {
        if self.heroku_says(&["apps:info", "--app", APP]).is_err() {
            self.heroku(&["create", APP])?;
        }
        self.heroku(&["git:remote", "--app", APP])?;
        if self.config("DATABASE_URL")?.is_empty() {
            self.heroku(&["addons:create", PLAN, "--wait", "--app", APP])?;
        }
        if self.config("SECRET_KEY")?.is_empty() {
            let key = format!("SECRET_KEY={}", secret()?);
            self.heroku(&["config:set", &key, "DEBUG=False", "HEROKU=1", "--app", APP])?;
        }
        Ok(())
    }

    fn push(&self) -> Outcome {
        self.tell("git push heroku main");
        run(self.server.client("git", &self.source).args(["push", "heroku", "main"]))
    }

    fn look(&self, edition: &str) -> Outcome {
        let page = self.curl(&[])?;
        if !page.contains(edition) {
            return Err(format!("{} does not show \"{edition}\", so it is not the new code", self.url()));
        }
        say(&format!("   200, the certificate is good, the footer says \"{edition}\""));
        Ok(())
    }

    /// Fills in the form as a browser does: with the page's cookie and its hidden field.
    fn announce(&self) -> Outcome<String> {
        let cookies = self.server.place().path("home/cookies");
        let cookies = cookies.to_string_lossy();
        let page = self.curl(&["--cookie-jar", &cookies])?;
        let field = page
            .split_once("name=\"csrfmiddlewaretoken\" value=\"")
            .and_then(|(_, rest)| rest.split_once('"'));
        let (token, _) = field.ok_or("the page has no form")?;
        let now = output(Command::new("date").args(["-u", "+%F %T UTC"]))?;
        let title = format!("Written by the demo at {}", now.trim());
        let values = [
            ("csrfmiddlewaretoken", token),
            ("title", &title),
            ("category", "science"),
            ("place", "This machine"),
            ("starts_at", "2030-01-01T19:00"),
        ];
        let values = values.map(|(name, value)| format!("{name}={value}"));
        let url = self.url();
        let mut args = vec!["--cookie", &cookies, "--referer", &url, "--location"];
        args.extend(values.iter().flat_map(|value| ["--data-urlencode", value.as_str()]));
        self.curl(&args)?;
        say(&format!("   \"{title}\""));
        Ok(title)
    }

    fn find(&self, title: &str) -> Outcome {
        if !self.curl(&[])?.contains(title) {
            return Err(format!("{} does not show the event \"{title}\"", self.url()));
        }
        say("   the page shows it");
        let query = "SELECT id, title, place FROM events_event ORDER BY id DESC LIMIT 1";
        self.tell(&format!("heroku pg:psql --app {APP} --command \"{query}\""));
        let rows = self.heroku_says(&["pg:psql", "--app", APP, "--command", query])?;
        rows.lines().for_each(|line| say(&format!("   {line}")));
        if rows.contains(title) {
            Ok(())
        } else {
            Err("the newest row in Postgres is another one".to_owned())
        }
    }

    fn farewell(&self, began: Instant) {
        let (url, ca) = (self.url(), self.server.ca());
        let (source, ca, port) = (self.source.display(), ca.display(), self.server.port);
        let password = self.server.place().data().join("owner.password");
        let password = password.display();
        say(&format!(
            "
The app answers at {url}  ({:.0} s in all)
The web pages are at https://dashboard.localhost:{port}/ (owner@hokku.localhost, password in {password})

Try next, in this shell:
  eval \"$(cargo xtask demo --env)\"    # heroku, hokku and git now talk to this server
  cd {source}
  heroku logs --tail                  # requests, the app's output, what the platform did
  heroku run python manage.py shell   # a one-off dyno with a terminal
  heroku ps:scale web=2
  heroku config:set LOG_LEVEL=DEBUG   # a new release, without a lost request
  heroku releases; heroku rollback
  heroku pg:psql
  # change a line, git commit, git push heroku main; or run `cargo xtask demo` again

Your browser does not know this machine's certificate authority yet. Import this file as an authority
(Firefox: Settings, Certificates; Chrome: chrome://certificate-manager), or accept the warning:
  {ca}

The server goes on in the background. To stop it and all it runs: cargo xtask demo --stop",
            began.elapsed().as_secs_f64()
        ));
    }

    fn url(&self) -> String {
        format!("https://{APP}.localhost:{}/", self.server.port)
    }

    /// The page; anything but a good status and a good certificate is an error.
    fn curl(&self, args: &[&str]) -> Outcome<String> {
        let address = format!("{APP}.localhost:{}:127.0.0.1", self.server.port);
        let mut curl = self.server.client("curl", &self.source);
        curl.args(["--silent", "--show-error", "--fail", "--max-time", PAGE_SECONDS, "--resolve", &address]);
        curl.arg("--cacert").arg(self.server.ca()).args(args).arg(self.url());
        self.tell(&format!("curl --cacert {} {}", self.server.ca().display(), self.url()));
        output(&mut curl)
    }

    fn heroku(&self, args: &[&str]) -> Outcome {
        let shown: Vec<&str> = args
            .iter()
            .map(|word| if word.starts_with("SECRET_KEY=") { "SECRET_KEY=…" } else { word })
            .collect();
        self.tell(&format!("heroku {}", shown.join(" ")));
        run(self.server.client("heroku", &self.source).args(args))
    }

    fn heroku_says(&self, args: &[&str]) -> Outcome<String> {
        output(self.server.client("heroku", &self.source).args(args))
    }

    fn config(&self, name: &str) -> Outcome<String> {
        Ok(self.heroku_says(&["config:get", name, "--app", APP])?.trim().to_owned())
    }

    fn tell(&self, command: &str) {
        say(&format!("   $ {command}"));
    }
}

/// Fifty characters that nobody guesses.
fn secret() -> Outcome<String> {
    use std::io::Read;
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 25];
    fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(not("read", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
