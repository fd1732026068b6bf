use std::sync::Arc;

use logs::{Batch, Entry, Lost};
use model::log::{Line, Source};
use model::time::Timestamp;

use super::Frame;
use crate::fixture;

const AT: Timestamp = Timestamp::from_micros(1_342_915_586_012_345);

fn entry(id: u64, source: Source, process: &str, message: &str) -> Entry {
    let (process, message) = (process.to_owned(), message.to_owned());
    Entry { id, line: Arc::new(Line { at: AT, source, process, message }) }
}

fn batch() -> Batch {
    Batch {
        lost: Some(Lost { count: 13, since: AT }),
        entries: vec![
            entry(7, Source::App, "web.1", "Hi"),
            entry(8, Source::Heroku, "router", "at=info path=\"/\" status=200"),
            entry(9, Source::Heroku, "web.1", "State changed from starting to up"),
            entry(10, Source::App, "api", "Release v3 created by user jane@example.com"),
            entry(11, Source::App, "web.1", "Grüße"),
        ],
    }
}

fn frame(url: &str) -> Frame {
    Frame::new(&fixture::drain(url), &batch(), AT)
}

fn body(frame: &Frame) -> String {
    String::from_utf8(frame.body.to_vec()).expect("text")
}

#[test]
fn an_http_frame_to_the_letter() {
    let frame = frame("https://example.com/");
    assert_eq!((frame.messages, frame.last_line, frame.id.len()), (6, Some(11), 32));
    // Heroku ends all messages but its own with a line end.
    let wanted = [
        "157 <172>1 2012-07-22T00:06:26.012345+00:00 host heroku logplex - Error L10 (output buffer overflow): 13 messages \
         dropped since 2012-07-22T00:06:26.012345+00:00.",
        "60 <190>1 2012-07-22T00:06:26.012345+00:00 host app web.1 - Hi\n",
        "89 <158>1 2012-07-22T00:06:26.012345+00:00 host heroku router - at=info path=\"/\" status=200\n",
        "93 <45>1 2012-07-22T00:06:26.012345+00:00 host heroku web.1 - State changed from starting to up\n",
        "99 <133>1 2012-07-22T00:06:26.012345+00:00 host app api - Release v3 created by user jane@example.com\n",
        "65 <190>1 2012-07-22T00:06:26.012345+00:00 host app web.1 - Grüße\n",
    ];
    assert_eq!(body(&frame), wanted.concat());
}

#[test]
fn a_syslog_frame_to_the_letter() {
    insta::assert_snapshot!(body(&frame("syslog+tls://example.com:1")), @r#"
    194 <172>1 2012-07-22T00:06:26.012345+00:00 d.fc6b856b-3332-4546-93de-7d0ee272c3bd heroku logplex - - Error L10 (output buffer overflow): 13 messages dropped since 2012-07-22T00:06:26.012345+00:00.
    96 <190>1 2012-07-22T00:06:26.012345+00:00 d.fc6b856b-3332-4546-93de-7d0ee272c3bd app web.1 - - Hi
    125 <158>1 2012-07-22T00:06:26.012345+00:00 d.fc6b856b-3332-4546-93de-7d0ee272c3bd heroku router - - at=info path="/" status=200
    129 <45>1 2012-07-22T00:06:26.012345+00:00 d.fc6b856b-3332-4546-93de-7d0ee272c3bd heroku web.1 - - State changed from starting to up
    135 <133>1 2012-07-22T00:06:26.012345+00:00 d.fc6b856b-3332-4546-93de-7d0ee272c3bd app api - - Release v3 created by user jane@example.com
    101 <190>1 2012-07-22T00:06:26.012345+00:00 d.fc6b856b-3332-4546-93de-7d0ee272c3bd app web.1 - - Grüße
    "#);
}

#[test]
fn lengths_are_in_bytes_and_every_message_is_there() {
    for url in ["https://example.com/", "syslog://example.com:1"] {
        let frame = frame(url);
        let mut rest = &frame.body[..];
        let mut messages = 0;
        while !rest.is_empty() {
            let space = rest.iter().position(|byte| *byte == b' ').expect("a space after the length");
            let length: usize =
                std::str::from_utf8(&rest[..space]).expect("digits").parse().expect("a number");
            let (message, more) = rest[space + 1..].split_at(length);
            assert!(message.starts_with(b"<"), "{url}");
            rest = more;
            messages += 1;
        }
        assert_eq!(messages, frame.messages, "{url}");
    }
}

#[test]
fn a_frame_given_up_counts_what_it_told_of() {
    assert_eq!(frame("https://example.com/").loss(), Some(Lost { count: 18, since: AT }));
    let only_loss = Batch { lost: Some(Lost { count: 2, since: AT }), entries: Vec::new() };
    let frame = Frame::new(&fixture::drain("https://example.com/"), &only_loss, AT);
    assert_eq!((frame.loss().map(|lost| lost.count), frame.last_line), (Some(2), None));
}
