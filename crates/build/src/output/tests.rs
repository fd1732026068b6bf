use super::{Cutter, LINE_BYTES_MAX, Piece, TAIL_LINES_MAX};

fn pieces(cutter: &mut Cutter, chunks: &[&[u8]]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for chunk in chunks {
        cutter.feed(chunk, |piece| pieces.push(piece));
    }
    cutter.end(|piece| pieces.push(piece));
    pieces
}

fn line(text: &str) -> Piece {
    Piece::Line(text.to_owned())
}

#[test]
fn lines_are_cut_wherever_the_chunks_are() {
    let mut cutter = Cutter::new("\u{1e}m ".to_owned());
    let found =
        pieces(&mut cutter, &[b"one\ntw", b"o\r\n\n", b"50%\r100%\n", "\u{e9}".as_bytes(), b"\xff\nlast"]);
    assert_eq!(found, ["one", "two", "", "100%", "\u{e9}\u{fffd}", "last"].map(line));
}

#[test]
fn only_lines_with_the_mark_are_remarks() {
    let mut cutter = Cutter::new("\u{1e}m ".to_owned());
    let found = pieces(&mut cutter, &[b"\x1em hook a\nm hook b\n\x1eother c\n said \x1em d\n"]);
    let expected = [
        Piece::Remark("hook a".to_owned()),
        line("m hook b"),
        line("\u{1e}other c"),
        line(" said \u{1e}m d"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_tail_is_what_the_failed_part_said() {
    let mut cutter = Cutter::new("# ".to_owned());
    pieces(&mut cutter, &[b"before\n# collectstatic\nTraceback\nKeyError\n# failed collectstatic\n"]);
    assert_eq!(cutter.tail(), "Traceback\nKeyError\n");
}

#[test]
fn long_lines_and_long_outputs_are_bounded() {
    let mut cutter = Cutter::new("# ".to_owned());
    let long = vec![b'x'; LINE_BYTES_MAX * 2 + 1];
    assert_eq!(pieces(&mut cutter, &[&long]).len(), 3);
    let many = "line\n".repeat(TAIL_LINES_MAX * 2);
    pieces(&mut cutter, &[many.as_bytes()]);
    assert_eq!(cutter.tail().lines().count(), TAIL_LINES_MAX);
}
