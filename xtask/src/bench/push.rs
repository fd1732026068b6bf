//! `cargo xtask bench push`: first pushes, a one-line change split into its stages, a config change and a rollback of the
//! sample Django app, beside the same steps by hand.

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::app::App;
use super::hand::{Bench, ByHand};
use super::poll::{Answer, Poller};
use super::tail::Tail;
use super::{Times, line, on_a_server, seconds};
use crate::run::{Outcome, not, output, say};
use crate::server::Server;
use crate::setup;

/// How often each change is measured when nothing else is said.
pub(super) const ROUNDS: usize = 5;
/// What asks for new code: a page with a database query that names its release.
pub(super) const PAGE: &str = "/healthz";
/// How long the poller goes on after a change, to see what comes late.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// Measures and prints.
pub(super) fn push(rounds: usize) -> Outcome {
    on_a_server(|server, tools| measure(server, tools, rounds))
}

fn measure(server: &Server, tools: &setup::Tools, rounds: usize) -> Outcome {
    let app = django(server, "benchone")?;
    say("== first push of the machine's first app (nothing stored yet)");
    let cold = app.push()?;
    let second = django(server, "benchtwo")?;
    say("== first push of a second app (its wheels are stored)");
    let warm = second.push()?;
    say(&format!("== {rounds} one-line changes, config changes and rollbacks under load"));
    let mut changes = Vec::new();
    let mut configs = Vec::new();
    let mut rollbacks = Vec::new();
    let mut clients = Clients::default();
    for round in 0..rounds {
        clients.credentials.push(app.credentials()?);
        clients.command.push(app.bare_command()?);
        changes.push(app.change(&format!("edition {round}"))?);
        configs.push(app.watched(&["config:set", &format!("BENCH_ROUND={round}")])?);
        rollbacks.push(app.watched(&["rollback"])?);
    }
    let variables = app.variables()?;
    let work = server.place().path("by-hand");
    fs::create_dir_all(&work).map_err(not("make", &work))?;
    let hand = Bench { app: &app.source, work: &work, variables: &variables, tools, rounds }.measure()?;
    report(&Measured { cold, warm, changes, configs, rollbacks, clients, hand });
    Ok(())
}

struct Measured {
    cold: Duration,
    warm: Duration,
    changes: Vec<Change>,
    configs: Vec<Switch>,
    rollbacks: Vec<Switch>,
    clients: Clients,
    hand: ByHand,
}

/// What the official client takes for itself, which no server can shorten.
#[derive(Default)]
struct Clients {
    /// git starting `heroku git:credentials` twice, as in every push: to ask for the token, and to tell that it was right.
    credentials: Vec<Duration>,
    /// A command that asks the server one thing and changes nothing.
    command: Vec<Duration>,
}

/// One change of the code.
struct Change {
    pushed: Duration,
    switch: Switch,
    /// How long each stage took, in order.
    stages: Vec<(&'static str, Duration)>,
}

/// What the poller saw of a change.
struct Switch {
    /// From the command's start to the first answer of the new release.
    first_new: Duration,
    answers: usize,
    lost: usize,
}

/// The sample app with a database, ready to be pushed.
fn django<'a>(server: &'a Server, name: &'static str) -> Outcome<App<'a>> {
    let app = App::new(server, "django-events", name)?;
    output(&mut app.heroku(&["addons:create", "heroku-postgresql:mini", "--wait"]))?;
    output(&mut app.heroku(&["config:set", "SECRET_KEY=only-for-a-benchmark", "DEBUG=False"]))?;
    Ok(app)
}

impl App<'_> {
    fn push(&self) -> Outcome<Duration> {
        let began = Instant::now();
        output(self.git().args(["push", "heroku", "main"]))?;
        Ok(began.elapsed())
    }

    /// git asking its helper for the token and telling it that it was right, as it does in a push.
    fn credentials(&self) -> Outcome<Duration> {
        let ask = format!(
            "printf 'protocol=https\\nhost=localhost:{}\\n\\n' | git credential fill | git credential approve",
            self.server.port
        );
        let began = Instant::now();
        output(self.server.client("sh", &self.source).args(["-c", &ask]))?;
        Ok(began.elapsed())
    }

