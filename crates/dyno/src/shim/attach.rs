//! The client of an attached dyno: raw bytes over `attach.sock`, which the server joins to the client's connection.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::{ShimError, report};
use crate::job;

/// Output held for a client that does not read, and input for a dyno that does not; then the other side waits.
const BUFFER_BYTES_MAX: usize = 256 << 10;
/// The byte by which the official CLI tells the end of piped input (cli-contract: there is no half-close).
const END_OF_INPUT: u8 = 0x04;
/// A last [`END_OF_INPUT`] is one only if nothing follows it for this long; else it was data.
const END_OF_INPUT_AFTER: Duration = Duration::from_millis(50);
/// How often a dyno whose client is gone gets SIGHUP (Heroku: 5 s).
const HANG_UP_EVERY: Duration = Duration::from_secs(5);
/// How long the last output may take to reach the client.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn listen(dir: &Path) -> Result<UnixListener, ShimError> {
    report::listen(dir, job::ATTACH_SOCKET)
}

pub(super) struct Client {
    stream: UnixStream,
    terminal: bool,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// When a last end-of-input byte came that is held back.
    held: Option<Instant>,
    input_over: bool,
    gone: bool,
    hung_up_at: Option<Instant>,
}

impl Client {
    /// The client that waits at the socket, if there is one.
    pub(super) fn accept(listener: &UnixListener, terminal: bool) -> Option<Self> {
        let (stream, _) = listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some(Self {
            stream,
            terminal,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            held: None,
            input_over: false,
            gone: false,
            hung_up_at: None,
        })
    }

    /// What to wait for; nothing once the client is gone.
    pub(super) fn fd(&self) -> Option<PollFd<'_>> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::POLLIN, !self.input_over && self.incoming.len() < BUFFER_BYTES_MAX);
        flags.set(PollFlags::POLLOUT, !self.outgoing.is_empty());
        (!self.gone && !flags.is_empty()).then(|| PollFd::new(self.stream.as_fd(), flags))
    }

    /// How long nothing happens unless a descriptor wakes us.
    pub(super) fn wait(&self) -> Duration {
        if self.held.is_some() { END_OF_INPUT_AFTER } else { HANG_UP_EVERY }
    }

    /// Whether input waits for the dyno.
    pub(super) fn has_input(&self) -> bool {
        !self.incoming.is_empty()
    }

    /// Whether it has not taken what it got.
    pub(super) fn is_full(&self) -> bool {
        self.outgoing.len() >= BUFFER_BYTES_MAX
    }

    /// Input that waits for the dyno.
    pub(super) fn input(&mut self) -> &mut Vec<u8> {
        &mut self.incoming
    }

    /// Whether no more input will come.
    pub(super) fn input_is_over(&self) -> bool {
        self.input_over && self.incoming.is_empty()
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        if !self.gone {
            self.outgoing.extend_from_slice(bytes);
        }
    }

    /// Moves what can be moved without waiting.
    pub(super) fn pump(&mut self) {
        self.write();
        while !self.gone && self.incoming.len() < BUFFER_BYTES_MAX {
            let mut chunk = [0; 16 << 10];
            match self.stream.read(&mut chunk) {
                Ok(0) => self.gone = true,
                Ok(length) => self.take(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.gone = true,
            }
        }
        if self.held.is_some_and(|at| at.elapsed() >= END_OF_INPUT_AFTER) {
            self.held = None;
            self.input_over = true;
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        if self.held.take().is_some() {
            self.incoming.push(END_OF_INPUT);
        }
        match chunk.split_last() {
            // On a terminal the byte is for its line discipline.
            Some((&END_OF_INPUT, rest)) if !self.terminal => {
                self.incoming.extend_from_slice(rest);
                self.held = Some(Instant::now());
            }
            _ => self.incoming.extend_from_slice(chunk),
        }
    }

    fn write(&mut self) {
        while !self.gone && !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(length) => drop(self.outgoing.drain(..length)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.gone = true,
            }
        }
        if self.gone {
            self.outgoing.clear();
        }
    }

    /// Whether the client is gone and the dyno is to be told (again).
    pub(super) fn hang_up_due(&mut self) -> bool {
        let due = self.gone && self.hung_up_at.is_none_or(|at| at.elapsed() >= HANG_UP_EVERY);
        if due {
            self.hung_up_at = Some(Instant::now());
        }
        due
    }

    /// Sends what is left and closes.
    pub(super) fn close(mut self) {
        let _best_effort = self.stream.set_nonblocking(false);
        let _best_effort = self.stream.set_write_timeout(Some(CLOSE_WITHIN));
        self.write();
    }
}
