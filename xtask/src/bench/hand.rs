//! The same steps by hand: what a person would type on this machine, without any platform, under the same load.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::poll::{self, Poller};
use super::push::PAGE;
use super::timed;
use crate::run::{Outcome, find, not, output, say};
use crate::setup::Tools;

/// Longest boot of the app.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// Where by-hand work is done, once its packages are installed.
pub(super) struct Hand<'a> {
    app: &'a Path,
    work: PathBuf,
    variables: Vec<(String, String)>,
    venv: PathBuf,
    /// pip's install, which takes most of a minute: once.
    pub(super) pip: Duration,
    /// uv's installs, from its cache.
    pub(super) uv: Vec<Duration>,
}

/// How long each step of the app itself took, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    pub(super) collectstatic: Duration,
    pub(super) migrate: Duration,
    /// gunicorn with two workers: from exec to the first 200 with a database query.
    pub(super) boot: Duration,
}

impl<'a> Hand<'a> {
    /// Installs the packages of the app in a folder `work`, with pip and `rounds` times with uv.
    pub(super) fn install(
        app: &'a Path,
        work: PathBuf,
        variables: Vec<(String, String)>,
        tools: &Tools,
        rounds: usize,
    ) -> Outcome<Self> {
        let python = python(tools)?;
        say(&format!("== by hand, with {}", python.display()));
        fs::create_dir_all(&work).map_err(not("make", &work))?;
        let venv = work.join("venv");
        let pip = timed(|| {
            output(Command::new(&python).args(["-m", "venv"]).arg(&venv))?;
            let mut pip = Command::new(venv.join("bin/pip"));
            output(pip.args(["install", "--quiet", "--no-cache-dir", "-r"]).arg(app.join("requirements.txt")))
        })?;
        let install = |round: usize| {
            let venv = work.join(format!("uv-{round}"));
            let uv = || {
                let mut uv = Command::new(&tools.uv);
                uv.env("UV_CACHE_DIR", work.join("uv-cache"));
                uv
            };
            output(uv().args(["venv", "--quiet", "--clear", "--python"]).arg(&python).arg(&venv))?;
            let mut pip = uv();
            pip.args(["pip", "install", "--quiet", "--compile-bytecode", "--python"])
                .arg(venv.join("bin/python"));
            output(pip.arg("-r").arg(app.join("requirements.txt")))
        };
        // Fills the cache: the store of built wheels is warm in what it is compared with.
        install(0)?;
        let uv = (1..=rounds).map(|round| timed(|| install(round))).collect::<Outcome<_>>()?;
        Ok(Self { app, work, variables, venv, pip, uv })
    }

    /// Every step once, as during a change: the old code serves the same client meanwhile.
    pub(super) fn steps(&self) -> Outcome<Steps> {
        let manage = |words: &[&str]| {
            let mut manage = Command::new(self.venv.join("bin/python"));
            manage.current_dir(self.app).arg("manage.py").args(words).envs(self.variables.iter().cloned());
            output(&mut manage)
        };
        let (_serving, port, _) = self.boot()?;
        let client = Poller::start("localhost", port, PAGE);
        let collectstatic = timed(|| manage(&["collectstatic", "--noinput"]))?;
        let migrate = timed(|| manage(&["migrate", "--noinput"]))?;
        let (_new, _, boot) = self.boot()?;
        match client.end().iter().filter(|answer| answer.status != 200).count() {
            0 => Ok(Steps { collectstatic, migrate, boot }),
            lost => Err(format!("{lost} requests were lost by hand, where nothing was changed")),
        }
    }

    /// A gunicorn, its port, and how long it took from exec to the first 200 with a database query.
    fn boot(&self) -> Outcome<(Stopped, u16, Duration)> {
        let port = crate::server::free_port()?;
        let mut command = Command::new(self.venv.join("bin/gunicorn"));
        command.current_dir(self.app).args(["eventsite.wsgi", "--log-file", "-"]);
        command
            .envs(self.variables.iter().cloned())
            .env("PORT", port.to_string())
            .env("WEB_CONCURRENCY", "2");
        let log = fs::File::create(self.work.join("gunicorn.log")).map_err(not("write", &self.work))?;
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
