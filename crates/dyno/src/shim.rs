//! The supervisor of one dyno: a small single-threaded process that makes the container, owns its output, its exit
//! status and its terminal, and outlives the server.
//!
//! ```text
//!            (attached: wait for the client)
//!   job.json ──► container ──► Starting ──(binds $PORT)──► Up ──► process ends ──► Exited
//!                                 │ 60 s: R10, kill                  ▲
//!                                 └──── stop: SIGTERM, 30 s, SIGKILL ┘
//! ```
//! It needs nobody: output goes to the log spool, changes to `status.json`, and a lost server changes nothing. It knows
//! no store and decides nothing about restarts.

mod attach;
mod output;
mod report;
mod watch;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use logs::event;
use model::dyno::ExitReason;
use model::error::chain;
use model::time::Timestamp;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use oci::container::{self, Exit, Running};
use oci::runtime::CommandRuntime;
use oci::sandbox::{self, Sandbox};

use self::attach::Client;
use self::output::Output;
use self::report::{Command, Reporter};
use self::watch::Watch;
use crate::job::{self, Job, Phase};

/// How long output may still come after the process has ended and all others of the dyno were killed.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);

/// Why a shim could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ShimError {
    /// The job cannot be read.
    #[error("could not read the job in {dir}")]
    Job {
        /// The dyno's folder.
        dir: std::path::PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The container runtime is missing.
    #[error("no container runtime")]
    Runtime(#[from] oci::runtime::RuntimeError),
    /// The process could not be set apart.
    #[error("could not set the shim apart")]
    Enter(#[from] sandbox::EnterError),
    /// The log spool could not be begun.
    #[error("could not begin the log spool")]
    Spool(#[from] logs::spool::OpenError),
    /// A file or socket of the dyno's folder.
    #[error("could not {doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

pub(crate) fn io_error(doing: &'static str) -> impl FnOnce(io::Error) -> ShimError {
    move |cause| ShimError::Io { doing, cause }
}

/// Runs the job in `dir` to its end. To be called first thing in a process with one thread.
///
/// # Errors
/// When the job cannot be read or the process not be set apart. What goes wrong with the dyno itself is told in its
/// log and its status.
pub fn run(dir: &Path, now: impl Fn() -> Timestamp + 'static) -> Result<(), ShimError> {
    // A session of its own: the terminal of whoever started the server must not end dynos. It fails only if this
    // process leads one already.
    let _ = nix::unistd::setsid();
    let runtime = CommandRuntime::find()?;
    let sandbox = sandbox::enter(&runtime)?;
    let job: Job = job::read(dir, job::JOB).map_err(|cause| ShimError::Job { dir: dir.to_owned(), cause })?;
    let reporter = Reporter::open(dir, &job, Box::new(now))?;
    Shim { dir: dir.to_owned(), job, runtime, sandbox, reporter }.live()
}

struct Shim {
    dir: std::path::PathBuf,
    job: Job,
    runtime: CommandRuntime,
    sandbox: Sandbox,
    reporter: Reporter,
}

/// Why the shim itself ends the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It was told to; SIGTERM was sent, SIGKILL follows at this time.
    Stopping { kill_at: Instant },
    /// SIGKILL was sent for this reason.
    Killed(ExitReason),
}

impl Shim {
    fn live(mut self) -> Result<(), ShimError> {
        let client = match self.job.attach_within {
            None => None,
            Some(within) => match self.await_client(within)? {
                Some(client) => Some(client),
                None => return Ok(()),
            },
        };
        self.reporter.platform(&event::starting_process(&self.job.command));
        self.reporter.status(Phase::Starting)?;
        match self.start(client.is_some()) {
            Ok((running, output)) => self.watch(running, output, client),
            Err(error) => {
                let said = chain(&error);
                self.reporter.platform(&event::error_r99(&said));
                self.reporter.line_of_output(&said);
                self.reporter.exited(1, ExitReason::NotStarted, "starting")
            }
        }
    }

    /// Waits for the client of an attached dyno; `None` when it ended without one.
    fn await_client(&mut self, within: Duration) -> Result<Option<Client>, ShimError> {
        let listener = attach::listen(&self.dir)?;
        self.reporter.platform(&event::awaiting_client());
        self.reporter.status(Phase::Awaiting)?;
        let deadline = Instant::now() + within;
        loop {
            if let Some(client) = Client::accept(&listener, self.job.container.terminal.is_some()) {
                return Ok(Some(client));
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                self.reporter.platform(&event::error_r13());
                self.reporter.exited(1, ExitReason::NotAttached, "starting")?;
                return Ok(None);
            };
            let mut fds: Vec<_> = self.reporter.fds().collect();
            fds.push(readable(listener.as_fd()));
            wait(&mut fds, left.min(Duration::from_secs(1)));
            if self.reporter.serve().contains(&Command::Stop) {
                self.reporter.exited(143, ExitReason::Stopped, "starting")?;
                return Ok(None);
            }
        }
    }

    fn start(&mut self, attached: bool) -> Result<(Running, Output), container::RunError> {
        let terminal = self.job.container.terminal.is_some();
        let (stdio, output) = Output::streams(terminal, attached)
            .map_err(|cause| container::RunError::Make { path: self.dir.join("streams"), cause })?;
        let running = container::run(&self.sandbox, &self.job.container, stdio, &self.runtime)?;
        for warning in running.warnings() {
            self.reporter.complain(warning);
        }
        let output = output.with_terminal(running.terminal());
        Ok((running, output))
    }

    /// The dyno's life, from its start to its end.
    fn watch(
        mut self,
        mut running: Running,
        mut output: Output,
        mut client: Option<Client>,
    ) -> Result<(), ShimError> {
        let mut watch = Watch::new(&self.job);
        let mut ending = None;
        if !self.job.web {
            self.reporter.up()?;
        }
        let exit = loop {
            let mut fds = vec![readable(running.handle())];
            fds.extend(self.reporter.fds());
            fds.extend(output.fds(client.as_ref()));
            fds.extend(client.as_ref().and_then(Client::fd));
            let client_wait = client.as_ref().map_or(Duration::MAX, Client::wait);
            wait(&mut fds, watch.wait(ending).min(client_wait));
            drop(fds);
            output.pump(&mut self.reporter, client.as_mut());
            if let Some(exit) = running
                .poll_exit()
                .map_err(|error| ShimError::Io { doing: "wait for the process", cause: error.cause })?
            {
                break exit;
            }
            if self.reporter.serve().contains(&Command::Stop) && ending.is_none() {
                ending = Some(self.terminate(&running));
            }
            if let Some(reason) = watch.look(&running, &mut self.reporter, ending.is_some())? {
                self.kill(&running, reason, &mut ending);
            }
            if let Some(Ending::Stopping { kill_at }) = ending
                && Instant::now() >= kill_at
            {
                self.reporter.platform(&event::error_r12(self.job.stop_grace.as_secs()));
                self.reporter.platform(&event::stopping_rest_with_sigkill());
                self.kill(&running, ExitReason::Stopped, &mut ending);
            }
            if client.as_mut().is_some_and(|client| client.hang_up_due()) {
                self.reporter.platform(&event::client_closed());
                signal_all(&running, Signal::SIGHUP);
            }
        };
        self.end(running, output, client, exit, ending, watch.is_up())
    }

    fn terminate(&mut self, running: &Running) -> Ending {
        self.reporter.platform(&event::stopping_with_sigterm());
        signal_all(running, Signal::SIGTERM);
        Ending::Stopping { kill_at: Instant::now() + self.job.stop_grace }
    }

    fn kill(&mut self, running: &Running, reason: ExitReason, ending: &mut Option<Ending>) {
        *ending = Some(Ending::Killed(reason));
        if let Err(error) = running.kill_all() {
            self.reporter.complain(&chain(&error));
        }
    }

    /// The process has ended: the last output is taken, nothing is left behind, and the end is told.
    fn end(
        mut self,
        running: Running,
        mut output: Output,
        mut client: Option<Client>,
        exit: Exit,
        ending: Option<Ending>,
        was_up: bool,
    ) -> Result<(), ShimError> {
        if let Err(error) = running.kill_all() {
            self.reporter.complain(&chain(&error));
        }
        let deadline = Instant::now() + DRAIN_WITHIN;
        while output.is_open() && Instant::now() < deadline {
            let mut fds = output.fds(client.as_ref());
            fds.extend(client.as_ref().and_then(Client::fd));
            wait(&mut fds, Duration::from_millis(50));
            drop(fds);
            output.pump(&mut self.reporter, client.as_mut());
        }
        output.finish(&mut self.reporter, client.as_mut());
        if let Some(client) = client {
            client.close();
        }
        let reason = match ending {
            Some(Ending::Stopping { .. }) => ExitReason::Stopped,
            Some(Ending::Killed(reason)) => reason,
            None if exit.oom_killed && exit.status.shell_code() == 137 => ExitReason::Memory,
            None => ExitReason::OwnAccord,
        };
        if let Err(error) = running.delete(&self.runtime) {
            self.reporter.complain(&chain(&error));
        }
        if exit.oom_killed {
            self.reporter.platform(&event::error_r15());
        }
        self.reporter.exited(exit.status.shell_code(), reason, if was_up { "up" } else { "starting" })
    }
}

/// Sends a signal to every process of the dyno but its init, which passes signals on by itself: an app would get it
/// twice.
fn signal_all(running: &Running, signal: Signal) {
    for pid in running.pids().unwrap_or_default() {
        if pid != running.pid() {
            // A process that ended in between needs no signal.
            let _ = kill(pid, signal);
        }
    }
}

fn readable(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::POLLIN)
}

/// Waits until one of `fds` has something, or `at_most` has passed.
fn wait(fds: &mut [PollFd<'_>], at_most: Duration) {
    let timeout = PollTimeout::try_from(at_most).unwrap_or(PollTimeout::MAX);
    // An interrupted wait is a short wait.
    let _ = poll(fds, timeout);
}
