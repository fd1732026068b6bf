//! A `hokku server` of the project's own: in a folder of its own, with a `HOME` of its own for git and the `heroku`
//! command, so that nothing of the person who runs it is touched.
//!
//! It goes on when we end, with none of our files open. The process is known by a file with its number.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::run::{Outcome, lives, not, output, root, run, say, signal, wait_until};
use crate::setup::{self, Tools};

/// The first port to try, and how many pairs of ports after it. The next port of a pair is for `heroku run`.
const PORT: u16 = 5443;
const PORT_PAIRS: u16 = 50;
/// The first start on a machine makes the stack base from Debian's mirror: minutes when that is slow.
const START_LIMIT: Duration = Duration::from_secs(45 * 60);
/// Dynos get 30 s to end, and more than one thing ends.
const STOP_LIMIT: Duration = Duration::from_secs(180);

/// Closes every file that we were given and starts a session, so that neither a closed pipe nor a closed terminal
/// reaches the server.
const DETACHED: &str =
    r#"for fd in $(ls /proc/$$/fd); do [ "$fd" -le 2 ] || eval "exec $fd>&-"; done; exec setsid -- "$@""#;

/// The folder of a server and what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    dir: PathBuf,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    place: Place,
    tools: Tools,
    /// Where it serves.
    pub(crate) port: u16,
    exports: BTreeMap<String, String>,
}

/// Builds the program and tells where it is.
pub(crate) fn build() -> Outcome<PathBuf> {
    run(Command::new("cargo").current_dir(root()).args(["build", "--quiet", "--package", "hokku"]))?;
    Ok(programs().join("hokku"))
}

/// Where cargo puts what it builds.
pub(crate) fn programs() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root().join(target).join("debug")
}

/// The first port that is free together with the next one.
pub(crate) fn free_port() -> Outcome<u16> {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut ports = (0..PORT_PAIRS).map(|pair| PORT + 2 * pair);
    ports.find(|port| free(*port) && free(port + 1)).ok_or_else(|| format!("no free port from {PORT} on"))
}

/// A command that sees nothing of the person's own git and Heroku settings.
pub(crate) fn as_nobody(program: impl AsRef<std::ffi::OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    let theirs =
        |name: &str| ["HEROKU_", "GIT_", "XDG_", "HOKKU_"].iter().any(|start| name.starts_with(start));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(theirs)) {
        command.env_remove(name);
    }
    command.env("HOME", home).env("GIT_TERMINAL_PROMPT", "0").env("NO_COLOR", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "A Developer");
        command.env(format!("GIT_{role}_EMAIL"), "developer@example.com");
    }
    command
}

impl Place {
    /// Makes the folder.
    pub(crate) fn open(dir: &Path) -> Outcome<Self> {
        fs::create_dir_all(dir.join("home")).map_err(not("make", dir))?;
        let dir = dir.canonicalize().map_err(not("open", dir))?;
        Ok(Self { dir })
    }

    /// A file or folder in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The folder that is the server's.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The number of the server's process, if one runs here.
    pub(crate) fn process(&self) -> Option<u32> {
        let process = fs::read_to_string(self.path("server.pid")).ok()?.trim().parse().ok()?;
        // Numbers are used again: it must be a server on our folder.
        let command = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        let data = self.data();
        let ours = command.split(|byte| *byte == 0).any(|word| word == data.as_os_str().as_encoded_bytes());
        (ours && lives(process)).then_some(process)
    }

    /// A running server is taken up, or replaced without an interruption if the program has changed; else one starts.
    pub(crate) fn serve(self, hokku: &Path, tools: &Tools) -> Outcome<Server> {
        let changed = self.take_program(hokku)?;
        match self.process() {
            Some(process) if !changed => say(&format!("   it runs already: process {process}")),
            Some(process) => {
                say(&format!(
                    "   the program has changed: SIGHUP to process {process}, apps go on, a new one takes up"
                ));
                self.end(process, "HUP")?;
                self.start(self.port()?, tools)?;
            }
            None => {
                let port = self.port().ok().filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
                let port = port.map_or_else(free_port, Ok)?;
                self.start(port, tools)?;
            }
        }
        let exports = self.exports()?;
        Ok(Server { port: self.port()?, exports, tools: tools.clone(), place: self })
    }

