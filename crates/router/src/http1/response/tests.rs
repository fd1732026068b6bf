use super::{Asked, Parsed, ResponseHead, Unusable, translate};
use crate::config::Limits;
use crate::http1::body::{Emit, Framing};
use crate::http1::buffer::Buffer;

const ASKED: Asked = Asked { head: false, http11: true, upgrade: false, keep_alive: true };
const OLD: Asked = Asked { http11: false, ..ASKED };

fn through(text: &str, asked: Asked) -> Result<(Parsed, String), Unusable> {
    let mut out = Buffer::default();
    let parsed = translate(text.as_bytes(), asked, &mut out, &Limits::default())?;
    Ok((parsed, String::from_utf8_lossy(out.data()).replace('\r', "")))
}

fn head(text: &str, asked: Asked) -> (ResponseHead, String) {
    match through(text, asked) {
        Ok((Parsed::Final(head, _), text)) => (head, text),
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn the_heads_that_clients_get() {
    let all = [
        ("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-Case: Kept\r\nServer: gunicorn\r\n\r\n", ASKED),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\nConnection: X-Mine\r\nX-Mine: 1\r\n\r\n",
            ASKED,
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVia: 1.1 app\r\n\r\n", OLD),
        ("HTTP/1.0 200 OK\r\nKeep-Alive: 5\r\n\r\n", ASKED),
        ("HTTP/1.0 200 OK\r\n\r\n", OLD),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", OLD),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", ASKED),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n", ASKED),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Asked { head: true, ..ASKED }),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Asked { keep_alive: false, ..ASKED }),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            Asked { upgrade: true, ..ASKED },
        ),
    ];
    let mut table = String::new();
    for (text, asked) in all {
        let (head, passed) = head(text, asked);
        table.push_str(&format!("{text:?}\n  for {asked:?}\n  is {head:?}\n{passed}"));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_status_line_needs_the_space_before_its_reason() {
    assert_eq!(through("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ASKED), Err(Unusable::Malformed));
    assert!(through("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", ASKED).is_ok());
}

#[test]
fn what_is_malformed() {
    for text in [
        "hello\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        assert_eq!(through(text, ASKED), Err(Unusable::Malformed), "{text:?}");
    }
}

#[test]
fn what_is_restricted() {
    let cookie = |size: usize| format!("HTTP/1.1 200 OK\r\nSet-Cookie: {}\r\n\r\n", "c".repeat(size));
    let line = |size: usize| format!("HTTP/1.1 200 {}\r\n\r\n", "R".repeat(size - "HTTP/1.1 200 ".len()));
    let field = |size: usize| format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "v".repeat(size - 3));
    for (text, what) in [
        (cookie(8193), "oversized cookie"),
        (line(8193), "oversized status line"),
        (field(512 * 1024 + 1), "oversized header"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".into(),
            "invalid content length",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".into(), "invalid content length"),
        (format!("HTTP/1.1 200 OK\r\nA: {}", "v".repeat(1024 * 1024)), "oversized header"),
    ] {
        assert_eq!(through(&text, ASKED), Err(Unusable::Restricted(what)));
    }
    for text in [cookie(8192), line(8192), field(512 * 1024)] {
        assert!(through(&text, ASKED).is_ok());
    }
}

#[test]
fn interim_responses_pass_to_those_who_know_them() {
    let text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let (parsed, passed) = through(text, ASKED).expect("a good head");
    assert_eq!(
        (parsed, passed.as_str()),
        (Parsed::Interim(text.len()), "HTTP/1.1 103 Early Hints\nLink: </a>\n\n")
    );
    let (parsed, passed) = through(text, OLD).expect("a good head");
    assert_eq!((parsed, passed.as_str()), (Parsed::Interim(text.len()), ""));
}

#[test]
fn bodies_are_framed_for_the_client_at_hand() {
    let framing = |text, asked| {
        let (head, _) = head(text, asked);
        (head.body, head.emit, head.client_keep_alive, head.upstream_keep_alive)
    };
    let closing = "HTTP/1.0 200 OK\r\n\r\n";
    assert_eq!(framing(closing, ASKED), (Framing::Close, Emit::Chunks, true, false));
    assert_eq!(framing(closing, OLD), (Framing::Close, Emit::Same, false, false));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(framing(chunked, OLD), (Framing::Chunked, Emit::Bare, false, true));
}
