//! What a shim looks at while its dyno runs: whether it listens, and how much memory it uses.

use std::time::{Duration, Instant};

use logs::event;
use model::dyno::ExitReason;
use oci::container::{Listening, Running};

use super::report::Reporter;
use super::{Ending, ShimError};
use crate::job::Job;

/// How often a starting web dyno's port is looked at: often while most apps boot, then less.
const PORT_EVERY: Duration = Duration::from_millis(10);
const PORT_LATER_EVERY: Duration = Duration::from_millis(50);
const PORT_LATER_AFTER: Duration = Duration::from_secs(5);
/// How often memory is looked at.
const MEMORY_EVERY: Duration = Duration::from_secs(1);
/// How often R14 is repeated (Heroku: about 20 s).
const R14_EVERY: Duration = Duration::from_secs(20);
/// R15 is this many times the quota.
const R15_TIMES: u64 = 2;

pub(super) struct Watch {
    port: u16,
    boot_timeout: Duration,
    quota: u64,
    began: Instant,
    up: bool,
    loopback_only: bool,
    memory_at: Instant,
    r14_at: Option<Instant>,
}

impl Watch {
    pub(super) fn new(job: &Job) -> Self {
        let now = Instant::now();
        Self {
            port: job.address.port(),
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
        if !self.up && !ending {
            match running.is_listening(self.port) {
                Ok(Listening::Yes) => {
                    self.up = true;
                    reporter.up()?;
                }
                Ok(Listening::LoopbackOnly) => self.loopback_only = true,
                Ok(Listening::No) => {}
                Err(error) => reporter.complain(&format!("could not look at the port: {error}")),
            }
        }
        if !self.up && !ending && self.began.elapsed() >= self.boot_timeout {
            reporter.platform(&event::error_r10(self.boot_timeout.as_secs()));
            if self.loopback_only {
                let hint = format!(
                    "The process listens on 127.0.0.1:{0} only; bind 0.0.0.0:$PORT so that it can be reached",
                    self.port
                );
                reporter.platform(&hint);
                reporter.remember(&hint);
            }
            reporter.platform(&event::stopping_with_sigkill());
            return Ok(Some(ExitReason::BootTimeout));
        }
        if self.memory_at.elapsed() >= MEMORY_EVERY {
            self.memory_at = Instant::now();
            return Ok(self.look_at_memory(running, reporter));
        }
        Ok(None)
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
        }
        None
    }
}
