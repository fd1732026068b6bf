//! The output of a build's container, taken apart: what the developer sees, and the script's own remarks.
//!
//! A script makes a remark by printing a line that begins with a mark known to it and to us alone; so remarks and
//! output come in order through one pipe.

use std::collections::VecDeque;

/// Longest line that is taken as one, in bytes; longer ones are cut into pieces.
const LINE_BYTES_MAX: usize = 10_000;
/// How much of the end of the output is kept for finding out why a step failed, in lines.
const TAIL_LINES_MAX: usize = 200;

/// How a remark begins that names what failed.
pub(crate) const FAILED: &str = "failed ";

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A line for the developer.
    Line(String),
    /// A remark of our script.
    Remark(String),
}

/// Cuts bytes into lines.
#[derive(Debug)]
pub(crate) struct Cutter {
    mark: String,
    open: Vec<u8>,
    tail: VecDeque<String>,
}

impl Cutter {
    /// For a script that was given this mark.
    pub(crate) fn new(mark: String) -> Self {
        Self { mark, open: Vec::new(), tail: VecDeque::new() }
    }

    /// Takes more bytes; calls `take` for each line that is whole now.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Piece)) {
        for &byte in bytes {
            if byte == b'\n' {
                take(self.cut());
            } else {
                self.open.push(byte);
                if self.open.len() >= LINE_BYTES_MAX {
                    take(self.cut());
                }
            }
        }
    }

    /// Takes the end: a last line without its end is a line too.
    pub(crate) fn end(&mut self, mut take: impl FnMut(Piece)) {
        if !self.open.is_empty() {
            take(self.cut());
        }
    }

    /// The last lines of output since the last remark.
    pub(crate) fn tail(&self) -> String {
        self.tail.iter().map(|line| format!("{line}\n")).collect()
    }

    fn cut(&mut self) -> Piece {
        let bytes = std::mem::take(&mut self.open);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\r');
        // A progress bar draws over itself: its last state is what would be seen.
        let text = text.rsplit('\r').next().unwrap_or_default();
        if let Some(remark) = text.strip_prefix(&self.mark) {
            if !remark.starts_with(FAILED) {
                self.tail.clear(); // a new part of the script begins
            }
            return Piece::Remark(remark.trim().to_owned());
        }
        self.tail.push_back(text.to_owned());
        if self.tail.len() > TAIL_LINES_MAX {
            self.tail.pop_front();
        }
        Piece::Line(text.to_owned())
    }
}

#[cfg(test)]
mod tests;
