//! Server-sent events, as far as a log needs them: ids and lines.

/// Longest line of a stream, in bytes; the rest of a longer one is dropped.
const LINE_BYTES_MAX: usize = 256 << 10;

/// Reads events from the pieces in which they come.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    /// The id of the last event: where to go on after an interruption.
    pub(crate) last_id: Option<String>,
}

impl Events {
    /// Takes a piece and gives the data lines that it completes.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            match part.strip_suffix(b"\n") {
                None => self.line.extend_from_slice(&part[..part.len().min(room)]),
                Some(end) => {
                    self.line.extend_from_slice(&end[..end.len().min(room)]);
                    let line = std::mem::take(&mut self.line);
                    lines.extend(self.take(&String::from_utf8_lossy(&line)));
                }
            }
        }
        lines
    }

    /// Forgets a line of which only a part came.
    pub(crate) fn interrupted(&mut self) {
        self.line.clear();
    }

    /// The data of a line; comments and other fields have none.
    fn take(&mut self, line: &str) -> Option<String> {
        let (field, value) = line.trim_end_matches('\r').split_once(':')?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => return Some(value.to_owned()),
            "id" => self.last_id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Events, LINE_BYTES_MAX};

    #[test]
    fn lines_are_read_however_they_are_cut() {
        let stream = b"retry: 1000\n\n: alive\n\nid: 7\ndata: one: two\n\nid: 8\r\ndata:three\r\n\r\n";
        for cut in 0..stream.len() {
            let mut events = Events::default();
            let mut lines = events.feed(&stream[..cut]);
            lines.extend(events.feed(&stream[cut..]));
            assert_eq!(lines, ["one: two", "three"], "cut at {cut}");
            assert_eq!(events.last_id.as_deref(), Some("8"));
        }
    }

    #[test]
    fn an_endless_line_does_not_fill_the_memory() {
        let mut events = Events::default();
        for _ in 0..8 {
            assert!(events.feed(&[b'x'; LINE_BYTES_MAX]).is_empty());
        }
        assert_eq!(events.line.len(), LINE_BYTES_MAX);
        events.interrupted();
        assert_eq!(events.feed(b"data: on\n"), ["on"]);
    }
}