    fn bare_command(&self) -> Outcome<Duration> {
        let began = Instant::now();
        output(&mut self.heroku(&["config:get", "DEBUG"]))?;
        Ok(began.elapsed())
    }

    fn poller(&self) -> Poller {
        Poller::start(&format!("{}.localhost", self.name), self.server.port, PAGE)
    }

    /// Changes one line, pushes it and watches.
    fn change(&self, marker: &str) -> Outcome<Change> {
        let file = self.source.join("eventsite/version.py");
        let text = fs::read_to_string(&file).map_err(not("read", &file))?;
        let set = |line: &str| match line.starts_with("RELEASE_MARKER") {
            true => format!("RELEASE_MARKER = \"{marker}\"\n"),
            false => format!("{line}\n"),
        };
        fs::write(&file, text.lines().map(set).collect::<String>()).map_err(not("write", &file))?;
        output(self.git().args(["commit", "--quiet", "-a", "-m", marker]))?;
        let poller = self.poller();
        let (began, clock) = (Instant::now(), SystemTime::now());
        let pushed = self.push()?;
        std::thread::sleep(AFTERWARDS);
        let answers = poller.end();
        let switch = switch(began, &answers, |answer| answer.body.contains(marker))?;
        let stages = self.stages(clock, switch.first_new)?;
        Ok(Change { pushed, switch, stages })
    }

    /// Runs a command that makes a release, and watches until its dyno has taken over: the answers from then on are that
    /// dyno's.
    fn watched(&self, words: &[&str]) -> Outcome<Switch> {
        let follow = ["logs", "--tail", "--source", "heroku", "--dyno", "web.1", "-n", "1"];
        let tail = Tail::start(&mut self.heroku(&follow))?;
        let poller = self.poller();
        let (began, clock) = (Instant::now(), SystemTime::now());
        output(&mut self.heroku(words))?;
        let up = tail.find("State changed from starting to up")?;
        std::thread::sleep(AFTERWARDS);
        let answers = poller.end();
        let since = clock.duration_since(UNIX_EPOCH).unwrap_or_default();
        let up = epoch(&up).and_then(|at| at.checked_sub(since)).ok_or("the log's times make no sense")?;
        switch(began, &answers, |answer| answer.at >= began + up)
    }

    /// The stages of a push, read off the app's own log.
    fn stages(&self, clock: SystemTime, first_new: Duration) -> Outcome<Vec<(&'static str, Duration)>> {
        let lines = self.log(clock)?;
        let at = |text: &str| lines.iter().find(|(_, line)| line.contains(text)).map(|(at, _)| *at);
        let marks = [
            ("receive", at("app[api]: Build started")),
            ("build", at("app[api]: Build succeeded")),
            ("release command", at("State changed from up to complete")),
            ("boot", at("heroku[web.1]: State changed from starting to up")),
            ("switch", Some(first_new)),
        ];
        let mut before = Duration::ZERO;
        let mut stages = Vec::new();
        for (name, mark) in marks {
            let mark = mark.ok_or_else(|| format!("the log does not tell the end of `{name}`"))?;
            stages.push((name, mark.saturating_sub(before)));
            before = mark;
        }
        Ok(stages)
    }

    /// The platform's log lines since `clock`, with the time after it.
    fn log(&self, clock: SystemTime) -> Outcome<Vec<(Duration, String)>> {
        let text = output(&mut self.heroku(&["logs", "-n", "1500"]))?;
        let since = clock.duration_since(UNIX_EPOCH).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.contains("heroku[router]") && !line.contains("GET /"));
        Ok(lines.filter_map(|line| Some((epoch(line)?.checked_sub(since)?, line.to_owned()))).collect())
    }
}

/// The time at the start of a log line (`2026-11-22T16:47:05.123456+00:00 …`), since the epoch.
fn epoch(line: &str) -> Option<Duration> {
    let number = |range: std::ops::Range<usize>| line.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    // Years are counted from March, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    Some(Duration::from_secs(seconds) + Duration::from_micros(number(20..26)?))
}

