//! A developer at a machine: a home folder, a working copy, git and the official `heroku` command, pointed at the server
//! the way the guide says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::command::{Ran, Running};
use crate::server::{HOKKU, Server};
use crate::terminal::{Size, Terminal};

pub(crate) struct Developer {
    home: TempDir,
    work: PathBuf,
    environment: Vec<(String, String)>,
}

impl Developer {
    /// With a copy of one of the repository's sample apps, committed.
    pub(crate) fn new(server: &Server, sample: &str) -> Self {
        Self::with_exports(server, sample, "")
    }

    /// One who has not been given a token.
    pub(crate) fn without_token(server: &Server, sample: &str) -> Self {
        Self::with_exports(server, sample, "--no-token")
    }

    fn with_exports(server: &Server, sample: &str, option: &str) -> Self {
        let developer = Self::with_a_folder(server, sample, option);
        developer.git(&["init", "-q", "-b", "main"]).ok();
        developer.commit("begin");
        developer
    }

    /// One who has not been given a token, and has a copy of a sample app that is no repository yet.
    pub(crate) fn at_the_beginning(server: &Server, sample: &str) -> Self {
        Self::with_a_folder(server, sample, "--no-token")
    }

    fn with_a_folder(server: &Server, sample: &str, option: &str) -> Self {
        let home = tempfile::tempdir().expect("a home folder");
        let work = home.path().join("work");
        let environment = environment(home.path(), server, option);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps").join(sample), &work);
        Self { home, work, environment }
    }

    /// Sets a variable of the developer's shell.
    pub(crate) fn export(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable out of the developer's shell.
    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.retain(|(have, _)| have != name);
    }

    /// Makes whatever opens a page in a browser write its address into a file of this name at home.
    pub(crate) fn note_opened_pages(&mut self, name: &str) -> PathBuf {
        let pages = self.home.path().join(name);
        let text = format!("echo \"$1\" >'{0}.new' && mv '{0}.new' '{0}'", pages.display());
        self.export_program("BROWSER", &text);
        pages
    }

    /// Sets a variable of the developer's shell to a program: a line of shell, with what it is given as `$1`.
    pub(crate) fn export_program(&mut self, name: &str, line: &str) {
        let script = self.home.path().join(name.to_lowercase());
        fs::write(&script, format!("#!/bin/sh\n{line}\n")).expect("a script");
        fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("it can be run");
        self.export(name, script.to_str().expect("a plain path"));
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.work).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    /// Changes a file of the working copy.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.work.join(name), text).expect("the working copy can be written");
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]).ok();
        self.git(&["commit", "-q", "-m", message]).ok();
    }

    /// The version that the app `hello` shows.
    pub(crate) fn commit_version(&self, version: &str) {
        self.write("version.py", &format!("VERSION = \"{version}\"\n"));
        self.commit(version);
    }

    /// Any program, as the developer would run it.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Ran {
        Running::start(&mut self.command(program, args)).end()
    }

    /// One statement over TLS, its rows alone; the first error ends it.
    pub(crate) fn psql(&self, url: &str, sql: &str) -> Ran {
        self.run("psql", &[&format!("{url}?sslmode=require"), "-v", "ON_ERROR_STOP=1", "-Atc", sql])
    }

    /// Any program, going on while the test does other things.
    pub(crate) fn start(&self, program: &str, args: &[&str]) -> Running {
        Running::start(&mut self.command(program, args))
    }

    pub(crate) fn git(&self, args: &[&str]) -> Ran {
        self.run("git", args)
    }

    pub(crate) fn heroku(&self, args: &[&str]) -> Ran {
        self.run("heroku", args)
    }

    /// `heroku`, with something to read.
    pub(crate) fn heroku_reading(&self, args: &[&str], input: &str) -> Ran {
        let file = self.home.path().join("input");
        fs::write(&file, input).expect("a file");
        let input = Stdio::from(fs::File::open(&file).expect("the file just written"));
        Running::start_reading(&mut self.command("heroku", args), input).end()
    }

    /// `heroku`, going on while the test does other things.
    pub(crate) fn start_heroku(&self, args: &[&str]) -> Running {
        Running::start(&mut self.command("heroku", args))
    }

    /// A line of shell in a terminal of this size.
    pub(crate) fn shell_in_terminal(&self, line: &str, size: Size) -> Terminal {
        Terminal::start_sized(&self.command("bash", &["-c", line]), size)
    }

    /// `heroku` in a terminal.
    pub(crate) fn heroku_in_terminal(&self, args: &[&str]) -> Terminal {
        Terminal::start(&self.command("heroku", args))
    }

    /// A remote as `heroku git:remote` makes it, faster.
    pub(crate) fn add_remote(&self, server: &Server, app: &str) {
        let url = format!("https://localhost:{}/{app}.git", server.port());
        self.git(&["remote", "add", "heroku", &url]).ok();
        let helper = format!("!f() {{ echo username=heroku; echo password={}; }}; f", server.token());
        self.git(&["config", "credential.helper", &helper]).ok();
    }

    pub(crate) fn push(&self) -> Ran {
        self.git(&["push", "heroku", "main"])
    }

    pub(crate) fn start_push(&self) -> Running {
        Running::start(&mut self.command("git", &["push", "heroku", "main"]))
    }

    /// The commit that the platform's `main` is at; empty when there is none.
    pub(crate) fn pushed(&self) -> String {
        let refs = self.git(&["ls-remote", "heroku", "refs/heads/main"]).ok().out;
        refs.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// The commit that is checked out.
    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).ok().out.trim().to_owned()
    }
}

/// What a shell has after `eval "$(hokku env)"`, and nothing of the test's own.
fn environment(home: &Path, server: &Server, option: &str) -> Vec<(String, String)> {
    let script =
        format!("eval \"$('{HOKKU}' env --data-dir '{}' {option})\" && env -0", server.dir().display());
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).env_clear().env("HOME", home).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    shell.env("PATH", search_path());
    for role in ["AUTHOR", "COMMITTER"] {
        shell.env(format!("GIT_{role}_NAME"), "Jane").env(format!("GIT_{role}_EMAIL"), "jane@example.com");
        shell.env(format!("GIT_{role}_DATE"), "2026-01-01T00:00:00Z");
    }
    shell.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("GIT_ADVICE", "0");
    let printed = Running::start(&mut shell).end().ok().out;
    let pairs = printed.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// `PATH`, on which `cargo xtask test` has put the `heroku` command.
fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").expect("a PATH")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("an entry");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "__pycache__" || entry.file_name() == "staticfiles" {
            continue;
        }
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).expect("a copy");
        }
    }
}
