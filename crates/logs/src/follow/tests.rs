use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::future::{Either, select};
use model::id::AppId;

use super::Logs;
use crate::filter::Filter;
use crate::fixture::{app, config, line, messages, open, take, until};
use crate::intake::LogsConfig;
use crate::spool::{Limits, Writer};
use crate::tail::Entry;

/// Names the directory to the child process of [`no_line_is_lost_or_doubled_when_the_server_is_killed`].
const CHILD_DIR: &str = "LOGS_TEST_DIR";
const CHILD_LINES: &str = "LOGS_TEST_HISTORY_LINES";
/// Never reached in these tests.
const ROOMY: Limits = Limits { segment_bytes: 32 << 10, segments: 100_000 };

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn spools(dir: &Path) -> PathBuf {
    dir.join("spools")
}

/// Follows the spools while `body` runs.
async fn following<T>(logs: &Logs, dir: &Path, body: impl Future<Output = T>) -> T {
    let root = spools(dir);
    match select(Box::pin(logs.follow(&root)), Box::pin(body)).await {
        Either::Left((end, _)) => panic!("the follower ended: {end:?}"),
        Either::Right((value, _)) => value,
    }
}

fn is_empty(root: &Path) -> bool {
    fs::read_dir(root).expect("the root").count() == 0
}

async fn history(logs: &Logs, app: AppId) -> Vec<Entry> {
    logs.history(app, &Filter::default(), usize::MAX).await.expect("readable")
}

/// Starts writers, each on a thread; each writes to `apps` in turn. A message is the writer and its count.
fn start_writers(
    root: PathBuf,
    writers: usize,
    lines: usize,
    apps: usize,
) -> Vec<std::thread::JoinHandle<()>> {
    let write = move |root: PathBuf, name: String| {
        let mut writer = Writer::open(&root, &name, ROOMY).expect("opened");
        for number in 0..lines {
            let app = app((number % apps) as u128);
            writer.write(app, &line(&format!("{name} {number}"))).expect("written");
            if number % 7 == 0 {
                writer.flush().expect("flushed");
            }
        }
    };
    (0..writers)
        .map(|writer| {
            let root = root.clone();
            std::thread::spawn(move || write(root, format!("writer-{writer}")))
        })
        .collect()
}

/// Each writer's lines must be there, all, once and in order.
fn check_complete(entries: &[Entry], writers: usize, numbers: impl Iterator<Item = usize> + Clone) {
    let mut by_writer: HashMap<&str, Vec<usize>> = HashMap::new();
    for entry in entries {
        let (writer, number) = entry.line.message.split_once(' ').expect("two words");
        by_writer.entry(writer).or_default().push(number.parse().expect("a number"));
    }
    assert_eq!(by_writer.len(), writers);
    for (writer, got) in by_writer {
        assert!(
            got.iter().copied().eq(numbers.clone()),
            "lines of {writer} are missing, doubled or out of order"
        );
    }
    let first = entries[0].id;
    assert!(entries.iter().enumerate().all(|(at, entry)| entry.id == first + at as u64), "ids have no gap");
}

#[tokio::test]
async fn four_writers_lines_reach_history_and_tail_complete_and_in_order() {
    const LINES: usize = 5_000;
    let dir = dir();
    let lines_max = 4 * LINES as u64;
    let logs = open(LogsConfig { history_lines: lines_max, tail_lines: 4 * LINES, ..config(dir.path()) });
    following(&logs, dir.path(), async {
        let mut tail = logs.tail(app(0), Filter::default(), 0).await.expect("opened");
        let writers = start_writers(spools(dir.path()), 4, LINES, 1);
        let tailed = take(&mut tail, 4 * LINES).await;
        check_complete(&tailed, 4, 0..LINES);
        assert_eq!(history(&logs, app(0)).await, tailed);
        writers.into_iter().for_each(|writer| writer.join().expect("no panic"));
    })
    .await;
}

