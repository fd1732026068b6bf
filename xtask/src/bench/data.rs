//! `cargo xtask bench data`: databases and buckets of the platform, beside the same work on the bare thing, in one run.
//!
//! The bare thing of a database is the same running Postgres, used on this machine with Postgres's own programs by TLS over
//! loopback; of a bucket it is `s3s-fs`, which keeps objects in files as well.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::app::App;
use super::postgres::Postgres;
use super::{Times, cargo, line, on_a_server, timed};
use crate::run::{Outcome, not, output, say};
use crate::server::Server;

/// How often each thing is measured when nothing else is said.
pub(super) const ROUNDS: usize = 5;
/// Rows of the measured database, in 100,000 (15 MB each).
const SCALE: &str = "10";
/// How long each run of pgbench lasts, in seconds.
const SECONDS: &str = "10";
/// Longest backup or restore.
const TRANSFER_LIMIT: Duration = Duration::from_secs(600);
/// Longest provisioning.
const PROVISION_LIMIT: Duration = Duration::from_secs(60);
/// How often is asked whether something is done.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// What a run of pgbench does.
const MODES: [(&str, &str); 2] =
    [("reading one row", "--select-only"), ("TPC-B-like, writing", "--builtin=tpcb-like")];

/// Measures and prints.
pub(super) fn data(rounds: usize) -> Outcome {
    on_a_server(|server, _| measure(server, rounds))?;
    say("buckets, over unix sockets without TLS; ours syncs what it acknowledges, s3s-fs does not");
    cargo(&["run", "--quiet", "--release", "--package", "bucket", "--example", "bench_bucket"])
}

fn measure(server: &Server, rounds: usize) -> Outcome {
    let api = Api::new(server)?;
    let postgres = Postgres::of(server)?;
    say(&format!("== {rounds} databases made and asked"));
    let made = provision(&api, &postgres, rounds)?;
    say("== a database with rows, and an app that asks it");
    let (app, url) = with_rows(server, &api, &postgres)?;
    say(&format!("== {rounds} rounds of pgbench, {SECONDS} s each, inside a dyno and outside"));
    let rates = MODES.iter().map(|(_, mode)| pgbench(&app, &postgres, &url, mode, rounds));
    let rates = rates.collect::<Outcome<Vec<_>>>()?;
    say(&format!("== {rounds} backups and restores"));
    let copies = copies(&api, &app, &postgres, &url, rounds)?;
    say("");
    say(&format!("load of the last minutes: {}", load()));
    say("provisioning: asked for by API, until its first answer to psql");
    pair("make a role and a database, ask it", "create an add-on, ask it", &made);
    say("pgbench, 4 clients, transactions per second");
    MODES.iter().zip(&rates).for_each(|((what, _), rates)| rates.say(what));
    say(&format!("a database of {} MB", megabytes(&postgres, &url)?));
    pair("pg_dump", "capture, which restores and compares besides", &copies.dump);
    pair("pg_dump, createdb and pg_restore", "capture, which compares besides", &copies.verified);
    pair("createdb and pg_restore", "restore, which compares and takes the place", &copies.restore);
    Ok(())
}

/// The same thing bare and by the platform.
struct Pair {
    bare: Times,
    ours: Times,
}

impl Pair {
    fn new(times: impl IntoIterator<Item = (Duration, Duration)>) -> Self {
        let (bare, ours) = times.into_iter().unzip();
        Self { bare: Times::new(bare), ours: Times::new(ours) }
    }
}

fn pair(bare: &str, ours: &str, times: &Pair) {
    line(&format!("  bare: {bare}"), &times.bare, None);
    line(&format!("  hokku: {ours}"), &times.ours, Some(("bare", times.bare.median())));
}

/// The platform's API, as its owner.
struct Api<'a> {
    server: &'a Server,
    token: String,
}

impl<'a> Api<'a> {
    fn new(server: &'a Server) -> Outcome<Self> {
        let path = server.place().data().join("owner.token");
        let token = fs::read_to_string(&path).map_err(not("read", &path))?;
        Ok(Self { server, token: token.trim().to_owned() })
    }

