//! A log tail that stands by while something is changed, to learn when the new dyno was up.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::run::Outcome;

/// Longest wait for a line.
const LINE_LIMIT: Duration = Duration::from_secs(90);

/// A running `heroku logs --tail`.
pub(super) struct Tail {
    child: Child,
    lines: Receiver<String>,
}

impl Tail {
    /// Starts it and waits for the first line of the history, which shows that it is connected.
    pub(super) fn start(command: &mut Command) -> Outcome<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("could not start a log tail: {error}"))?;
        let stdout = child.stdout.take().ok_or("the log tail has no output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
        });
        let tail = Self { child, lines };
        tail.find("")?;
        Ok(tail)
    }

    /// The next line that holds `text`.
    pub(super) fn find(&self, text: &str) -> Outcome<String> {
        let deadline = Instant::now() + LINE_LIMIT;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(text) => return Ok(line),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err(format!("the log never told `{text}`")),
                Err(RecvTimeoutError::Disconnected) => return Err("the log tail ended early".to_owned()),
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