#[tokio::test]
async fn lines_of_a_forgotten_app_hold_nobody_up() {
    let dir = dir();
    let logs = open(config(dir.path()));
    let mut writer = Writer::open(&spools(dir.path()), "router", ROOMY).expect("opened");
    let (gone, stays) = (app(1), app(2));
    logs.forget(gone).expect("forgotten");
    for to in [gone, stays] {
        writer.write(to, &line("a last word")).expect("written");
    }
    drop(writer);
    let mut tail = logs.tail(stays, Filter::default(), 0).await.expect("a tail");
    following(&logs, dir.path(), async {
        assert_eq!(messages(&take(&mut tail, 1).await), ["a last word"]);
        until("the spool is read to its end", || is_empty(&spools(dir.path()))).await;
    })
    .await;
    assert_eq!(messages(&history(&logs, gone).await), [""; 0]);
}

#[tokio::test]
async fn a_spool_goes_when_its_writer_is_gone_and_not_before() {
    let dir = dir();
    let logs = open(config(dir.path()));
    let root = spools(dir.path());
    let mut first = Writer::open(&root, "web.1", Limits::default()).expect("opened");
    first.write(app(1), &line("one")).expect("written");
    first.flush().expect("flushed");
    following(&logs, dir.path(), async {
        let mut tail = logs.tail(app(1), Filter::default(), 9).await.expect("opened");
        assert_eq!(messages(&take(&mut tail, 1).await), ["one"]);
        let second = Writer::open(&root, "web.2", Limits::default()).expect("opened");
        drop(second);
        until("the second spool goes", || fs::read_dir(&root).expect("there").count() == 1).await;
        first.write(app(1), &line("two")).expect("written");
        drop(first);
        assert_eq!(messages(&take(&mut tail, 1).await), ["two"], "also what is flushed at the end");
        until("the first spool goes", || is_empty(&root)).await;
    })
    .await;
    assert_eq!(messages(&history(&logs, app(1)).await), ["one", "two"]);
}

#[tokio::test]
async fn what_nobody_read_in_time_is_counted_exactly() {
    let dir = dir();
    let small = Limits { segment_bytes: 4_000, segments: 3 };
    let mut writer = Writer::open(&spools(dir.path()), "web.1", small).expect("opened");
    let logs = open(LogsConfig { history_lines: 10_000, ..config(dir.path()) });
    let mut write = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            writer.write(app(1), &line(&number.to_string())).expect("written");
            writer.flush().expect("flushed");
        }
    };
    write(0..10);
    let root = spools(dir.path());
    following(&logs, dir.path(), async {
        let mut tail = logs.tail(app(1), Filter::default(), 100).await.expect("opened");
        take(&mut tail, 10).await;
    })
    .await;
    write(10..1_000);
    drop(writer);
    following(&logs, dir.path(), until("all is read", || is_empty(&root))).await;
    let lines = history(&logs, app(1)).await;
    let lost: Vec<_> = lines.iter().filter(|entry| entry.line.process == "log-shuttle").collect();
    assert_eq!(lost.len(), 1);
    let count: usize =
        lost[0].line.message.split(' ').nth(2).and_then(|word| word.parse().ok()).expect("a count");
    assert!(count > 0);
    assert_eq!(lines.len() - 1 + count, 1_000);
    assert_eq!(lines[10].line.process, "log-shuttle", "where they are missing");
    assert_eq!(lines.last().expect("lines").line.message, "999");
}

