//! What a shim looks at while its dyno runs: whether it serves, and how much memory it uses.
//!
//! A server that listens need not be ready: gunicorn binds first and loads the app then, and if that fails it ends. So a
//! web dyno is up when it has *accepted* a connection, which is made here, carries nothing, and is closed at once.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use doctor::diagnosis::{End, Listens};
use logs::event;
use model::dyno::ExitReason;
use oci::container::{Arrival, Listening, Running};

use super::report::Reporter;
use super::{Ending, ShimError};
use crate::job::Job;

/// How often a starting web dyno's port is looked at: often while most apps boot, then less.
const PORT_EVERY: Duration = Duration::from_millis(10);
const PORT_LATER_EVERY: Duration = Duration::from_millis(50);
const PORT_LATER_AFTER: Duration = Duration::from_secs(5);
/// How long the kernel may take to make the connection by which we see whether the dyno accepts one.
const KNOCK_WITHIN: Duration = Duration::from_millis(200);
/// A connection that is nowhere to be seen for so long will not be: its server takes none without data.
const UNSEEN_FOR: Duration = Duration::from_secs(1);
/// How often memory is looked at.
const MEMORY_EVERY: Duration = Duration::from_secs(1);
/// How often R14 is repeated (Heroku: about 20 s).
const R14_EVERY: Duration = Duration::from_secs(20);
/// R15 is this many times the quota.
const R15_TIMES: u64 = 2;

pub(super) struct Watch {
    address: SocketAddrV4,
    /// A connection that waits to be accepted.
    knock: Option<Knock>,
    boot_timeout: Duration,
    quota: u64,
    began: Instant,
    up: bool,
    loopback_only: bool,
    memory_at: Instant,
    r14_at: Option<Instant>,
}

/// A connection that is only made to be accepted.
struct Knock {
    stream: TcpStream,
    from: u16,
    made: Instant,
}

/// How the other side has ended a connection.
enum Hangup {
    /// In the orderly way, which only who accepted it can.
    Closed,
    /// By ending itself.
    Reset,
}

impl Knock {
    fn at(address: SocketAddrV4) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&SocketAddr::V4(address), KNOCK_WITHIN)?;
        stream.set_nonblocking(true)?;
        let from = stream.local_addr()?.port();
        Ok(Self { stream, from, made: Instant::now() })
    }

    fn hangup(&self) -> Option<Hangup> {
        match self.stream.peek(&mut [0]) {
            Ok(_) => Some(Hangup::Closed),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => None,
            Err(_) => Some(Hangup::Reset),
        }
    }
}

impl Watch {
    pub(super) fn new(job: &Job) -> Self {
        let now = Instant::now();
        Self {
            address: job.address,
            knock: None,
            boot_timeout: job.boot_timeout,
            quota: job.memory_bytes,
            began: now,
            up: !job.web,
            loopback_only: false,
            memory_at: now,
            r14_at: None,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.up
    }

    /// How long nothing needs to be looked at.
    pub(super) fn wait(&self, ending: Option<Ending>) -> Duration {
        let until_kill = match ending {
            Some(Ending::Stopping { kill_at }) => kill_at.saturating_duration_since(Instant::now()),
            _ => MEMORY_EVERY,
        };
        let until_look = match self.up {
            true => MEMORY_EVERY,
            false if self.began.elapsed() < PORT_LATER_AFTER => PORT_EVERY,
            false => PORT_LATER_EVERY,
        };
        until_look.min(until_kill)
    }

    /// Looks, and tells; the answer is why the dyno must be killed, if it must.
    pub(super) fn look(
        &mut self,
        running: &Running,
        reporter: &mut Reporter,
        ending: bool,
    ) -> Result<Option<ExitReason>, ShimError> {
        let is_late = self.began.elapsed() >= self.boot_timeout;
        if !self.up && !ending {
            match running.is_listening(self.address.port()) {
                // One that listens and is still busy when its time is over is up, as on Heroku.
                Ok(Listening::Yes) if is_late || self.accepts(running) => {
                    self.up = true;
                    self.knock = None;
                    reporter.up()?;
                }
                Ok(Listening::Yes) => {}
                Ok(Listening::LoopbackOnly) => self.loopback_only = true,
                Ok(Listening::No) => {}
                Err(error) => reporter.complain(&format!("could not look at the port: {error}")),
            }
        }
        if !self.up && !ending && is_late {
            reporter.platform(&event::error_r10(self.boot_timeout.as_secs()));
            reporter.diagnose(End::NotListening(self.listens(running)));
            reporter.platform(&event::stopping_with_sigkill());
            return Ok(Some(ExitReason::BootTimeout));
        }
        if self.memory_at.elapsed() >= MEMORY_EVERY {
            self.memory_at = Instant::now();
            return Ok(self.look_at_memory(running, reporter));
        }
        Ok(None)
    }

    /// Whether the dyno accepts connections. Where that cannot be seen, it is taken to.
    fn accepts(&mut self, running: &Running) -> bool {
        let Some(knock) = &self.knock else {
            return match Knock::at(self.address) {
                Ok(knock) => {
                    self.knock = Some(knock);
                    false
                }
                // It has just stopped to listen.
                Err(error) => error.kind() != ErrorKind::ConnectionRefused,
            };
        };
        match knock.hangup() {
            Some(Hangup::Closed) => return true,
            Some(Hangup::Reset) => {
                self.knock = None;
                return false;
            }
            None => {}
        }
        match running.arrival(self.address.port(), knock.from) {
            Ok(Arrival::Accepted) | Err(_) => true,
            Ok(Arrival::Waiting) => false,
            // Kept from us until there is data.
            Ok(Arrival::Unseen) => knock.made.elapsed() >= UNSEEN_FOR,
        }
    }

    /// What the process listens on instead of its port.
    fn listens(&self, running: &Running) -> Listens {
        if self.loopback_only {
            return Listens::Loopback(self.address.port());
        }
        // What cannot be seen is taken to be nothing.
        let ports = running.listening_ports().unwrap_or_default();
        ports.keys().next().map_or(Listens::Nowhere, |port| Listens::Port(*port))
    }

    fn look_at_memory(&mut self, running: &Running, reporter: &mut Reporter) -> Option<ExitReason> {
        // A group that is being removed cannot be read; its end is seen elsewhere.
        let used = running.memory().ok()?.charged();
        if used >= R15_TIMES * self.quota {
            reporter.platform(&event::memory_in_use(used, self.quota));
            reporter.platform(&event::error_r15());
            reporter.platform(&event::stopping_with_sigkill());
            return Some(ExitReason::Memory);
        }
        if used > self.quota && self.r14_at.is_none_or(|at| at.elapsed() >= R14_EVERY) {
            self.r14_at = Some(Instant::now());
            reporter.platform(&event::memory_in_use(used, self.quota));
            reporter.platform(&event::error_r14());
            reporter.diagnose(End::Memory);
        }
        None
    }
}
