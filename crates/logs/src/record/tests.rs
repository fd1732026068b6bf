use model::log::{Line, Source};
use model::time::Timestamp;
use proptest::prelude::*;

use super::{Fields, put, put_line, seal, unseal, whole};

fn sealed(line: &Line) -> Vec<u8> {
    let mut out = Vec::new();
    seal(&mut out, |out| put_line(out, line, &line.message));
    out
}

#[test]
fn is_a_line_of_text_that_grep_finds() {
    let at = Timestamp::from_micros(1_795_359_334_000_001);
    let line =
        Line { at, source: Source::App, process: "web.1".to_owned(), message: "GET /  200".to_owned() };
    let out = String::from_utf8(sealed(&line)).expect("records are text");
    assert_eq!(out, "6fe7a8d8 1795359334000001 app web.1 GET /  200\n");
}

#[test]
fn a_changed_or_torn_record_is_none() {
    let mut out = Vec::new();
    seal(&mut out, |out| put(out, format_args!("some fields here")));
    let record = &out[..out.len() - 1];
    assert!(unseal(record).is_some());
    for end in 0..record.len() {
        assert!(unseal(&record[..end]).is_none(), "cut at {end}");
    }
    for at in 0..record.len() {
        let mut changed = record.to_vec();
        changed[at] ^= 1;
        assert!(unseal(&changed).is_none(), "changed at {at}");
    }
}

#[test]
fn odd_process_names_stay_one_word() {
    for (given, kept) in
        [("", "-"), ("a b\nc", "a_b_c"), ("wéb", "w__b"), (&"x".repeat(300), &"x".repeat(100))]
    {
        let line = Line {
            at: Timestamp::default(),
            source: Source::Heroku,
            process: given.to_owned(),
            message: "m".to_owned(),
        };
        let out = sealed(&line);
        let read = unseal(&out[..out.len() - 1]).and_then(Fields::line).expect("a whole record");
        assert_eq!((read.process.as_str(), read.message.as_str()), (kept, "m"));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_quietly(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (records, taken) = whole(&bytes);
        prop_assert!(taken <= bytes.len());
        for record in records {
            prop_assert!(!record.contains(&b'\n'));
            let _ = unseal(record).and_then(Fields::line);
        }
    }

    #[test]
    fn what_was_written_is_read(micros in any::<i64>(), message in "[^\n]{0,300}", is_app in any::<bool>()) {
        let source = if is_app { Source::App } else { Source::Heroku };
        let line = Line { at: Timestamp::from_micros(micros), source, process: "run.1".to_owned(), message };
        let out = sealed(&line);
        let (mut records, taken) = whole(&out);
        prop_assert_eq!(taken, out.len());
        prop_assert_eq!(records.next().and_then(unseal).and_then(Fields::line), Some(line));
        prop_assert!(records.next().is_none());
    }
}
