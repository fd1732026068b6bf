use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use model::time::Timestamp;
use tempfile::TempDir;

use super::{History, Seen, Wanted, file_path};
use crate::filter::Filter;
use crate::fixture::{NOW, line, messages};
use crate::tail::Entry;

fn dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn open(dir: &Path, lines_max: u64) -> History {
    History::open(dir.join("app"), lines_max).expect("opened")
}

/// Adds lines made by the server.
fn add(history: &mut History, numbers: std::ops::Range<u64>) {
    for number in numbers {
        history.begin();
        history.push(None, Arc::new(line(&format!("line {number}"))));
        history.commit().expect("written");
    }
}

/// Adds a line of a spool, as the intake does.
fn take(history: &mut History, writer: &str, number: u64) -> Seen {
    history.begin();
    let seen = history.origins.take(writer, number, NOW);
    if seen != Seen::Before {
        history.push(Some((writer, number)), Arc::new(line(&format!("{writer} {number}"))));
    }
    history.commit().expect("written");
    seen
}

fn read(history: &History, lines: usize) -> Vec<Entry> {
    let wanted = Wanted { filter: &Filter::default(), lines, after: 0, since: Timestamp::default() };
    history.snapshot().read(&wanted).expect("readable")
}

#[test]
fn keeps_the_last_lines_and_their_ids() {
    let dir = dir();
    let mut history = open(dir.path(), 30);
    assert_eq!(read(&history, 100), []);
    add(&mut history, 1..101);
    let kept = read(&history, 100);
    assert_eq!(kept.iter().map(|entry| entry.id).collect::<Vec<_>>(), (71..101).collect::<Vec<_>>());
    assert_eq!(kept[0].line.message, "line 71");
    assert_eq!(messages(&read(&history, 2)), ["line 99", "line 100"]);
    let files = fs::read_dir(&history.dir).expect("there").count();
    assert!(files <= 4, "{files} files for three parts and the one being filled");
}

#[test]
fn goes_on_where_it_was_after_a_restart() {
    let dir = dir();
    for numbers in [1..4, 4..8, 8..15, 15..40] {
        add(&mut open(dir.path(), 12), numbers);
    }
    let kept = read(&open(dir.path(), 12), 100);
    assert_eq!(kept.iter().map(|entry| entry.id).collect::<Vec<_>>(), (28..40).collect::<Vec<_>>());
}

#[test]
fn remembers_what_was_taken_even_when_the_lines_are_gone() {
    let dir = dir();
    let mut history = open(dir.path(), 9);
    assert_eq!(take(&mut history, "web.1.aa", 1), Seen::Next);
    assert_eq!(take(&mut history, "web.1.aa", 2), Seen::Next);
    add(&mut history, 3..100);
    assert!(messages(&read(&history, 100)).iter().all(|message| message.starts_with("line")));
    let mut history = open(dir.path(), 9);
    assert_eq!(take(&mut history, "web.1.aa", 1), Seen::Before);
    assert_eq!(take(&mut history, "web.1.aa", 2), Seen::Before);
    assert_eq!(take(&mut history, "web.1.aa", 3), Seen::Next);
    assert_eq!(take(&mut history, "web.1.aa", 9), Seen::After { missing: 5, since: NOW });
    assert_eq!(take(&mut history, "web.2.bb", 3), Seen::After { missing: 2, since: NOW });
}

#[test]
fn any_torn_end_is_mended_and_tells_what_was_taken() {
    let whole = dir();
    let mut history = open(whole.path(), 1_000);
    (1..=4).for_each(|number| assert_eq!(take(&mut history, "web.1.aa", number), Seen::Next));
    let bytes = fs::read(file_path(&history.dir, 1)).expect("readable");
    for cut in 0..=bytes.len() {
        let torn = dir();
        let home = torn.path().join("app");
        fs::create_dir(&home).expect("made");
        fs::write(file_path(&home, 1), &bytes[..cut]).expect("written");
        let mut history = open(torn.path(), 1_000);
        let kept = read(&history, 10).len() as u64;
        for number in 1..=5 {
            assert_eq!(
                take(&mut history, "web.1.aa", number) == Seen::Before,
                number <= kept,
                "cut at {cut}"
            );
        }
        let lines = read(&open(torn.path(), 1_000), 10);
        let expected: Vec<_> = (1..=5).map(|number| format!("web.1.aa {number}")).collect();
        assert_eq!(messages(&lines), expected, "cut at {cut}");
        assert!(lines.iter().map(|entry| entry.id).eq(1..=5), "cut at {cut}");
    }
}

