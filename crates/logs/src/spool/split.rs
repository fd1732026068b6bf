//! Raw output into lines.

use model::log::MESSAGE_BYTES_MAX;

/// Makes lines of the chunks a dyno writes: ends them at `\n` (a `\r` before it goes too), splits what is
/// longer than [`MESSAGE_BYTES_MAX`], and replaces what is not UTF-8.
///
/// Holds at most one unfinished line.
#[derive(Debug, Default)]
pub struct Splitter {
    partial: Vec<u8>,
}

impl Splitter {
    /// Takes a chunk, gives every line that it completes to `each`.
    pub fn push(&mut self, chunk: &[u8], mut each: impl FnMut(&str)) {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end], &mut each);
            self.emit(&mut each);
            rest = &rest[end + 1..];
        }
        self.extend(rest, &mut each);
    }

    /// Gives the last line to `each` if it was left without a line end: the output is over.
    pub fn finish(mut self, mut each: impl FnMut(&str)) {
        if !self.partial.is_empty() {
            self.emit(&mut each);
        }
    }

    /// Adds to the unfinished line; one that outgrows the limit is given out in pieces.
    fn extend(&mut self, mut bytes: &[u8], each: &mut impl FnMut(&str)) {
        // One byte more than the limit is waited for: it tells whether a full line ends just there.
        while self.partial.len() + bytes.len() > MESSAGE_BYTES_MAX + 1 {
            let (head, rest) = bytes.split_at((MESSAGE_BYTES_MAX + 1).saturating_sub(self.partial.len()));
            self.partial.extend_from_slice(head);
            let cut = boundary(&self.partial);
            let keep = self.partial.split_off(cut);
            let piece = std::mem::replace(&mut self.partial, keep);
            pieces(&String::from_utf8_lossy(&piece), &mut *each);
            bytes = rest;
        }
        self.partial.extend_from_slice(bytes);
    }

    fn emit(&mut self, each: &mut impl FnMut(&str)) {
        let line = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        pieces(&String::from_utf8_lossy(line), each);
        self.partial.clear();
    }
}

/// Gives a text to `each` in pieces that a log line can hold: no line ends, no longer than the limit.
///
/// An inner `\r` becomes a space: it is a line end to terminals and to event streams.
pub(crate) fn pieces(text: &str, mut each: impl FnMut(&str)) {
    if text.len() <= MESSAGE_BYTES_MAX && !text.bytes().any(|byte| byte == b'\n' || byte == b'\r') {
        return each(text);
    }
    for line in text.trim_end_matches(['\n', '\r']).split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line).replace('\r', " ");
        let mut rest = line.as_str();
        while rest.len() > MESSAGE_BYTES_MAX {
            let (piece, more) = rest.split_at(rest.floor_char_boundary(MESSAGE_BYTES_MAX));
            each(piece);
            rest = more;
        }
        each(rest);
    }
}

/// Where to cut bytes that are too long for one line, so that no character is cut in two.
fn boundary(bytes: &[u8]) -> usize {
    /// A character has at most three continuation bytes; more than that is not UTF-8.
    const BACK_MAX: usize = 3;
    let is_inner = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    let back = (0..BACK_MAX).take_while(|back| is_inner(&(MESSAGE_BYTES_MAX - back))).count();
    if is_inner(&(MESSAGE_BYTES_MAX - back)) { MESSAGE_BYTES_MAX } else { MESSAGE_BYTES_MAX - back }
}

#[cfg(test)]
mod tests;
