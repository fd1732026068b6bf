use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::log::Source;
use model::time::Timestamp;

use super::{Logs, LogsConfig, TAILS_MAX, TailError};
use crate::filter::Filter;
use crate::fixture::{NOW, app, config, line, messages, next, open, take};
use crate::spool::Record;

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn all() -> Filter {
    Filter::default()
}

fn record(number: u64, message: &str) -> Record {
    Record { app: app(1), number, line: line(message) }
}

/// Opens the logs with a clock that can be put forward.
fn open_with_clock(dir: &Path) -> (Logs, Arc<AtomicI64>) {
    let micros = Arc::new(AtomicI64::new(NOW.as_micros()));
    let clock = Arc::clone(&micros);
    let now = move || Timestamp::from_micros(clock.load(Ordering::SeqCst));
    (Logs::open(LogsConfig::new(dir.to_owned()), Arc::new(now)).expect("opened"), micros)
}

#[tokio::test]
async fn history_has_the_last_lines_that_match() {
    let dir = dir();
    let logs = open(config(dir.path()));
    for number in 0..10 {
        let mut line = line(&format!("line {number}"));
        if number % 2 == 1 {
            (line.source, line.process) = (Source::Heroku, "router".to_owned());
        }
        logs.append(app(1), line);
    }
    let filter = Filter { source: Some(Source::Heroku), process: None };
    let found = logs.history(app(1), &filter, 3).await.expect("readable");
    assert_eq!(messages(&found), ["line 5", "line 7", "line 9"]);
    assert_eq!(logs.history(app(1), &all(), 0).await.expect("readable"), []);
    assert_eq!(logs.history(app(2), &all(), 9).await.expect("readable"), [], "another app");
    let filter = Filter { source: None, process: Some("web".to_owned()) };
    drop(logs);
    let logs = open(config(dir.path()));
    let found = logs.history(app(1), &filter, 2).await.expect("readable");
    assert_eq!(messages(&found), ["line 6", "line 8"], "after a restart");
}

#[tokio::test]
async fn lines_of_several_pieces_become_several_lines() {
    let dir = dir();
    let logs = open(config(dir.path()));
    logs.append(app(1), line(&format!("one\n{}", "x".repeat(10_001))));
    let found = logs.history(app(1), &all(), 10).await.expect("readable");
    assert_eq!(found.iter().map(|entry| entry.line.message.len()).collect::<Vec<_>>(), [3, 10_000, 1]);
}

#[tokio::test]
async fn lines_of_a_spool_are_taken_once_and_missing_ones_announced() {
    let dir = dir();
    let logs = open(config(dir.path()));
    logs.accept(app(1), "web.1.aa", [record(1, "one"), record(2, "two")]);
    logs.accept(app(1), "web.1.aa", [record(1, "one"), record(2, "two"), record(3, "three")]);
    drop(logs);
    let logs = open(config(dir.path()));
    logs.accept(app(1), "web.1.aa", [record(2, "two"), record(3, "three"), record(7, "seven")]);
    logs.accept(app(1), "web.2.bb", [record(1, "other")]);
    let found = logs.history(app(1), &all(), 10).await.expect("readable");
    let lost = "Error L12: 3 messages dropped since 2026-11-22T14:55:34.000000+00:00.";
    assert_eq!(messages(&found), ["one", "two", "three", lost, "seven", "other"]);
    assert_eq!(found[3].line.process, "log-shuttle");
}

#[tokio::test]
async fn lines_older_than_a_week_are_neither_shown_nor_taken() {
    let dir = dir();
    let (logs, micros) = open_with_clock(dir.path());
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    logs.append(app(1), line("old"));
    micros.store(NOW.plus(week).as_micros(), Ordering::SeqCst);
    assert_eq!(messages(&logs.history(app(1), &all(), 9).await.expect("readable")), ["old"], "just so");
    micros.fetch_add(1, Ordering::SeqCst);
    assert_eq!(logs.history(app(1), &all(), 9).await.expect("readable"), []);
    logs.accept(app(1), "web.1.aa", [record(1, "too late")]);
    logs.accept(
        app(1),
        "web.1.aa",
        [record(1, "seen"), Record { line: model_line_now(&micros), ..record(2, "") }],
    );
    let mut tail = logs.tail(app(1), all(), 10).await.expect("opened");
    assert_eq!(messages(&take(&mut tail, 1).await), ["fresh"], "and no L12 for what was not wanted");
}

fn model_line_now(micros: &AtomicI64) -> model::log::Line {
    model::log::Line { at: Timestamp::from_micros(micros.load(Ordering::SeqCst)), ..line("fresh") }
}

