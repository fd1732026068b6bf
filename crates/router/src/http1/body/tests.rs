use proptest::prelude::*;

use super::super::buffer::Buffer;
use super::{BadChunk, Body, Emit, Framing};

/// Feeds `input` in pieces of `step` bytes; the bytes passed on, what is left, and whether the body is done.
fn run(
    framing: Framing,
    emit: Emit,
    input: &[u8],
    step: usize,
) -> Result<(Vec<u8>, Vec<u8>, bool), BadChunk> {
    let (mut body, mut from, mut to) = (Body::new(framing, emit), Buffer::default(), Buffer::default());
    let mut out = Vec::new();
    for piece in input.chunks(step) {
        from.extend(piece);
        while body.advance(&mut from, &mut to, 7)? > 0 {
            out.extend_from_slice(to.data());
            to.clear();
        }
    }
    Ok((out, from.data().to_vec(), body.is_done()))
}

#[test]
fn a_length_takes_so_many_bytes_and_no_more() {
    for step in [1, 3, 100] {
        let got = run(Framing::Length(5), Emit::Same, b"helloGET /", step);
        assert_eq!(got, Ok((b"hello".to_vec(), b"GET /".to_vec(), true)));
    }
    assert!(Body::new(Framing::NONE, Emit::Same).is_done());
}

#[test]
fn chunks_pass_with_extensions_and_trailers_and_end_where_they_end() {
    let whole = b"5;a=\"b\"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n";
    let input = [&whole[..], b"GET / HTTP/1.1\r\n"].concat();
    for step in 1..input.len() {
        let (same, rest, done) = run(Framing::Chunked, Emit::Same, &input, step).expect("well-formed chunks");
        assert_eq!((same.as_slice(), rest.as_slice(), done), (&whole[..], &b"GET / HTTP/1.1\r\n"[..], true));
        let (bare, _, done) = run(Framing::Chunked, Emit::Bare, &input, step).expect("well-formed chunks");
        assert_eq!((bare.as_slice(), done), (&b"hello0123456789"[..], true));
    }
}

#[test]
fn ambiguous_chunks_are_refused() {
    for bad in [
        "\r\n",
        "x\r\n",
        "-1\r\n",
        "5\nhello",
        "5 \r\nhello",
        "0x5\r\nhello",
        "5;a\nb\r\n",
        "5;a\rb\r\n",
        "5;\0\r\n",
        "1\r\nab\r\n",
        "1\r\na\n0\r\n\r\n",
        "0\r\nA: b\nC: d\r\n\r\n",
        "0\r\nA: \u{7f}\r\n\r\n",
        "0\r\n\rX",
        "fffffffffffffffff\r\n",
    ] {
        assert_eq!(run(Framing::Chunked, Emit::Same, bad.as_bytes(), 1), Err(BadChunk), "{bad:?}");
    }
    let endless = format!("5;{}", "e".repeat(2000));
    assert_eq!(run(Framing::Chunked, Emit::Same, endless.as_bytes(), 100), Err(BadChunk));
}

#[test]
fn what_ends_with_the_connection_can_be_put_into_chunks() {
    let (mut body, mut from, mut to) =
        (Body::new(Framing::Close, Emit::Chunks), Buffer::default(), Buffer::default());
    from.extend(b"hello");
    assert_eq!(body.advance(&mut from, &mut to, 1000), Ok(5));
    assert!(!body.is_done());
    assert!(body.closed(&mut to));
    assert_eq!(to.data(), b"5\r\nhello\r\n0\r\n\r\n");
}

#[test]
fn a_body_cut_short_is_not_done() {
    for framing in [Framing::Length(3), Framing::Chunked] {
        assert!(!Body::new(framing, Emit::Same).closed(&mut Buffer::default()));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_passed_on_as_they_are(
        input in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), Just(b'3'), any::<u8>()], 0..200),
        step in 1usize..20,
    ) {
        let whole = run(Framing::Chunked, Emit::Same, &input, input.len().max(1));
        prop_assert_eq!(run(Framing::Chunked, Emit::Same, &input, step).is_ok(), whole.is_ok());
        if let Ok((out, rest, _)) = whole {
            prop_assert_eq!([out, rest].concat(), input);
        }
    }

    #[test]
    fn data_survives_any_chunking(data in proptest::collection::vec(any::<u8>(), 1..300), size in 1usize..50, step in 1usize..50) {
        let mut wire = Vec::new();
        for piece in data.chunks(size) {
            wire.extend_from_slice(format!("{:X}\r\n", piece.len()).as_bytes());
            wire.extend_from_slice(piece);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n\r\n");
        let (bare, rest, done) = run(Framing::Chunked, Emit::Bare, &wire, step).expect("well-formed chunks");
        prop_assert_eq!((bare, rest.len(), done), (data, 0, true));
    }
}
