//! The same steps by hand: what a person would type on this machine, without any platform, under the same load.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::poll::{self, Poller};
use super::push::PAGE;
use super::{Times, timed};
use crate::run::{Outcome, find, not, output, say};
use crate::setup::Tools;

/// Longest boot of the app.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// How long each step took by hand.
#[derive(Debug)]
pub(super) struct ByHand {
    pub(super) pip: Times,
    pub(super) uv: Times,
    pub(super) collectstatic: Times,
    pub(super) migrate: Times,
    pub(super) boot: Times,
}

/// The app's folder, its variables, and where by-hand work may be done.
pub(super) struct Bench<'a> {
    pub(super) app: &'a Path,
    pub(super) work: &'a Path,
    pub(super) variables: &'a [(String, String)],
    pub(super) tools: &'a Tools,
    pub(super) rounds: usize,
}

impl Bench<'_> {
    /// Does every step `rounds` times; pip's install, which takes most of a minute, once.
    pub(super) fn measure(&self) -> Outcome<ByHand> {
        let python = python(self.tools)?;
        say(&format!("== by hand, with {}", python.display()));
        let venv = self.work.join("venv");
        let pip = timed(|| {
            output(Command::new(&python).args(["-m", "venv"]).arg(&venv))?;
            let mut pip = Command::new(venv.join("bin/pip"));
            output(
                pip.args(["install", "--quiet", "--no-cache-dir", "-r"])
                    .arg(self.app.join("requirements.txt")),
            )
        })?;
        let uv = self.repeated(|round| {
            let venv = self.work.join(format!("uv-{round}"));
            let cache = self.work.join("uv-cache");
            let uv = || {
                let mut uv = Command::new(&self.tools.uv);
                uv.env("UV_CACHE_DIR", &cache);
                uv
            };
            let install = || {
                output(uv().args(["venv", "--quiet", "--clear", "--python"]).arg(&python).arg(&venv))?;
                let mut pip = uv();
                pip.args(["pip", "install", "--quiet", "--compile-bytecode", "--python"])
                    .arg(venv.join("bin/python"));
                output(pip.arg("-r").arg(self.app.join("requirements.txt")))
            };
            if round == 0 {
                install()?; // fills the cache: the store of built wheels is warm in what it is compared with
            }
            timed(install)
        })?;
        let manage = |words: &[&str]| {
            let mut manage = Command::new(venv.join("bin/python"));
            manage.current_dir(self.app).arg("manage.py").args(words).envs(self.variables.iter().cloned());
            manage
        };
        // As during a change: the old code serves the same client meanwhile.
        let gunicorn = venv.join("bin/gunicorn");
        let (_serving, port, _) = self.boot(&gunicorn)?;
        let client = Poller::start("localhost", port, PAGE);
        let collectstatic =
            self.repeated(|_| timed(|| output(&mut manage(&["collectstatic", "--noinput"]))))?;
        let migrate = self.repeated(|_| timed(|| output(&mut manage(&["migrate", "--noinput"]))))?;
        let boot = self.repeated(|_| self.boot(&gunicorn).map(|(_, _, took)| took))?;
        match client.end().iter().filter(|answer| answer.status != 200).count() {
            0 => Ok(ByHand { pip: Times::new(vec![pip]), uv, collectstatic, migrate, boot }),
            lost => Err(format!("{lost} requests were lost by hand, where nothing was changed")),
        }
    }

    fn repeated(&self, step: impl Fn(usize) -> Outcome<Duration>) -> Outcome<Times> {
        Ok(Times::new((0..self.rounds).map(step).collect::<Outcome<_>>()?))
    }

    /// A gunicorn, its port, and how long it took from exec to the first 200 with a database query.
    fn boot(&self, gunicorn: &Path) -> Outcome<(Stopped, u16, Duration)> {
        let port = crate::server::free_port()?;
        let mut command = Command::new(gunicorn);
        command.current_dir(self.app).args(["eventsite.wsgi", "--log-file", "-"]);
        command
            .envs(self.variables.iter().cloned())
            .env("PORT", port.to_string())
            .env("WEB_CONCURRENCY", "2");
        let log = fs::File::create(self.work.join("gunicorn.log")).map_err(not("write", self.work))?;
        let began = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut gunicorn = Stopped(child.map_err(|error| format!("could not start gunicorn: {error}"))?);
        while began.elapsed() < BOOT_LIMIT {
            if let Some(answer) = poll::once("localhost", port, PAGE).filter(|answer| answer.status == 200) {
                return Ok((gunicorn, port, answer.at - began));
            }
            if let Ok(Some(status)) = gunicorn.0.try_wait() {
                return Err(format!(
                    "gunicorn ended by hand: {status}; see {}",
                    self.work.join("gunicorn.log").display()
                ));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err("gunicorn did not answer by hand".to_owned())
    }
}

/// A child that ends when it is no longer needed.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _gone = crate::run::signal("TERM", &self.0.id().to_string());
        let _gone = self.0.wait();
    }
}

/// A Python 3.12 of this machine, else whatever `python3` is.
fn python(tools: &Tools) -> Outcome<PathBuf> {
    let found = output(Command::new(&tools.uv).args(["python", "find", "--offline", "3.12"])).ok();
    let known = found.map(|text| PathBuf::from(text.trim())).filter(|path| path.is_file());
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let versions = fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().flatten();
    let mut versions =
        versions.map(|entry| entry.path().join("bin/python3.12")).filter(|path| path.is_file());
    known
        .or_else(|| versions.next())
        .or_else(|| find("python3"))
        .ok_or_else(|| "there is no Python here".to_owned())
}
