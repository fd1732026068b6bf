//! What a shim tells: lines to the log, changes to `status.json`, and both to whoever listens at its socket.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use doctor::diagnosis::{Diagnosis, End, Listener};
use logs::event;
use logs::spool::{Limits, Writer};
use logs::transcript::{TranscriptWriter, Transcripts};
use model::dyno::ExitReason;
use model::error::chain;
use model::id::AppId;
use model::log::{Line, Source};
use model::time::Timestamp;
use nix::poll::PollFd;

use super::{ShimError, io_error, readable};
use crate::job::{self, Job, Phase, Status};

/// Lines of output remembered for the words of a failure, and their bytes.
const LAST_LINES_MAX: usize = 20;
const LAST_LINE_BYTES_MAX: usize = 500;
/// Servers listening at a time; there is one, and one that is being replaced.
const LISTENERS_MAX: usize = 4;
/// Longest command line.
const COMMAND_BYTES_MAX: usize = 64;

/// What a server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// End the process in the orderly way.
    Stop,
}

pub(super) struct Reporter {
    dir: PathBuf,
    app: AppId,
    dyno: String,
    life: u32,
    formation: bool,
    now: Box<dyn Fn() -> Timestamp>,
    spool: Writer,
    transcript: Option<TranscriptWriter>,
    listener: UnixListener,
    servers: Vec<UnixStream>,
    phase: Phase,
    last_lines: VecDeque<String>,
    doctor: Listener,
}

impl Reporter {
    pub(super) fn open(dir: &Path, job: &Job, now: Box<dyn Fn() -> Timestamp>) -> Result<Self, ShimError> {
        let spool = Writer::open(&job.spool_dir, &job.dyno, Limits::default())?;
        let app = job.app.parse().map_err(|_| ShimError::Job {
            dir: dir.to_owned(),
            cause: io::Error::new(ErrorKind::InvalidData, "the app's id is no UUID"),
        })?;
        let transcript = job
            .transcript
            .as_ref()
            .map(|(dir, id)| Transcripts::open(dir).and_then(|transcripts| transcripts.writer(id)));
        let transcript = transcript.transpose().map_err(|error| ShimError::Io {
            doing: "begin the transcript",
            cause: io::Error::other(error),
        })?;
        let reporter = Self {
            dir: dir.to_owned(),
            app,
            dyno: job.dyno.clone(),
            life: job.life,
            formation: job.formation,
            now,
            spool,
            transcript,
            listener: listen(dir, job::SOCKET)?,
            servers: Vec::new(),
            phase: Phase::Starting,
            last_lines: VecDeque::new(),
            doctor: Listener::new(&job.command, job.web),
        };
        // Whoever started us waits for this line: from now on we can be spoken to.
        io::stdout().write_all(b"ready\n").map_err(io_error("say that it is ready"))?;
        Ok(reporter)
    }

    /// A line of the dyno manager.
    pub(super) fn platform(&mut self, message: &str) {
        self.write(Source::Heroku, message);
    }

    /// A line that the dyno printed.
    pub(super) fn line_of_output(&mut self, message: &str) {
        self.remember(message);
        self.write(Source::App, message);
        if let Some(diagnosis) = self.doctor.line(message) {
            self.platform(&diagnosis.to_string());
        }
    }

    /// What the end of the process, or a trouble of its own, tells the doctor.
    pub(super) fn diagnose(&mut self, end: End) {
        if let Some(diagnosis) = self.doctor.end(end) {
            self.platform(&diagnosis.to_string());
        }
    }

    /// Keeps a line for the words of a failure.
    pub(super) fn remember(&mut self, message: &str) {
        if self.last_lines.len() == LAST_LINES_MAX {
            self.last_lines.pop_front();
        }
        let end = message.floor_char_boundary(LAST_LINE_BYTES_MAX);
        self.last_lines.push_back(message[..end].to_owned());
    }

    /// Output of a release command, as it came, for its transcript.
    pub(super) fn transcribe(&mut self, bytes: &[u8]) {
        let failed = self.transcript.as_mut().and_then(|transcript| transcript.append(bytes).err());
        if let Some(error) = failed {
            self.complain(&chain(&error));
            self.transcript = None;
        }
    }

