//! The dyno's streams: its output goes to its log and transcript, or to its client.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use logs::spool::Splitter;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::unistd::pipe2;
use oci::container::Stdio;

use super::attach::Client;
use super::readable;
use super::report::Reporter;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks taken from one stream before the others have their turn.
const CHUNKS_AT_ONCE: usize = 4;

/// One stream that the dyno writes to.
struct Stream {
    from: File,
    lines: Splitter,
}

/// All of a dyno's streams, from our side.
#[derive(Default)]
pub(super) struct Output {
    streams: Vec<Stream>,
    /// Where an attached dyno's input goes; closed by its client's end of input.
    stdin: Option<File>,
    terminal: bool,
}

impl Output {
    /// Makes the streams: what the container gets, and what we keep.
    pub(super) fn streams(terminal: bool, attached: bool) -> io::Result<(Stdio, Self)> {
        if terminal {
            return Ok((Stdio::Terminal, Self { terminal, ..Self::default() }));
        }
        let (stdout, stdout_end) = pipe2(OFlag::O_CLOEXEC)?;
        let (stderr, stderr_end) = pipe2(OFlag::O_CLOEXEC)?;
        let (stdin_end, stdin) = if attached {
            let (end, stdin) = pipe2(OFlag::O_CLOEXEC)?;
            (end, Some(nonblocking(stdin)?))
        } else {
            (File::open("/dev/null")?.into(), None)
        };
        let streams =
            [stdout, stderr].map(|fd| Ok(Stream { from: nonblocking(fd)?, lines: Splitter::default() }));
        let streams = streams.into_iter().collect::<io::Result<_>>()?;
        let stdio = Stdio::Fds { stdin: stdin_end, stdout: stdout_end, stderr: stderr_end };
        Ok((stdio, Self { streams, stdin, terminal }))
    }

    /// Takes up the terminal that the container got, if it has one.
    pub(super) fn with_terminal(mut self, master: Option<BorrowedFd<'_>>) -> Self {
        // Without descriptors left there is no stream; the dyno then runs unheard, which its log shows.
        let copies =
            master.and_then(|fd| Some((fd.try_clone_to_owned().ok()?, fd.try_clone_to_owned().ok()?)));
        if let Some((read, write)) = copies
            && let (Ok(from), Ok(to)) = (nonblocking(read), nonblocking(write))
        {
            self.streams.push(Stream { from, lines: Splitter::default() });
            self.stdin = Some(to);
        }
        self
    }

    /// Whether anything may still come.
    pub(super) fn is_open(&self) -> bool {
        !self.streams.is_empty()
    }

    /// What to wait for: output, unless the client does not take what it has got already, and room for input.
    pub(super) fn fds<'a>(&'a self, client: Option<&Client>) -> Vec<PollFd<'a>> {
        let mut fds = Vec::new();
        if !client.is_some_and(Client::is_full) {
            fds.extend(self.streams.iter().map(|stream| readable(stream.from.as_fd())));
        }
        if client.is_some_and(Client::has_input) {
            fds.extend(self.stdin.iter().map(|stdin| PollFd::new(stdin.as_fd(), PollFlags::POLLOUT)));
        }
        fds
    }

    /// Moves what has come, both ways.
    pub(super) fn pump(&mut self, reporter: &mut Reporter, mut client: Option<&mut Client>) {
        if let Some(client) = client.as_deref_mut() {
            client.pump();
            self.feed(client);
        }
        self.streams.retain_mut(|stream| {
            for _ in 0..CHUNKS_AT_ONCE {
                if client.as_deref().is_some_and(Client::is_full) {
                    return true;
                }
                let mut chunk = [0; CHUNK_BYTES];
                match stream.from.read(&mut chunk) {
                    Ok(0) => return false,
                    Ok(length) => deliver(&chunk[..length], stream, reporter, client.as_deref_mut()),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // A terminal whose other side is closed says EIO.
                    Err(_) => return false,
                }
            }
            true
        });
        if let Some(client) = client {
            client.pump();
        }
    }

    /// Hands the client's input to the dyno, as far as it takes it.
    fn feed(&mut self, client: &mut Client) {
        let Some(stdin) = &mut self.stdin else {
            client.input().clear();
            return;
        };
        while !client.input().is_empty() {
            match stdin.write(client.input()) {
                Ok(length) => drop(client.input().drain(..length)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The dyno has closed its input.
                Err(_) => client.input().clear(),
            }
        }
        if client.input_is_over() && !self.terminal {
            self.stdin = None;
        }
    }

    /// The last, unfinished lines.
    pub(super) fn finish(self, reporter: &mut Reporter, client: Option<&mut Client>) {
        if client.is_none() {
            for stream in self.streams {
                stream.lines.finish(|line| reporter.line_of_output(line));
            }
        }
    }
}

fn deliver(chunk: &[u8], stream: &mut Stream, reporter: &mut Reporter, client: Option<&mut Client>) {
    match client {
        // What an attached dyno prints goes to its client and not to the log, as on Heroku.
        Some(client) => client.send(chunk),
        None => {
            reporter.transcribe(chunk);
            stream.lines.push(chunk, |line| reporter.line_of_output(line));
        }
    }
}

fn nonblocking(fd: OwnedFd) -> io::Result<File> {
    let flags = OFlag::from_bits_truncate(fcntl(&fd, FcntlArg::F_GETFL)?);
    fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(fd.into())
}