    /// What a request is answered.
    fn call(&self, method: &str, path: &str, body: &str) -> Outcome<String> {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--fail-with-body",
            "--request",
            method,
            "--data",
            body,
            "--cacert",
        ]);
        curl.arg(self.server.ca()).args(["--header", &format!("Authorization: Bearer {}", self.token)]);
        curl.args(["--header", "Accept: application/vnd.heroku+json; version=3"]);
        curl.args(["--header", "Content-Type: application/json"]);
        output(curl.arg(format!("https://localhost:{}{path}", self.server.port)))
    }

    /// Asks until there is a word of this name; the word.
    fn until(&self, path: &str, name: &str, limit: Duration) -> Outcome<String> {
        let began = Instant::now();
        loop {
            let answer = self.call("GET", path, "")?;
            if let Some(found) = word(&answer, name) {
                return Ok(found.to_owned());
            }
            if began.elapsed() > limit {
                return Err(format!("{path} has no `{name}` after {} s: {answer}", limit.as_secs()));
            }
            std::thread::sleep(ASK_EVERY);
        }
    }

    fn add_database(&self, app: &str, attachment: &str) -> Outcome<String> {
        let wish = format!(
            r#"{{"plan":"heroku-postgresql:essential-0","attachment":{{"name":"{attachment}"}},"name":"{app}-{}"}}"#,
            attachment.to_ascii_lowercase()
        );
        self.call("POST", &format!("/apps/{app}/addons"), &wish)?;
        self.until(&format!("/apps/{app}/config-vars"), &format!("{attachment}_URL"), PROVISION_LIMIT)
    }

    /// Has a transfer made; what it is shown as when it is over.
    fn transfer(&self, app: &str, path: &str, body: &str) -> Outcome<String> {
        let asked = self.call("POST", path, body)?;
        let id = word(&asked, "uuid").ok_or_else(|| format!("no transfer: {asked}"))?;
        let path = format!("/client/v11/apps/{app}/transfers/{id}");
        self.until(&path, "finished_at", TRANSFER_LIMIT)?;
        let shown = self.call("GET", &path, "")?;
        if shown.contains(r#""succeeded":true"#) {
            Ok(shown)
        } else {
            Err(format!("a transfer failed: {shown}"))
        }
    }
}

/// A text in JSON by its name; enough for texts without quotes.
fn word<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!(r#""{name}":""#))?;
    rest.split('"').next()
}

/// From nothing to the first answer. The app has no code, so that nothing is started meanwhile.
fn provision(api: &Api<'_>, postgres: &Postgres, rounds: usize) -> Outcome<Pair> {
    api.call("POST", "/apps", r#"{"name":"benchmade"}"#)?;
    let bare = |round| {
        timed(|| {
            let url = postgres.make(&format!("bare{round}"))?;
            postgres.ask(&url, "SELECT 1")
        })
    };
    let ours = |round| {
        timed(|| {
            let url = api.add_database("benchmade", &format!("MADE{round}"))?;
            postgres.ask(&url, "SELECT 1")
        })
    };
    let times = (0..rounds).map(|round| Ok((bare(round)?, ours(round)?)));
    Ok(Pair::new(times.collect::<Outcome<Vec<_>>>()?))
}

/// An app with pgbench in its slug, and its database, filled.
fn with_rows<'a>(server: &'a Server, api: &Api<'_>, postgres: &Postgres) -> Outcome<(App<'a>, String)> {
    let app = App::new(server, "hello", "benchdata")?;
    let url = api.add_database(app.name, "DATABASE")?;
    output(postgres.program("pgbench").args(["--initialize", "--quiet", "--scale", SCALE, &url]))?;
    let program = postgres.program("pgbench").get_program().to_owned();
    let copied = app.source.join("pgbench");
    fs::copy(&program, &copied).map_err(not("copy", &copied))?;
    app.commit("with pgbench")?;
    output(app.git().args(["push", "heroku", "main"]))?;
    Ok((app, url))
}

