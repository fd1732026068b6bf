use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Limits, OpenError, Reached, Reader, Record, Writer, is_abandoned, segment_path};
use crate::fixture::{app, line};

/// Small enough that a few lines fill a segment.
const SMALL: Limits = Limits { segment_bytes: 1_000, segments: 3 };

fn dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn homes(root: &Path) -> Vec<PathBuf> {
    fs::read_dir(root).expect("the root").map(|entry| entry.expect("an entry").path()).collect()
}

/// All that can be read now, as a follower reads it.
fn read_all(reader: &mut Reader) -> Vec<Record> {
    let mut buffer = vec![0; 32 << 10];
    let mut records = Vec::new();
    loop {
        match reader.read(&mut buffer, &mut records).expect("readable") {
            Reached::More => {}
            Reached::SegmentEnd => reader.finish_segment().expect("removable"),
            Reached::Now => return records,
        }
    }
}

fn write(writer: &mut Writer, count: std::ops::Range<u32>) {
    for number in count {
        writer.write(app(1), &line(&format!("line {number}"))).expect("written");
        writer.flush().expect("flushed");
    }
}

fn messages(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| record.line.message.clone()).collect()
}

#[test]
fn gives_each_app_its_lines_in_order() {
    let root = dir();
    let mut writer = Writer::open(root.path(), "router-1", Limits::default()).expect("opened");
    let mut reader = Reader::new(writer.home.clone());
    writer.write(app(1), &line("one")).expect("written");
    writer.write(app(2), &line("other")).expect("written");
    assert_eq!(read_all(&mut reader), [], "nothing is on its way before a flush");
    writer.write(app(1), &line("two\nthree")).expect("written");
    writer.flush().expect("flushed");
    let read: Vec<_> =
        read_all(&mut reader).into_iter().map(|record| (record.app, record.number, record.line)).collect();
    assert_eq!(
        read,
        [
            (app(1), 1, line("one")),
            (app(2), 1, line("other")),
            (app(1), 2, line("two")),
            (app(1), 3, line("three"))
        ]
    );
}

#[test]
fn goes_on_through_segments_and_removes_what_is_read() {
    let root = dir();
    let mut writer = Writer::open(root.path(), "web.1", SMALL).expect("opened");
    let mut reader = Reader::new(writer.home.clone());
    let mut read = Vec::new();
    for round in 0..20 {
        write(&mut writer, round * 5..round * 5 + 5);
        read.extend(read_all(&mut reader));
    }
    assert_eq!(messages(&read), (0..100).map(|number| format!("line {number}")).collect::<Vec<_>>());
    assert!(writer.number > 5, "the lines should have filled segments");
    assert_eq!(homes(&writer.home).len(), 2, "only the lock and the last segment are left");
}

#[test]
fn is_bounded_when_nobody_reads() {
    let root = dir();
    let mut writer = Writer::open(root.path(), "web.1", SMALL).expect("opened");
    write(&mut writer, 0..200);
    let held: u64 = homes(&writer.home).iter().map(|at| at.metadata().expect("there").len()).sum();
    assert!(held <= SMALL.segment_bytes * SMALL.segments, "{held} bytes");
    let read = read_all(&mut Reader::new(writer.home.clone()));
    let first = read.first().expect("some lines").number;
    assert!(first > 1, "the oldest are gone");
    assert_eq!(read.len() as u64, 200 - first + 1, "the newest are all there");
}

#[test]
fn a_reader_left_behind_goes_on_with_the_oldest_there_is() {
    let root = dir();
    let mut writer = Writer::open(root.path(), "web.1", SMALL).expect("opened");
    let mut reader = Reader::new(writer.home.clone());
    write(&mut writer, 0..3);
    assert_eq!(read_all(&mut reader).len(), 3);
    write(&mut writer, 3..200);
    let read = read_all(&mut reader);
    assert!(read[0].number > 4);
    assert_eq!(read.last().expect("some lines").number, 200);
}

