//! One record of a spool or a history: a line of text that carries its own checksum.
//!
//! ```text
//! 1c4f0a37 FIELD FIELD … LAST FIELD, WITH SPACES\n
//! ```
//! Text, so that `grep` works on the files; a line end closes a record, so that a reader finds its feet again
//! after a torn one; the checksum (32-bit FNV-1a, against torn writes and not against malice) tells a whole
//! record from what a killed process or a lost page left.

use model::log::{Line, Source};
use model::time::Timestamp;

/// Bytes before the fields: eight hexadecimal digits and a space.
const HEAD_BYTES: usize = 9;
/// Longest process name kept, in bytes; names come from the platform, so longer ones are only cut.
const PROCESS_BYTES_MAX: usize = 100;

/// Appends one record; `fields` writes what comes after the checksum and must not write a line end.
pub(crate) fn seal(out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[b' '; HEAD_BYTES]);
    fields(out);
    let mut sum = checksum(&out[start + HEAD_BYTES..]);
    for digit in out[start..start + HEAD_BYTES - 1].iter_mut().rev() {
        *digit = b"0123456789abcdef"[(sum & 15) as usize];
        sum >>= 4;
    }
    out.push(b'\n');
}

/// The fields of one record, given without its line end; `None` if it is not whole.
pub(crate) fn unseal(record: &[u8]) -> Option<Fields<'_>> {
    let (head, fields) = record.split_at_checked(HEAD_BYTES)?;
    let head = std::str::from_utf8(head).ok()?.strip_suffix(' ')?;
    let sum = u32::from_str_radix(head, 16).ok()?;
    (sum == checksum(fields)).then_some(())?;
    std::str::from_utf8(fields).ok().map(Fields)
}

/// The whole records at the start of `bytes`, without their line ends, and how many bytes they take up.
pub(crate) fn whole(bytes: &[u8]) -> (impl Iterator<Item = &[u8]>, usize) {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    (bytes[..end].split_inclusive(|byte| *byte == b'\n').map(|record| &record[..record.len() - 1]), end)
}

/// What is left of a record: fields parted by single spaces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    /// Takes the next field off.
    pub(crate) fn word(&mut self) -> Option<&'a str> {
        let (word, rest) = self.0.split_once(' ')?;
        self.0 = rest;
        Some(word)
    }

    /// Takes the next field off as a number.
    pub(crate) fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        self.word()?.parse().ok()
    }

    /// Takes all that is left as a log line.
    pub(crate) fn line(mut self) -> Option<Line> {
        let at = Timestamp::from_micros(self.number()?);
        let source = Source::from_word(self.word()?)?;
        let process = self.word()?.to_owned();
        Some(Line { at, source, process, message: self.0.to_owned() })
    }
}

/// Writes a line's fields as [`Fields::line`] reads them. `message` must be free of line ends.
pub(crate) fn put_line(out: &mut Vec<u8>, line: &Line, message: &str) {
    put(out, format_args!("{} {} ", line.at.as_micros(), line.source.as_str()));
    put_process(out, &line.process);
    out.push(b' ');
    out.extend_from_slice(message.as_bytes());
}

/// Appends formatted text.
pub(crate) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a `Vec` cannot fail.
    let _ = std::io::Write::write_fmt(out, text);
}

fn put_process(out: &mut Vec<u8>, process: &str) {
    let start = out.len();
    for letter in process.bytes().take(PROCESS_BYTES_MAX) {
        out.push(if letter.is_ascii_graphic() { letter } else { b'_' });
    }
    if out.len() == start {
        out.push(b'-');
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests;
