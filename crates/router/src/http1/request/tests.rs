use proptest::prelude::*;

use super::{Arrival, Expect, Parsed, Refused, RequestHead, parse};
use crate::config::Limits;
use crate::http1::body::Framing;
use model::time::Timestamp;

fn arrival() -> Arrival {
    Arrival {
        peer: "203.0.113.9".parse().expect("an address"),
        port: 443,
        tls: true,
        at: Timestamp::from_micros(1_700_000_000_123_456),
        random: [0xab; 16],
    }
}

fn try_head(text: &str) -> Result<Parsed, Refused> {
    parse(text.as_bytes(), arrival(), &Limits::default())
}

fn head(text: &str) -> RequestHead {
    match try_head(text) {
        Ok(Parsed::Whole(head, length)) => {
            assert_eq!(length, text.len());
            *head
        }
        other => panic!("{text:?} gave {other:?}"),
    }
}

fn wire(text: &str) -> String {
    String::from_utf8(head(text).wire).expect("text")
}

#[test]
fn the_head_that_a_dyno_gets() {
    insta::assert_snapshot!(
        wire(
            "GET /a%20b?c=d HTTP/1.1\r\nHost: Shop.example:443\r\nUser-Agent: curl\r\nX-CASE: Kept\r\n\
         Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n\
         X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Proto: gopher\r\n\
         x_forwarded_proto: https\r\nX-Forwarded-Port: 1\r\nX-Request-Start: 1\r\nVia: 1.0 fred\r\n\
         Content_Length: 5\r\nUpgrade: h2c\r\nProxy-Connection: close\r\n\r\n"
        )
        .replace('\r', "")
    );
}

#[test]
fn a_body_is_announced_as_it_was_understood() {
    let text =
        wire("POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length, host\r\nContent-Length: 5\r\n\r\n");
    assert!(text.contains("Content-Length: 5\r\n") && text.contains("Host: a\r\n"), "{text}");
    let both = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: Chunked\r\n\r\n";
    assert!(wire(both).contains("Transfer-Encoding: chunked\r\n") && !wire(both).contains("Content-Length"));
    assert_eq!((head(both).body, head(both).keep_alive), (Framing::Chunked, false));
    let none = head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert!(String::from_utf8_lossy(&none.wire).contains("Content-Length: 0\r\n"));
    assert_eq!(none.body, Framing::NONE);
    assert_eq!(head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n").body, Framing::Length(5));
}

#[test]
fn request_ids_are_kept_if_usable() {
    let with = |id: &str| {
        let head = head(&format!("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id}\r\n\r\n"));
        head.request_id().to_owned()
    };
    let good = "abcdefghij+/=-0123456789";
    assert_eq!(with(good), good);
    for bad in ["short", &"x".repeat(201), "has spaces in its middle", "quote\"quote\"quote\"quote"] {
        assert_eq!(with(bad), "abababab-abab-4bab-abab-abababababab", "{bad}");
    }
}

#[test]
fn targets_and_hosts() {
    let of = |text: &str| {
        let head = head(text);
        (head.host.clone(), head.path().to_owned(), head.authority().to_owned())
    };
    let expect = |host: &str, path: &str, authority: &str| (host.into(), path.into(), authority.into());
    assert_eq!(of("GET /x HTTP/1.1\r\nHost: A.b:80\r\n\r\n"), expect("a.b", "/x", "A.b:80"));
    assert_eq!(of("GET http://c.d/x?y HTTP/1.1\r\nHost: a.b\r\n\r\n"), expect("c.d", "/x?y", "c.d"));
    assert_eq!(of("GET http://c.d HTTP/1.1\r\nHost: a.b\r\n\r\n"), expect("c.d", "/", "c.d"));
    assert_eq!(of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), expect("a", "*", "a"));
}

#[test]
fn what_is_refused() {
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(8192));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(1000));
    let method = format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(128));
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nBad\0Name: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        &long,
        &many,
        &method,
    ] {
        assert!(matches!(try_head(text), Err(Refused::Malformed(_))), "{:.60}: {:?}", text, try_head(text));
    }
    let coded = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    assert!(matches!(try_head(coded), Err(Refused::Coding)));
    let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(matches!(try_head(old), Err(Refused::Coding)));
    assert!(matches!(try_head("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), Err(Refused::Connect)));
}

#[test]
fn an_oversized_field_is_told_later_when_the_app_is_known() {
    let at = |size: usize| {
        let name = "A";
        let value = "v".repeat(size - name.len() - 2);
        head(&format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n")).oversized
    };
    assert_eq!((at(8192), at(8193)), (false, true));
    assert!(head(&format!("GET / HTTP/1.1\r\nHost: a\r\n{}: b\r\n\r\n", "N".repeat(1001))).oversized);
}

#[test]
fn what_the_connection_may_do_next() {
    let of = |text: &str| {
        let head = head(text);
        (head.keep_alive, head.upgrade, head.expect)
    };
    let nothing = Expect::Nothing;
    for (text, expected) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", (true, false, nothing)),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", (false, false, nothing)),
        ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", (false, false, nothing)),
        ("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", (true, false, nothing)),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            (true, true, nothing),
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", (true, false, nothing)),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", (true, false, Expect::Continue)),
        ("GET / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", (false, false, nothing)),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", (true, false, Expect::Unsupported)),
    ] {
        assert_eq!(of(text), expected, "{text}");
    }
}

#[test]
fn only_harmless_requests_may_be_sent_twice() {
    let of = |text: &str| head(text).is_replayable();
    assert!(of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert!(of("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    assert!(!of("POST / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert!(!of("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"));
    assert!(!of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert!(!of("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"));
}

proptest! {
    #[test]
    fn any_bytes_give_one_clean_head_or_none(
        lines in proptest::collection::vec("[ -~]{0,40}|Content-Length: [0-9,]{1,5}|Transfer-Encoding: chunked|Connection: [a-z-]{1,20}|Host: a\\.b", 0..8),
        ends in proptest::collection::vec(prop_oneof![4 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r")], 8),
    ) {
        let mut text = "POST /p HTTP/1.1\r\nHost: x\r\n".to_owned();
        for (line, end) in lines.iter().zip(&ends) {
            text.push_str(line);
            text.push_str(end);
        }
        text.push_str("\r\n\r\n");
        if let Ok(Parsed::Whole(head, _)) = try_head(&text) {
            let mut again = head.wire.clone();
            prop_assert!(!again.windows(4).any(|four| four == b"\r\n\r\n"));
            again.extend_from_slice(b"\r\n");
            let text = String::from_utf8(again).expect("ASCII in, ASCII out");
            for line in text.trim_end_matches("\r\n").split("\r\n") {
                prop_assert!(!line.contains(['\r', '\n']), "{line:?}");
            }
            let lower = text.to_lowercase();
            let count = |name: &str| lower.matches(&format!("\r\n{name}:")).count();
            prop_assert_eq!(count("host"), 1);
            prop_assert!(count("content-length") + count("transfer-encoding") <= 1);
        }
    }

    #[test]
    fn a_head_cut_short_is_partial_or_refused(cut in 0usize..60) {
        let text = "GET /path HTTP/1.1\r\nHost: example.com\r\nAccept: text/html\r\n\r\n";
        prop_assert!(matches!(try_head(&text[..cut]), Ok(Parsed::Partial)));
    }
}
