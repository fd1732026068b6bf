//! A byte queue: bytes are appended at the end and consumed from the front.

/// A buffer larger than this is given back when it runs empty, so that idle connections are cheap.
const KEPT_BYTES: usize = 4096;

/// Bytes between a reader and a writer. Whoever appends keeps to a limit of its own.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    pub(crate) fn data(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn extend(&mut self, more: &[u8]) {
        // Moving the rest down only when at least half is consumed keeps the cost per byte constant.
        if self.bytes.len() + more.len() > self.bytes.capacity() && self.start * 2 >= self.bytes.len() {
            self.bytes.copy_within(self.start.., 0);
            self.bytes.truncate(self.len());
            self.start = 0;
        }
        self.bytes.extend_from_slice(more);
    }

    /// For `write!`-like appending.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.bytes.len());
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }

    /// Gives large memory back; to be called when the connection may be idle for long.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() && self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
    }
}

/// Tells when a head that comes in pieces is worth parsing, so that a sender of single bytes cannot make us
/// read the same head over and over.
#[derive(Debug, Default)]
pub(crate) struct HeadScan {
    looked: usize,
}

impl HeadScan {
    /// Whether `bytes`, of which a beginning was seen in earlier calls, may hold a whole head. The first call
    /// always says so: nearly all heads come in one piece.
    pub(crate) fn ready(&mut self, bytes: &[u8]) -> bool {
        let first = self.looked == 0;
        let from = self.looked.saturating_sub(2);
        self.looked = bytes.len();
        let ends = |rest: &[u8]| rest.starts_with(b"\n\n") || rest.starts_with(b"\n\r\n");
        first || (from..bytes.len()).any(|at| ends(&bytes[at..]))
    }
}

#[cfg(test)]
mod tests;