#[tokio::test]
async fn leftovers_of_killed_processes_go_and_new_ones_stay() {
    let dir = dir();
    let root = spools(dir.path());
    fs::create_dir_all(root.join(".web.1.00aa")).expect("made");
    fs::write(root.join(".web.1.00aa/lock"), b"").expect("made");
    fs::create_dir_all(root.join("..web.2.00bb")).expect("made");
    // The tests' clock may be behind or ahead of the files' times, so both are set by it.
    let hour = Duration::from_secs(3_600);
    for (shift, is_kept) in [(hour, false), (Duration::ZERO, true)] {
        fs::create_dir_all(root.join(".web.1.00aa")).expect("made");
        let made = fs::metadata(root.join(".web.1.00aa")).and_then(|about| about.modified()).expect("a time");
        let since_epoch = made.duration_since(std::time::UNIX_EPOCH).expect("after 1970") + shift;
        let now = model::time::Timestamp::default().plus(since_epoch);
        let logs = Logs::open(config(dir.path()), std::sync::Arc::new(move || now)).expect("opened");
        following(&logs, dir.path(), async {
            let mut tail = logs.tail(app(1), Filter::default(), 0).await.expect("opened");
            let mut writer = Writer::open(&root, "probe", Limits::default()).expect("opened");
            let probe = model::log::Line { at: now, ..line("probe") };
            writer.write(app(1), &probe).expect("written");
            writer.flush().expect("flushed");
            take(&mut tail, 1).await;
        })
        .await;
        assert_eq!(root.join(".web.1.00aa").exists(), is_kept, "{shift:?} later");
        assert!(!root.join("..web.2.00bb").exists(), "half removed");
    }
}

#[tokio::test]
async fn no_line_is_lost_or_doubled_when_the_server_is_killed() {
    const LINES: usize = 4_000;
    const WRITERS: usize = 4;
    const APPS: usize = 2;
    // With a history of all lines their order can be seen; with a short one their number, by the last id.
    for history_lines in [1_000_000, 300] {
        let dir = dir();
        let writers = start_writers(spools(dir.path()), WRITERS, LINES, APPS);
        let mut kills = 0;
        let mut last = 0;
        while last < (WRITERS * LINES / APPS) as u64 * 9 / 10 {
            let child = Server::start(dir.path(), history_lines);
            let wanted = last + 250;
            until("the child takes in lines", || newest_id(dir.path()) >= wanted).await;
            child.kill();
            last = newest_id(dir.path());
            kills += 1;
        }
        assert!(kills >= 5, "only {kills} kills");
        writers.into_iter().for_each(|writer| writer.join().expect("no panic"));
        let logs = open(LogsConfig { history_lines, ..config(dir.path()) });
        let root = spools(dir.path());
        following(&logs, dir.path(), until("all is read", || is_empty(&root))).await;
        for number in 0..APPS {
            let lines = history(&logs, app(number as u128)).await;
            assert_eq!(lines.last().expect("lines").id, (WRITERS * LINES / APPS) as u64);
            if history_lines as usize > WRITERS * LINES {
                check_complete(&lines, WRITERS, (number..LINES).step_by(APPS));
            }
        }
    }
}

/// About the id of the first app's last line: by the number of complete records, or by the names of the files.
fn newest_id(dir: &Path) -> u64 {
    let home = dir.join("logs").join(app(0).to_string());
    let Ok(files) = fs::read_dir(home) else { return 0 };
    let newest = files.filter_map(|file| Some(file.ok()?.path())).max();
    let Some(text) = newest.and_then(|at| fs::read(at).ok()) else { return 0 };
    let last = text.split(|byte| *byte == b'\n').rev().nth(1);
    last.and_then(|record| std::str::from_utf8(record).ok()?.split(' ').nth(1)?.parse().ok()).unwrap_or(0)
}

/// A process that follows the spools; killed at the latest when this is dropped.
struct Server(Child);

impl Server {
    fn start(dir: &Path, history_lines: u64) -> Self {
        let command = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "follow::tests::child", "--ignored", "--nocapture"])
            .env(CHILD_DIR, dir)
            .env(CHILD_LINES, history_lines.to_string())
            .stdout(Stdio::null())
            .spawn();
        Self(command.expect("started"))
    }

    /// SIGKILL.
    fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("it should have run until killed");
    }
}

#[tokio::test]
#[ignore = "the process that another test starts and kills"]
async fn child() {
    let (Some(dir), Ok(lines)) = (std::env::var_os(CHILD_DIR), std::env::var(CHILD_LINES)) else { return };
    let (dir, history_lines) = (PathBuf::from(dir), lines.parse().expect("a number"));
    let logs = open(LogsConfig { history_lines, ..config(&dir) });
    logs.follow(&spools(&dir)).await.expect("followed until killed");
}