/// Transactions per second.
struct Rates {
    bare: Vec<f64>,
    ours: Vec<f64>,
}

impl Rates {
    fn say(&self, what: &str) {
        let shown = |rates: &[f64]| {
            let (first, last) = (rates.first().copied(), rates.last().copied());
            format!("{:.0} ({:.0}-{:.0})", median(rates), first.unwrap_or_default(), last.unwrap_or_default())
        };
        say(&format!("{:<58} {}", format!("  bare: {what}, on this machine"), shown(&self.bare)));
        let ratio = median(&self.ours) / median(&self.bare).max(f64::EPSILON);
        let ours = format!("  hokku: {what}, in a dyno");
        say(&format!("{ours:<58} {:<22} {ratio:.2}x of bare", shown(&self.ours)));
    }
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn pgbench(app: &App<'_>, postgres: &Postgres, url: &str, mode: &str, rounds: usize) -> Outcome<Rates> {
    let args = ["--no-vacuum", "--client=4", "--jobs=2", "--time", SECONDS, mode];
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare.push(rate(&output(postgres.program("pgbench").args(args).arg(url))?)?);
        let script = format!("./pgbench {} $DATABASE_URL", args.join(" "));
        ours.push(rate(&output(&mut app.heroku(&["run", "--exit-code", "--no-tty", &script]))?)?);
    }
    bare.sort_by(f64::total_cmp);
    ours.sort_by(f64::total_cmp);
    Ok(Rates { bare, ours })
}

/// `tps = 12345.678901 (without initial connection time)`.
fn rate(report: &str) -> Outcome<f64> {
    let found =
        report.lines().find_map(|line| line.trim().strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    found.ok_or_else(|| format!("pgbench told no rate:\n{report}"))
}

/// Backups and restores, beside dumps and restores by hand.
struct Copies {
    dump: Pair,
    verified: Pair,
    restore: Pair,
}

fn copies(api: &Api<'_>, app: &App<'_>, postgres: &Postgres, url: &str, rounds: usize) -> Outcome<Copies> {
    let file = api.server.place().path("by-hand.dump");
    let (mut dump, mut verified, mut restore) = (Vec::new(), Vec::new(), Vec::new());
    let database = format!("/client/v11/databases/{}-database", app.name);
    for _ in 0..rounds {
        let dumped = timed(|| postgres.dump(url, &file))?;
        let restored = timed(|| postgres.restore(&postgres.make("restored")?, &file))?;
        postgres.drop("restored")?;
        let mut backup = String::new();
        let captured = timed(|| {
            backup = api.transfer(app.name, &format!("{database}/backups"), "{}")?;
            Ok(())
        })?;
        let address = word(&backup, "to_url").ok_or("the backup has no address")?;
        let wish = format!(r#"{{"backup_url":"{address}"}}"#);
        let brought = timed(|| api.transfer(app.name, &format!("{database}/restores"), &wish))?;
        dump.push((dumped, captured));
        verified.push((dumped + restored, captured));
        restore.push((restored, brought));
    }
    Ok(Copies { dump: Pair::new(dump), verified: Pair::new(verified), restore: Pair::new(restore) })
}

fn megabytes(postgres: &Postgres, url: &str) -> Outcome<String> {
    let size = postgres.ask(url, "SELECT pg_database_size(current_database()) / 1000000")?;
    Ok(size.trim().to_owned())
}

/// What else this machine had to do: `1.23 0.97 0.71 on 2 cores`.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{} on {cores} cores", text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::{rate, word};

    #[test]
    fn answers_are_read() {
        let report = "number of transactions: 9\ntps = 1234.500000 (without initial connection time)\n";
        assert_eq!(rate(report), Ok(1234.5));
        assert!(rate("pgbench: error").is_err());
        assert_eq!(word(r#"{"id":"x","uuid":"a-b"}"#, "uuid"), Some("a-b"));
        assert_eq!(word(r#"{"finished_at":null}"#, "finished_at"), None);
    }
}