#[test]
fn waits_for_the_rest_of_a_record_but_not_for_a_dead_writers() {
    let root = dir();
    let mut writer = Writer::open(root.path(), "web.1", Limits::default()).expect("opened");
    let mut reader = Reader::new(writer.home.clone());
    write(&mut writer, 0..2);
    let segment = segment_path(&writer.home, 1);
    let whole = fs::read(&segment).expect("readable");
    let cut = whole.len() - 10;
    OpenOptions::new().write(true).open(&segment).and_then(|file| file.set_len(cut as u64)).expect("cut");
    assert_eq!(messages(&read_all(&mut reader)), ["line 0"]);
    let mut file = OpenOptions::new().append(true).open(&segment).expect("opened");
    file.write_all(&whole[cut..]).expect("mended");
    assert_eq!(messages(&read_all(&mut reader)), ["line 1"]);
    file.write_all(b"12345678 half a rec").expect("torn");
    writer.broken = true;
    write(&mut writer, 2..3);
    assert_eq!(messages(&read_all(&mut reader)), ["line 2"]);
}

#[test]
fn a_failed_write_loses_its_lines_and_no_more() {
    let root = dir();
    let mut writer = Writer::open(root.path(), "web.1", Limits::default()).expect("opened");
    let mut reader = Reader::new(writer.home.clone());
    write(&mut writer, 0..1);
    writer.segment = OpenOptions::new().write(true).open("/dev/full").expect("there");
    writer.write(app(1), &line("lost")).expect("buffered");
    writer.flush().expect_err("the disk is full");
    write(&mut writer, 2..3);
    let numbers: Vec<_> = read_all(&mut reader).iter().map(|record| record.number).collect();
    assert_eq!(numbers, [1, 3], "the number tells of the lost line");
}

#[test]
fn two_writers_of_one_name_do_not_meet() {
    let root = dir();
    let writers = [(); 2].map(|()| Writer::open(root.path(), "web.1", Limits::default()).expect("opened"));
    assert_ne!(writers[0].home, writers[1].home);
    assert_eq!(homes(root.path()).len(), 2);
}

#[test]
fn is_abandoned_when_its_writer_is_gone() {
    let root = dir();
    let mut writer = Writer::open(root.path(), "web.1", Limits::default()).expect("opened");
    let home = writer.home.clone();
    assert!(!is_abandoned(&home).expect("readable"));
    writer.write(app(1), &line("last words")).expect("written");
    drop(writer);
    assert!(is_abandoned(&home).expect("readable"));
    assert_eq!(messages(&read_all(&mut Reader::new(home))), ["last words"]);
}

#[test]
fn refuses_names_that_are_no_file_names() {
    let root = dir();
    for name in ["", ".", "..", ".hidden", "a/b", "a b", "a\n", "wéb", &"x".repeat(101)] {
        let refused = Writer::open(root.path(), name, Limits::default()).expect_err("a bad name");
        assert!(matches!(refused, OpenError::Name { .. }), "{name}: {refused}");
    }
    assert_eq!(homes(root.path()), Vec::<PathBuf>::new());
}

proptest! {
    /// Whatever happened to one segment, those after it are read in full.
    #[test]
    fn damage_ends_with_its_segment(
        cut in 0usize..600,
        tail in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..100),
    ) {
        let root = dir();
        let mut writer = Writer::open(root.path(), "web.1", Limits::default()).expect("opened");
        write(&mut writer, 0..5);
        let segment = segment_path(&writer.home, 1);
        let mut bytes = fs::read(&segment).expect("readable");
        bytes.truncate(cut);
        bytes.extend(&tail);
        File::create(&segment).and_then(|mut file| file.write_all(&bytes)).expect("damaged");
        writer.broken = true;
        write(&mut writer, 5..10);
        let read = read_all(&mut Reader::new(writer.home.clone()));
        let numbers: Vec<_> = read.iter().map(|record| record.number).collect();
        prop_assert!(numbers.is_sorted());
        prop_assert_eq!(&numbers[numbers.len() - 5..], &[6, 7, 8, 9, 10]);
    }
}