    fn write(&mut self, source: Source, message: &str) {
        let line = Line { at: (self.now)(), source, process: self.dyno.clone(), message: message.to_owned() };
        if let Err(error) = self.spool.write(self.app, &line) {
            self.complain(&chain(&error));
        }
    }

    /// A trouble of the shim's own, for the operator; it goes to `shim.log`.
    pub(super) fn complain(&self, message: &str) {
        // There is nowhere to complain about this one.
        let _ = writeln!(io::stderr(), "{} {}: {message}", (self.now)(), self.dyno);
    }

    /// The process runs, and a web dyno listens.
    pub(super) fn up(&mut self) -> Result<(), ShimError> {
        self.platform(&event::state_changed("starting", "up"));
        self.status(Phase::Up)
    }

    /// The end of this life. Logs come first, so that who sees the end finds its lines.
    pub(super) fn exited(&mut self, status: i32, reason: ExitReason, from: &str) -> Result<(), ShimError> {
        self.platform(&event::process_exited(status));
        match reason {
            ExitReason::OwnAccord => self.diagnose(End::Status(status)),
            ExitReason::Memory => self.diagnose(End::Memory),
            _ => {}
        }
        match (self.formation, reason) {
            (true, ExitReason::Stopped) => {}
            (true, _) => self.platform(&event::state_changed(from, "crashed")),
            (false, _) => self.platform(&event::state_changed(from, "complete")),
        }
        if let Some(transcript) = self.transcript.take()
            && let Err(error) = transcript.finish()
        {
            self.complain(&chain(&error));
        }
        let last_lines = self.last_lines.iter().cloned().collect();
        let diagnosis = self.doctor.last().map(Diagnosis::lines);
        self.status(Phase::Exited { status, reason: reason.as_str().to_owned(), last_lines, diagnosis })
    }

    pub(super) fn status(&mut self, phase: Phase) -> Result<(), ShimError> {
        self.flush();
        self.phase = phase;
        job::write(&self.dir, job::STATUS, &self.present()).map_err(io_error("write the status"))?;
        let line = self.status_line();
        self.servers.retain_mut(|server| server.write_all(&line).is_ok());
        Ok(())
    }

    fn present(&self) -> Status {
        Status { life: self.life, phase: self.phase.clone() }
    }

    fn status_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(&self.present()).unwrap_or_default();
        line.push(b'\n');
        line
    }

    fn flush(&mut self) {
        if let Err(error) = self.spool.flush() {
            self.complain(&chain(&error));
        }
    }

    /// What to wait for on the servers' behalf.
    pub(super) fn fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        [self.listener.as_fd()].into_iter().chain(self.servers.iter().map(AsFd::as_fd)).map(readable)
    }

    /// Hands out what was written, lets servers in and takes their commands.
    pub(super) fn serve(&mut self) -> Vec<Command> {
        self.flush();
        while let Ok((mut server, _)) = self.listener.accept() {
            // A server that does not read is let go rather than waited for.
            let told = server.set_nonblocking(true).and_then(|()| server.write_all(&self.status_line()));
            if told.is_ok() && self.servers.len() < LISTENERS_MAX {
                self.servers.push(server);
            }
        }
        let mut commands = Vec::new();
        self.servers.retain_mut(|server| {
            let mut bytes = [0; COMMAND_BYTES_MAX];
            match server.read(&mut bytes) {
                Ok(0) => false,
                Ok(length) => {
                    let text = String::from_utf8_lossy(&bytes[..length]);
                    commands.extend(text.lines().filter(|line| *line == "stop").map(|_| Command::Stop));
                    true
                }
                Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
            }
        });
        commands
    }
}

/// Binds a socket in the dyno's folder; one that an earlier life left is replaced.
pub(super) fn listen(dir: &Path, name: &str) -> Result<UnixListener, ShimError> {
    let bind = || {
        match std::fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let folder = File::open(dir)?;
        let listener = UnixListener::bind(job::socket_path(&folder, name))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(io_error("listen at its socket"))
}