    /// The program is kept here, because cargo replaces its own at the next build. Tells whether it is another one.
    fn take_program(&self, built: &Path) -> Outcome<bool> {
        let (bin, kept) = (self.path("bin"), self.path("bin/hokku"));
        let new = fs::read(built).map_err(not("read", built))?;
        if fs::read(&kept).is_ok_and(|old| old == new) {
            return Ok(false);
        }
        fs::create_dir_all(&bin).map_err(not("make", &bin))?;
        let half = kept.with_extension("new");
        fs::copy(built, &half).map_err(not("write", &half))?;
        fs::rename(&half, &kept).map_err(not("write", &kept))?;
        Ok(true)
    }

    fn port(&self) -> Outcome<u16> {
        let path = self.path("port");
        let text = fs::read_to_string(&path).map_err(not("read", &path))?;
        text.trim().parse().map_err(|_| format!("{} holds no port", path.display()))
    }

    fn start(&self, port: u16, tools: &Tools) -> Outcome {
        let path = self.path("server.log");
        let log = || File::options().create(true).append(true).open(&path).map_err(not("open", &path));
        let mut told = log()?.metadata().map_err(not("read", &path))?.len();
        let mut command = Command::new("bash");
        command.args(["-c", DETACHED, "bash"]).arg(self.path("bin/hokku")).arg("server");
        command.arg("--data-dir").arg(self.data()).args(["--listen", &format!("127.0.0.1:{port}")]);
        command
            .env("PATH", tools.search_path())
            .env("HOKKU_UV", &tools.uv)
            .env("HOKKU_CACHE_DIR", setup::cache());
        command.env("NO_COLOR", "1").current_dir("/");
        command.stdin(Stdio::null()).stdout(log()?).stderr(log()?);
        let mut child = command.spawn().map_err(|error| format!("could not start the server: {error}"))?;
        self.note("server.pid", child.id())?;
        self.note("port", port)?;
        let serves = wait_until(START_LIMIT, || {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("the server ended: {status}; its log is {}", path.display()));
            }
            let news = unread(&path, &mut told)?;
            news.lines().for_each(|line| say(&format!("   | {line}")));
            Ok(news.contains("Hokku serves at"))
        });
        if serves? {
            Ok(())
        } else {
            Err(format!("the server does not get ready; its log is {}", path.display()))
        }
    }

    fn note(&self, name: &str, number: impl ToString) -> Outcome {
        let path = self.path(name);
        fs::write(&path, format!("{}\n", number.to_string())).map_err(not("write", &path))
    }

    /// Ends the server with a signal and waits for it.
    pub(crate) fn end(&self, process: u32, name: &str) -> Outcome {
        signal(name, &process.to_string())?;
        if wait_until(STOP_LIMIT, || Ok(!lives(process)))? {
            return Ok(());
        }
        Err(format!("process {process} does not end; its log is {}", self.path("server.log").display()))
    }

    /// What `hokku env` says.
    fn exports(&self) -> Outcome<BTreeMap<String, String>> {
        let text =
            output(Command::new(self.path("bin/hokku")).arg("env").arg("--data-dir").arg(self.data()))?;
        Ok(text.lines().filter_map(export).collect())
    }
}

impl Server {
    /// The server's folder.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The authority that signed the certificates here.
    pub(crate) fn ca(&self) -> PathBuf {
        self.place.data().join("tls/ca.pem")
    }

    /// A program such as git, curl or `heroku` that talks to this server, in `dir`.
    pub(crate) fn client(&self, program: &str, dir: &Path) -> Command {
        let mut command = as_nobody(program, &self.place.path("home"));
        command.env("PATH", self.tools.search_path()).envs(&self.exports).current_dir(dir);
        command
    }
}

/// `export NAME='value'`, in which a quote is written `'\''`.
fn export(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    Some((name.to_owned(), value.replace(r"'\''", "'")))
}

/// The whole lines that a log got since `told`.
fn unread(path: &Path, told: &mut u64) -> Outcome<String> {
    let mut text = Vec::new();
    let mut file = File::open(path).map_err(not("read", path))?;
    file.seek(SeekFrom::Start(*told)).and_then(|_| file.read_to_end(&mut text)).map_err(not("read", path))?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    *told += whole as u64;
    Ok(String::from_utf8_lossy(&text[..whole]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::export;

    #[test]
    fn exports_are_read_as_a_shell_reads_them() {
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(
            export("export HEROKU_HOST='https://localhost:5443'"),
            pair("HEROKU_HOST", "https://localhost:5443")
        );
        assert_eq!(export(r"export A='it'\''s'"), pair("A", "it's"));
        assert_eq!(export("# a remark"), None);
    }
}
