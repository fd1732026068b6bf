//! `cargo xtask bench push`: first pushes, a one-line change split into its stages, a config change and a rollback of the
//! sample Django app, beside the same steps by hand.

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::app::App;
use super::hand::{Hand, Steps};
use super::poll::{Answer, Poller};
use super::tail::Tail;
use super::{Times, line, on_a_server, timed};
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
    let hand = Hand::install(&app.source, server.place().path("by-hand"), app.variables()?, tools, rounds)?;
    say(&format!(
        "== {rounds} one-line changes, config changes and rollbacks under load, and their steps by hand"
    ));
    let rounds = (0..rounds).map(|round| {
        Ok(Round {
            by_hand: hand.steps()?,
            credentials: app.credentials()?,
            change: app.change(&format!("edition {round}"))?,
            config: app.watched(&["config:set", &format!("BENCH_ROUND={round}")], "Set BENCH_ROUND")?,
            rollback: app.watched(&["rollback"], "Rollback to")?,
        })
    });
    let rounds = rounds.collect::<Outcome<Vec<_>>>()?;
    report(&Measured { cold, warm, pip: hand.pip, uv: Times::new(hand.uv.clone()), rounds });
    Ok(())
}

struct Measured {
    cold: Duration,
    warm: Duration,
    pip: Duration,
    uv: Times,
    rounds: Vec<Round>,
}

/// Every kind of change once, and beside them, in the same minute, what they are compared with.
struct Round {
    by_hand: Steps,
    /// What the official client takes of a push for itself, which no server can shorten: git starts
    /// `heroku git:credentials` twice, to ask for the token, and to tell that it was right.
    credentials: Duration,
    change: Change,
    config: Release,
    rollback: Release,
}

impl Round {
    /// What the app itself takes of a change of its code.
    fn own(&self) -> Duration {
        self.by_hand.collectstatic + self.again()
    }

    /// What it takes of a config change or a rollback: they are releases, and run the release command first.
    fn again(&self) -> Duration {
        self.by_hand.migrate + self.by_hand.boot
    }
}

/// One change of the code.
struct Change {
    pushed: Duration,
    switch: Switch,
    /// How long each stage took, in order.
    stages: Vec<(&'static str, Duration)>,
}

/// A command that makes a release.
struct Release {
    switch: Switch,
    /// From the command's start until the server noted what it was asked: the client's own part.
    asked: Duration,
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
        timed(|| output(self.git().args(["push", "heroku", "main"])))
    }

    /// git asking its helper for the token and telling it that it was right, as it does in a push, and under the load of one.
    fn credentials(&self) -> Outcome<Duration> {
        let ask = format!(
            "printf 'protocol=https\\nhost=localhost:{}\\n\\n' | git credential fill | git credential approve",
            self.server.port
        );
        let poller = self.poller();
        let took = timed(|| output(self.server.client("sh", &self.source).args(["-c", &ask])));
        poller.end();
        took
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
    /// dyno's. `note` is what the server writes into the app's log when it is asked.
    fn watched(&self, words: &[&str], note: &str) -> Outcome<Release> {
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
        let noted = self.log(clock)?.into_iter().find(|(_, line)| line.contains(note));
        let (asked, _) = noted.ok_or_else(|| format!("the log does not tell `{note}`"))?;
        Ok(Release { switch: switch(began, &answers, |answer| answer.at >= began + up)?, asked })
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
    let Measured { cold, warm, pip, uv, rounds } = measured;
    let of = |time: &dyn Fn(&Round) -> Duration| Times::new(rounds.iter().map(time).collect());
    let (own, again) = (of(&Round::own), of(&Round::again));
    say("");
    say("by hand on this machine");
    line("  venv + pip install, nothing cached", &Times::new(vec![*pip]), None);
    line("  uv venv + uv pip install, wheels cached, byte code", uv, None);
    line("  collectstatic", &of(&|it| it.by_hand.collectstatic), None);
    line("  migrate, nothing to do", &of(&|it| it.by_hand.migrate), None);
    line("  gunicorn, 2 workers: exec to first 200 with a query", &of(&|it| it.by_hand.boot), None);
    say("");
    say("the official client's own part");
    line("  git's two calls of `heroku git:credentials`", &of(&|it| it.credentials), None);
    line("  `heroku config:set`, until the server has it", &of(&|it| it.config.asked), None);
    line("  `heroku rollback`, until the server has it", &of(&|it| it.rollback.asked), None);
    say("");
    say("hokku");
    let first = |what: &str, time: Duration, with: &str, others: Duration| {
        line(what, &Times::new(vec![time]), Some((with, others + own.median())));
    };
    first("  first push, nothing stored", *cold, "pip + the app's own steps", *pip);
    first("  first push, wheels stored", *warm, "uv + the app's own steps", uv.median());
    let change = of(&|it| it.change.switch.first_new);
    line("  one-line change: push to first new 200", &change, Some(("the app's own steps", own.median())));
    for index in 0..rounds.first().map_or(0, |round| round.change.stages.len()) {
        let name = rounds[0].change.stages[index].0;
        line(&format!("    {name}"), &of(&|it| it.change.stages[index].1), None);
    }
    line("  one-line change: `git push` returns", &of(&|it| it.change.pushed), None);
    let again = Some(("the app's own steps", again.median()));
    let config = of(&|it| it.config.switch.first_new);
    line("  config change: command to first answer of the new dyno", &config, again);
    let rollback = of(&|it| it.rollback.switch.first_new);
    line("  rollback: command to first answer of the new dyno", &rollback, again);
    let switches =
        || rounds.iter().flat_map(|it| [&it.change.switch, &it.config.switch, &it.rollback.switch]);
    let answers: usize = switches().map(|switch| switch.answers).sum();
    let lost: usize = switches().map(|switch| switch.lost).sum();
    say(&format!("  requests during all changes: {answers}, not answered with 200: {lost}"));
    say("");
    say("the platform's own part: without the client's and the app's of the same round");
    let part = |what: &str, budget: &str, times: Times| {
        say(&format!("{:<58} {:<22} budget: {budget}", format!("  {what}"), times.shown()));
    };
    part(
        "one-line change",
        "1 s",
        of(&|it| it.change.switch.first_new.saturating_sub(it.own() + it.credentials)),
    );
    let after =
        |it: &Round, release: &Release| release.switch.first_new.saturating_sub(release.asked + it.again());
    part("config change", "0.5 s", of(&|it| after(it, &it.config)));
    part("rollback", "0.5 s", of(&|it| after(it, &it.rollback)));
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