#[tokio::test]
async fn a_tail_goes_from_the_past_into_the_future() {
    let dir = dir();
    let logs = open(config(dir.path()));
    (0..5).for_each(|number| logs.append(app(1), line(&format!("past {number}"))));
    let mut tail = logs.tail(app(1), all(), 2).await.expect("opened");
    logs.append(app(1), line("now"));
    logs.append(app(2), line("not mine"));
    assert_eq!(messages(&take(&mut tail, 3).await), ["past 3", "past 4", "now"]);
    let filter = Filter { source: Some(Source::Heroku), process: None };
    let mut filtered = logs.tail(app(1), filter, 2).await.expect("opened");
    logs.append(app(1), line("unwanted"));
    logs.append(app(1), model::log::Line { source: Source::Heroku, ..line("wanted") });
    assert_eq!(messages(&take(&mut filtered, 1).await), ["wanted"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_opened_in_a_flood_has_no_gap_and_nothing_twice() {
    let dir = dir();
    let logs = open(config(dir.path()));
    let flood = logs.clone();
    let writing = std::thread::spawn(move || {
        (1..=3_000).for_each(|number: u64| flood.append(app(1), line(&number.to_string())));
    });
    let mut tails = Vec::new();
    while !writing.is_finished() {
        tails.push(logs.tail(app(1), all(), 50).await.expect("opened"));
        if tails.len() == TAILS_MAX {
            break;
        }
    }
    writing.join().expect("no panic");
    assert!(tails.len() > 1, "some tails should have been opened during the flood");
    for mut tail in tails {
        let mut last = next(&mut tail).await.expect("a line");
        while last.id < 3_000 {
            let entry = next(&mut tail).await.expect("a line");
            assert_eq!(entry.id, last.id + 1);
            assert_eq!(entry.line.message, entry.id.to_string());
            last = entry;
        }
    }
}

#[tokio::test]
async fn a_reader_resumes_after_the_last_line_it_got() {
    let dir = dir();
    let logs = open(config(dir.path()));
    (1..=10).for_each(|number| logs.append(app(1), line(&format!("line {number}"))));
    drop(logs);
    let logs = open(config(dir.path()));
    let mut tail = logs.tail_from(app(1), all(), 8).await.expect("opened");
    logs.append(app(1), line("line 11"));
    let got = take(&mut tail, 3).await;
    assert!(got.iter().map(|entry| entry.id).eq(9..=11));
    assert_eq!(messages(&got), ["line 9", "line 10", "line 11"]);
    let mut ahead = logs.tail_from(app(1), all(), u64::MAX).await.expect("opened");
    logs.append(app(1), line("line 12"));
    assert_eq!(messages(&take(&mut ahead, 1).await), ["line 12"], "an id never given means: from now on");
}

#[tokio::test]
async fn there_is_a_limit_to_tails_and_a_dropped_one_does_not_count() {
    let dir = dir();
    let logs = open(config(dir.path()));
    let mut tails = Vec::new();
    for _ in 0..TAILS_MAX {
        tails.push(logs.tail(app(1), all(), 0).await.expect("opened"));
    }
    let refused = logs.tail(app(1), all(), 0).await.expect_err("one too many");
    assert!(matches!(refused, TailError::TooMany));
    tails.pop();
    logs.tail(app(1), all(), 0).await.expect("there is room again");
}

#[tokio::test]
async fn a_forgotten_app_leaves_nothing_and_takes_nothing() {
    let dir = dir();
    let (logs, micros) = open_with_clock(dir.path());
    logs.append(app(1), line("one"));
    let mut tail = logs.tail(app(1), all(), 0).await.expect("opened");
    logs.forget(app(1)).expect("removed");
    assert_eq!(next(&mut tail).await, None, "its tails end");
    logs.accept(app(1), "router-1.aa", [record(1, "late")]);
    logs.append(app(1), line("late"));
    assert_eq!(logs.history(app(1), &all(), 9).await.expect("readable"), []);
    assert_eq!(next(&mut logs.tail(app(1), all(), 9).await.expect("opened")).await, None);
    drop(logs);
    let logs = open(LogsConfig::new(dir.path().to_owned()));
    logs.accept(app(1), "router-1.aa", [record(1, "later")]);
    assert_eq!(logs.history(app(1), &all(), 9).await.expect("readable"), [], "nor after a restart");
    logs.forget(app(1)).expect("twice is fine");
    drop(logs);
    let later = NOW.plus(Duration::from_secs(100 * 365 * 24 * 60 * 60));
    micros.store(later.as_micros(), Ordering::SeqCst);
    Logs::open(LogsConfig::new(dir.path().to_owned()), Arc::new(move || later)).expect("opened");
    assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0, "in the end even the mark goes");
}

#[tokio::test]
async fn tails_end_with_the_logs() {
    let dir = dir();
    let logs = open(config(dir.path()));
    let mut tail = logs.tail(app(1), all(), 0).await.expect("opened");
    drop(logs);
    assert_eq!(next(&mut tail).await, None);
}

#[tokio::test]
async fn a_history_that_cannot_be_read_is_an_error_and_harms_no_other() {
    let dir = dir();
    let logs = open(config(dir.path()));
    fs::write(dir.path().join("logs").join(app(1).to_string()), "a file in the way").expect("written");
    logs.append(app(1), line("lost"));
    logs.history(app(1), &all(), 1).await.expect_err("no directory");
    logs.append(app(2), line("kept"));
    assert_eq!(messages(&logs.history(app(2), &all(), 1).await.expect("readable")), ["kept"]);
}