fn switch(began: Instant, answers: &[Answer], is_new: impl Fn(&Answer) -> bool) -> Outcome<Switch> {
    let first = answers.iter().find(|answer| answer.status == 200 && is_new(answer));
    let first = first.ok_or("the new release never answered")?;
    let lost = answers.iter().filter(|answer| answer.status != 200).count();
    Ok(Switch { first_new: first.at.saturating_duration_since(began), answers: answers.len(), lost })
}

fn report(measured: &Measured) {
    let Measured { cold, warm, changes, configs, rollbacks, clients, hand } = measured;
    let credentials = Times::new(clients.credentials.clone());
    let command = Times::new(clients.command.clone());
    let steps = |times: [&Times; 3]| times.iter().map(|times| times.median()).sum::<Duration>();
    let own = steps([&hand.collectstatic, &hand.migrate, &hand.boot]);
    // A config change and a rollback are releases: they too run the release command first.
    let again = hand.migrate.median() + hand.boot.median();
    let first = |switches: &[Switch]| Times::new(switches.iter().map(|switch| switch.first_new).collect());
    say("");
    say("by hand on this machine");
    line("  venv + pip install, nothing cached", &hand.pip, None);
    line("  uv venv + uv pip install, wheels cached, byte code", &hand.uv, None);
    line("  collectstatic", &hand.collectstatic, None);
    line("  migrate, nothing to do", &hand.migrate, None);
    line("  gunicorn, 2 workers: exec to first 200 with a query", &hand.boot, None);
    say("");
    say("the official client's own part");
    line("  git's two calls of `heroku git:credentials`", &credentials, None);
    line("  `heroku config:get`, which changes nothing", &command, None);
    say("");
    say("hokku");
    line(
        "  first push, nothing stored",
        &Times::new(vec![*cold]),
        Some(("pip + the app's own steps", hand.pip.median() + own)),
    );
    line(
        "  first push, wheels stored",
        &Times::new(vec![*warm]),
        Some(("uv + the app's own steps", hand.uv.median() + own)),
    );
    let switches: Vec<_> = changes.iter().map(|change| &change.switch).collect();
    let news = Times::new(switches.iter().map(|switch| switch.first_new).collect());
    line("  one-line change: push to first new 200", &news, Some(("the app's own steps", own)));
    for index in 0..changes.first().map_or(0, |change| change.stages.len()) {
        let name = changes[0].stages[index].0;
        let times = Times::new(changes.iter().map(|change| change.stages[index].1).collect());
        line(&format!("    {name}"), &times, None);
    }
    line(
        "  one-line change: `git push` returns",
        &Times::new(changes.iter().map(|it| it.pushed).collect()),
        None,
    );
    line(
        "  config change: command to first answer of the new dyno",
        &first(configs),
        Some(("the app's own steps", again)),
    );
    line(
        "  rollback: command to first answer of the new dyno",
        &first(rollbacks),
        Some(("the app's own steps", again)),
    );
    let all = switches.into_iter().chain(configs).chain(rollbacks);
    let (answers, lost) = all.fold((0, 0), |(answers, lost), it| (answers + it.answers, lost + it.lost));
    say(&format!("  requests during all changes: {answers}, not answered with 200: {lost}"));
    let over = |what: &str, whole: Duration, others: Duration, budget: &str| {
        say(&format!("  {what}: {} (budget: {budget})", seconds(whole.saturating_sub(others))));
    };
    say("");
    say("the platform's own part: without the client's and the app's");
    over("one-line change", news.median(), own + credentials.median(), "1 s");
    over("config change", first(configs).median(), again + command.median(), "0.5 s");
    over("rollback", first(rollbacks).median(), again + command.median(), "0.5 s");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::epoch;

    #[test]
    fn log_times_are_read() {
        let at = epoch("2010-09-16T15:13:46.677020+00:00 app[web.1]: hello");
        assert_eq!(at, Some(Duration::from_micros(1_284_650_026_677_020)));
        assert_eq!(epoch("1970-01-01T00:00:01.000000+00:00 x"), Some(Duration::from_secs(1)));
        assert_eq!(epoch("hello"), None);
    }
}
