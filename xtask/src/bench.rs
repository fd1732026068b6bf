//! `cargo xtask bench NAME`: what things cost here, beside the same work done by hand, in one run.
//!
//! Times of one machine and hour mean little by themselves; the ratios in the last column are what is claimed.

mod hand;
mod poll;
mod push;
mod tail;

use std::time::Duration;

use crate::run::{Outcome, say};

/// Runs a benchmark.
pub(crate) fn bench(name: &str, args: &[&str]) -> Outcome {
    match (name, args) {
        ("push", []) => push::push(push::ROUNDS),
        ("push", ["--rounds", rounds]) => {
            push::push(rounds.parse().map_err(|_| format!("`{rounds}` is not a number of rounds"))?)
        }
        ("push", other) => Err(format!("bench push takes --rounds N, not `{}`", other.join(" "))),
        _ => Err(format!("there is no benchmark `{name}`; there is: push [--rounds N]")),
    }
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
