//! The exit status of an attached command. The rendezvous has no place for it, so the shell prints it behind a mark.

/// Appended to a command: prints its status.
const TELL: &str = " ; echo \"\u{FFFF} heroku-command-exit-status: $?\"";
/// How the line begins.
const MARK: &[u8] = "\u{FFFF} heroku-command-exit-status: ".as_bytes();
/// Longest such line, in bytes.
const LINE_BYTES_MAX: usize = 128;

/// A command that tells its status.
pub(super) fn asking(command: &str) -> String {
    format!("{command}{TELL}")
}

/// The command as it was typed, without what makes it tell its status.
pub(in crate::commands) fn typed(command: &str) -> &str {
    command.strip_suffix(TELL).unwrap_or(command)
}

/// Passes output on, and keeps the status for itself.
#[derive(Debug, Default)]
pub(super) struct ExitStatus {
    held: Vec<u8>,
    pub(super) status: Option<u8>,
}

impl ExitStatus {
    /// What of the output so far can be shown.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        let mut shown = Vec::new();
        while let Some(at) = self.mark() {
            shown.extend(self.held.drain(..at));
            let Some(end) = self.held.iter().position(|byte| *byte == b'\n') else {
                if self.held.len() <= LINE_BYTES_MAX {
                    return shown;
                }
                shown.extend(self.held.drain(..MARK.len()));
                continue;
            };
            let line: Vec<u8> = self.held.drain(..=end).collect();
            match status(&line) {
                Some(status) => self.status = Some(status),
                None => shown.extend(line),
            }
        }
        shown.append(&mut self.held);
        shown
    }

    /// What is left when nothing more comes.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Where a mark begins, or what may become one.
    fn mark(&self) -> Option<usize> {
        (0..self.held.len()).find(|at| {
            let rest = &self.held[*at..];
            rest.starts_with(MARK) || MARK.starts_with(rest)
        })
    }
}

fn status(line: &[u8]) -> Option<u8> {
    let digits = line.strip_prefix(MARK)?;
    String::from_utf8_lossy(digits).trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::ExitStatus;

    #[test]
    fn the_status_is_taken_out_however_it_is_cut() {
        let output = "h\u{FFFE}llo\r\n\u{FFFF} heroku-command-exit-status: 7\r\n".as_bytes();
        for cut in 0..output.len() {
            let mut seen = ExitStatus::default();
            let mut shown = seen.feed(&output[..cut]);
            shown.extend(seen.feed(&output[cut..]));
            shown.extend(seen.rest());
            assert_eq!(shown, "h\u{FFFE}llo\r\n".as_bytes(), "cut at {cut}");
            assert_eq!(seen.status, Some(7));
        }
    }

    #[test]
    fn what_only_looks_like_a_status_is_shown() {
        for output in ["\u{FFFF} heroku-command-exit-status: x\n", "\u{FFFF}\u{FFFF} hero", "\u{FFFF}"] {
            let mut seen = ExitStatus::default();
            let mut shown = seen.feed(output.as_bytes());
            shown.extend(seen.rest());
            assert_eq!(String::from_utf8_lossy(&shown), output);
            assert_eq!(seen.status, None);
        }
        let long = format!("\u{FFFF} heroku-command-exit-status: {}", "1".repeat(500));
        assert_eq!(ExitStatus::default().feed(long.as_bytes()), long.as_bytes());
    }
}