#[test]
fn a_new_file_torn_anywhere_loses_nothing_that_was_taken() {
    let whole = dir();
    let mut history = open(whole.path(), 9);
    take(&mut history, "web.2.bb", 1);
    (1..=3).for_each(|number| assert_eq!(take(&mut history, "web.1.aa", number), Seen::Next));
    assert_eq!(history.files, [1, 4], "the third line of web.1 opens a file");
    let newest = fs::read(file_path(&history.dir, 4)).expect("readable");
    for cut in 0..=newest.len() {
        let torn = dir();
        let home = torn.path().join("app");
        fs::create_dir(&home).expect("made");
        fs::copy(file_path(&history.dir, 1), file_path(&home, 1)).expect("copied");
        fs::write(file_path(&home, 4), &newest[..cut]).expect("written");
        let mut history = open(torn.path(), 9);
        assert_eq!(take(&mut history, "web.2.bb", 1), Seen::Before, "cut at {cut}");
        assert_eq!(take(&mut history, "web.1.aa", 2), Seen::Before, "cut at {cut}");
        let third = take(&mut history, "web.1.aa", 3);
        assert_eq!(third == Seen::Before, cut == newest.len(), "cut at {cut}: {third:?}");
        let lines = read(&history, 10);
        assert!(lines.iter().map(|entry| entry.id).eq(1..=4), "cut at {cut}");
        assert_eq!(lines[3].line.message, "web.1.aa 3", "cut at {cut}");
    }
}

#[test]
fn a_damaged_record_is_passed_over() {
    let dir = dir();
    let mut history = open(dir.path(), 1_000);
    add(&mut history, 1..3);
    let at = file_path(&history.dir, 1);
    let mut file = OpenOptions::new().append(true).open(&at).expect("opened");
    file.write_all(b"\x00\x00\xff damage\n\n0000000 3 - 0\n").expect("damaged");
    let mut history = open(dir.path(), 1_000);
    add(&mut history, 3..5);
    assert_eq!(messages(&read(&history, 10)), ["line 1", "line 2", "line 3", "line 4"]);
}

#[test]
fn a_failed_write_is_reported_and_the_next_goes_into_a_new_file() {
    let dir = dir();
    let mut history = open(dir.path(), 1_000);
    add(&mut history, 1..3);
    let at = file_path(&history.dir, 1);
    fs::rename(&at, dir.path().join("kept")).expect("moved");
    std::os::unix::fs::symlink("/dev/full", &at).expect("linked");
    history.begin();
    history.push(None, Arc::new(line("lost")));
    history.commit().expect_err("the disk is full");
    fs::rename(dir.path().join("kept"), &at).expect("moved back");
    add(&mut history, 4..5);
    assert_eq!(messages(&read(&history, 10)), ["line 1", "line 2", "line 4"]);
    assert!(read(&open(dir.path(), 1_000), 10).iter().map(|entry| entry.id).eq([1, 2, 4]));
}

#[test]
fn forgets_the_most_silent_spools_when_there_are_too_many() {
    let dir = dir();
    let mut history = open(dir.path(), 10);
    for number in 0..2_000u32 {
        let at = NOW.plus(std::time::Duration::from_secs(number.into()));
        history.origins.take(&format!("run.{number}"), 1, at);
    }
    assert_eq!(history.origins.take("run.1999", 1, NOW), Seen::Before);
    assert_eq!(history.origins.take("run.1600", 1, NOW), Seen::Before);
    assert_eq!(history.origins.take("run.0", 1, NOW), Seen::Next, "long forgotten");
}
