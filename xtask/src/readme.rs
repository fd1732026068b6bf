//! `cargo xtask readme`: does the README tell the truth? Runs every command of its `console` blocks, in order, in one
//! shell, against a server that the README itself starts, with the real `heroku` and git.
//!
//! In such a block `$ ` begins a command and `> ` goes on with it; the other lines are what it prints. Of the output
//! a README shows what matters: each shown line must come, in order, with `…` standing for anything, and lines in
//! between may be left out. A command must end well, and one that ends in `&` must print what is shown and go on.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use crate::run::{Outcome, lives, not, root, say, signal, wait_until};
use crate::server::{as_nobody, build, free_port};
use crate::setup;

/// Longest that a command may take; a first push downloads packages.
const COMMAND_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Longest that a build of Hokku and its first start may take: that makes the stack base, from Debian's mirror.
const START_LIMIT: Duration = Duration::from_secs(20 * 60);
/// Longest that the server may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(180);
/// The port that the README speaks of; a test takes one that is free.
const PORT: &str = "5443";

/// A command of the README.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    /// Where it stands, counted from 1.
    line: usize,
    command: String,
    /// What is shown of its output.
    shown: Vec<String>,
}

/// Runs the README's commands.
pub(crate) fn readme() -> Outcome {
    let tools = setup::setup()?;
    build()?;
    let text = fs::read_to_string(root().join("README.md")).map_err(not("read", Path::new("README.md")))?;
    let port = free_port()?;
    let steps = steps(&text.replace(PORT, &port.to_string()));
    // A short path: there are sockets below it.
    let dir = std::env::temp_dir().join(format!("hokku-readme-{}", std::process::id()));
    fs::create_dir_all(dir.join("home")).map_err(not("make", &dir))?;
    let mut shell = Shell::start(&dir, port, &tools)?;
    let began = Instant::now();
    let run = steps.iter().enumerate().try_for_each(|(number, step)| shell.run(number, step));
    let ended = shell.end();
    fs::remove_dir_all(&dir).map_err(not("remove", &dir))?;
    run.and(ended)?;
    say(&format!("   {} commands of README.md ran in {} s", steps.len(), began.elapsed().as_secs()));
    Ok(())
}

/// The commands of the `console` blocks.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = !inside && line == "```console";
        } else if !inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: number + 1, command: command.to_owned(), shown: Vec::new() });
        } else if let (Some(more), Some(step)) = (line.strip_prefix("> "), steps.last_mut()) {
            step.command.push('\n');
            step.command.push_str(more);
        } else if let Some(step) = steps.last_mut().filter(|_| !line.is_empty()) {
            step.shown.push(line.trim_end().to_owned());
        }
    }
    steps
}

/// The first shown line that the output lacks, if any.
fn missing<'shown>(shown: &'shown [String], output: &str) -> Option<&'shown String> {
    let mut lines = output.lines();
    shown.iter().find(|pattern| !lines.any(|line| matches(pattern, line.trim_end())))
}

/// Whether a line is as shown, with `…` for anything.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('…') else { return pattern == line };
    let (middle, last) = rest.rsplit_once('…').unwrap_or(("", rest));
    let Some(mut line) = line.strip_prefix(first).and_then(|line| line.strip_suffix(last)) else {
        return false;
    };
    middle.split('…').all(|part| line.find(part).map(|at| line = &line[at + part.len()..]).is_some())
}

/// One bash for the whole README, as one person has one terminal.
struct Shell {
    dir: PathBuf,
    bash: Child,
    input: ChildStdin,
}

