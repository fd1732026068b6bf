//! `cargo xtask bench NAME`: what things cost here, beside the same work done by hand, in one run.
//!
//! Times of one machine and hour mean little by themselves; the ratios in the last column are what is claimed.

mod app;
mod data;
mod hand;
mod poll;
mod postgres;
mod push;
mod tail;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::run::{Outcome, not, root, run, say};
use crate::server::{Place, Server, programs};
use crate::setup::{self, Tools};

/// Runs a benchmark.
pub(crate) fn bench(name: &str, args: &[&str]) -> Outcome {
    let (measure, rounds): (fn(usize) -> Outcome, usize) = match name {
        "push" => (push::push, push::ROUNDS),
        "data" => (data::data, data::ROUNDS),
        _ => return Err(format!("there is no benchmark `{name}`; there are: push, data [--rounds N]")),
    };
    match args {
        [] => measure(rounds),
        ["--rounds", rounds] => {
            measure(rounds.parse().map_err(|_| format!("`{rounds}` is not a number of rounds"))?)
        }
        other => Err(format!("bench {name} takes --rounds N, not `{}`", other.join(" "))),
    }
}

/// Measures on a server of the release profile, in a folder of its own that is gone afterwards.
fn on_a_server(measure: impl FnOnce(&Server, &Tools) -> Outcome) -> Outcome {
    let tools = setup::setup()?;
    say("== building hokku (release profile)");
    cargo(&["build", "--quiet", "--release", "--package", "hokku"])?;
    let hokku = programs().with_file_name("release").join("hokku");
    let dir = std::env::temp_dir().join(format!("hokku-bench-{}", std::process::id()));
    let place = Place::open(&dir)?;
    let server = place.clone().serve(&hokku, &tools)?;
    let measured = measure(&server, &tools);
    if let Some(process) = place.process() {
        place.end(process, "TERM")?;
    }
    fs::remove_dir_all(&dir).map_err(not("remove", &dir))?;
    measured
}

fn cargo(args: &[&str]) -> Outcome {
    run(Command::new("cargo").current_dir(root()).args(args))
}

/// How long a step took.
fn timed<T>(step: impl FnOnce() -> Outcome<T>) -> Outcome<Duration> {
    let began = Instant::now();
    step()?;
    Ok(began.elapsed())
}

/// Seconds with two digits.
fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// The middle one of some times, with the fastest and the slowest.
#[derive(Debug, Clone)]
struct Times(Vec<Duration>);

impl Times {
    fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    fn shown(&self) -> String {
        match self.0.as_slice() {
            [] => "-".to_owned(),
            [only] => seconds(*only),
            [first, .., last] => {
                format!("{} ({:.2}-{:.2})", seconds(self.median()), first.as_secs_f64(), last.as_secs_f64())
            }
        }
    }
}

/// A line of a table: what, how long, and what it is compared with.
fn line(what: &str, times: &Times, compared: Option<(&str, Duration)>) {
    let ratio = compared.map_or_else(String::new, |(with, time)| {
        format!("{:.2}x of {with}", times.median().as_secs_f64() / time.as_secs_f64().max(f64::EPSILON))
    });
    say(&format!("{what:<58} {:<22} {ratio}", times.shown()));
}
