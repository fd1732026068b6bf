use model::log::MESSAGE_BYTES_MAX;
use proptest::prelude::*;

use super::{Splitter, pieces};

/// The lines that come of these chunks.
fn split(chunks: &[&[u8]]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut splitter = Splitter::default();
    for chunk in chunks {
        splitter.push(chunk, |line| lines.push(line.to_owned()));
    }
    splitter.finish(|line| lines.push(line.to_owned()));
    lines
}

#[test]
fn makes_lines_of_chunks() {
    let cases: &[(&[&[u8]], &[&str])] = &[
        (&[], &[]),
        (&[b""], &[]),
        (&[b"one\ntwo\n"], &["one", "two"]),
        (&[b"on", b"e\nt", b"wo"], &["one", "two"]),
        (&[b"one\r\n", b"two\r", b"\n"], &["one", "two"]),
        (&[b"\n\nend"], &["", "", "end"]),
        (&[b"10%\r20%\rdone\n"], &["10% 20% done"]),
        (&[b"\xffbad\xc3\n"], &["\u{fffd}bad\u{fffd}"]),
        (&["h\u{e9}".as_bytes(), b"llo\n"], &["h\u{e9}llo"]),
        (&[b"h\xc3", b"\xa9llo\n"], &["h\u{e9}llo"]),
    ];
    for (chunks, lines) in cases {
        assert_eq!(split(chunks), *lines, "{chunks:?}");
    }
}

#[test]
fn splits_what_is_longer_than_a_line_may_be() {
    let lens = |text: &str| split(&[text.as_bytes()]).iter().map(String::len).collect::<Vec<_>>();
    let full = "x".repeat(MESSAGE_BYTES_MAX);
    assert_eq!(lens(&format!("{full}\n")), [10_000]);
    assert_eq!(lens(&format!("{full}\r\n")), [10_000]);
    assert_eq!(lens(&format!("{full}y\n")), [10_000, 1]);
    assert_eq!(lens(&format!("{full}{full}{full}")), [10_000, 10_000, 10_000]);
    // Two bytes each: the limit falls into the middle of a character.
    assert_eq!(lens(&format!("x{}\n", "\u{e9}".repeat(5_000))), [9_999, 2]);
    // Each bad byte becomes three good ones.
    assert_eq!(
        split(&[&[0xff; 10_000]]).iter().map(String::len).collect::<Vec<_>>(),
        [9_999, 9_999, 9_999, 3]
    );
}

#[test]
fn messages_made_by_the_platform_are_split_alike() {
    let mut lines = Vec::new();
    pieces("one\r\ntwo\n\nfour\n", |line| lines.push(line.to_owned()));
    assert_eq!(lines, ["one", "two", "", "four"]);
}

proptest! {
    #[test]
    fn the_chunks_do_not_matter(
        bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..400),
        cut in 0usize..400,
    ) {
        let (head, rest) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(split(&[head, rest]), split(&[&bytes]));
    }

    #[test]
    fn no_line_is_too_long_or_has_a_line_end(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000), times in 1usize..40,
    ) {
        for line in split(&[&bytes.repeat(times)]) {
            prop_assert!(line.len() <= MESSAGE_BYTES_MAX);
            prop_assert!(!line.contains(['\n', '\r']));
        }
    }
}