impl Shell {
    fn start(dir: &Path, port: u16, tools: &setup::Tools) -> Outcome<Self> {
        let mut bash = as_nobody("bash", &dir.join("home"));
        let owner = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        for (name, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            bash.env(name, std::env::var_os(name).map_or_else(|| owner.join(usual), PathBuf::from));
        }
        // The README's own server, apart from one that may run here with the usual settings.
        bash.env("HOKKU_DATA_DIR", dir.join("data")).env("HOKKU_LISTEN", format!("127.0.0.1:{port}"));
        bash.env("HOKKU_CACHE_DIR", setup::cache()).env("HOKKU_UV", &tools.uv);
        bash.env("HOKKU_PYTHON_DIR", owner.join(".pyenv/versions"));
        let said = File::create(dir.join("bash.out")).map_err(not("make a file in", dir))?;
        let log = said.try_clone().map_err(not("use a file in", dir))?;
        bash.args(["--noprofile", "--norc"]).current_dir(root());
        let mut bash = bash
            .stdin(Stdio::piped())
            .stdout(said)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("could not start bash: {error}"))?;
        let input = bash.stdin.take().ok_or("bash has no input")?;
        Ok(Self { dir: dir.to_owned(), bash, input })
    }

    fn run(&mut self, number: usize, step: &Step) -> Outcome {
        let Step { line, command, shown } = step;
        say(&format!("   $ {command}"));
        let began = Instant::now();
        let (out, status) =
            (self.dir.join(format!("{number}.out")), self.dir.join(format!("{number}.status")));
        let (out_path, status_path) = (out.display(), status.display());
        let background = command.ends_with('&');
        // In this shell itself, so that `cd` and `eval` last; the status appears in one step.
        let script = format!(
            "{{ {command}\n}} >{out_path} 2>&1 </dev/null\necho $? >{status_path}.new; {}mv {status_path}.new {status_path}\n",
            if background { format!("echo $! >{}/server.pid; ", self.dir.display()) } else { String::new() }
        );
        let failed = |what: String| {
            let output = fs::read_to_string(&out).unwrap_or_default();
            Err(format!("README.md:{line}: `{command}` {what}; it printed:\n{output}"))
        };
        if let Err(error) = self.input.write_all(script.as_bytes()) {
            return failed(format!("could not be run: {error}"));
        }
        let output = || fs::read_to_string(&out).unwrap_or_default();
        let bash = self.bash.id();
        let limit = if background || command.starts_with("cargo ") { START_LIMIT } else { COMMAND_LIMIT };
        let ended = wait_until(limit, || {
            let more = background && missing(shown, &output()).is_some() && self.process().is_none_or(lives);
            Ok(!lives(bash) || status.exists() && !more)
        })?;
        let code = fs::read_to_string(&status).unwrap_or_default();
        if !ended {
            return failed(format!("did not end within {} s", limit.as_secs()));
        }
        if code.trim() != "0" {
            return failed(format!("ended with status {}", code.trim()));
        }
        if let Some(line) = missing(shown, &output()) {
            return failed(format!("did not print `{line}`"));
        }
        if began.elapsed() > Duration::from_secs(5) {
            say(&format!("     {:.1} s", began.elapsed().as_secs_f64()));
        }
        Ok(())
    }

    /// The server that the README started.
    fn process(&self) -> Option<u32> {
        fs::read_to_string(self.dir.join("server.pid")).ok()?.trim().parse().ok()
    }

    /// Ends the shell and, if the README did not, the server.
    fn end(mut self) -> Outcome {
        drop(self.input);
        let server =
            fs::read_to_string(self.dir.join("server.pid")).ok().and_then(|pid| pid.trim().parse().ok());
        if let Some(process) = server.filter(|process| lives(*process)) {
            signal("TERM", &process.to_string())?;
            if !wait_until(STOP_LIMIT, || Ok(!lives(process)))? {
                signal("KILL", &process.to_string())?;
                return Err(format!(
                    "the README's server, process {process}, did not end within {} s",
                    STOP_LIMIT.as_secs()
                ));
            }
        }
        // It has nothing left to read; a command that hangs goes with it.
        let _ = self.bash.kill();
        let _ = self.bash.wait();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
