//! The OCI runtime: the outside program that makes namespaces, applies limits and starts the command.
//!
//! The rest of the crate only knows the trait [`Runtime`]; [`CommandRuntime`] is `crun` or `runc` by
//! command line. Both are called with `run --detach`: the command becomes a child of the calling
//! process (a subreaper) once the runtime has ended.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use serde_json::Value;

use crate::sys;

/// Where runtimes are looked for; the environment is not asked.
const PROGRAM_DIRS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// `PATH` a runtime runs with; neither of the two needs anything from it but their manners.
const PROGRAM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What makes a bundle into a running process.
pub trait Runtime: std::fmt::Debug {
    /// The form in which it takes the system call filter.
    fn seccomp(&self) -> SeccompForm;
    /// Whether it refuses to run while a cgroup v2 hierarchy with controllers stands beside v1 ones.
    fn refuses_hybrid_cgroups(&self) -> bool;
    /// Starts the container of a bundle; the answer is its pid 1 as this process sees it, a child.
    fn run(&self, launch: Launch<'_>) -> Result<Pid, RuntimeError>;
    /// Forgets a container that has ended; forgetting an unknown one is fine.
    fn delete(&self, id: &str, state: &Path) -> Result<(), RuntimeError>;
}

/// The form in which a runtime takes the system call filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeccompForm {
    /// Ready BPF in the annotation `run.oci.seccomp_bpf_data`.
    Bpf,
    /// A profile in `linux.seccomp`.
    Json,
}

/// One start.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Name of the container.
    pub id: &'a str,
    /// Folder with the `config.json`.
    pub bundle: &'a Path,
    /// Folder for the runtime's own state of this container.
    pub state: &'a Path,
    /// The `cgroup.procs` of a cgroup for the runtime itself, so that nothing it starts is ever
    /// outside of a group of the container, whenever its shim is killed.
    pub nursery: File,
    /// Socket that is to receive the terminal, if the container has one.
    pub console: Option<&'a Path>,
    /// Standard input of the command.
    pub stdin: Stdio,
    /// Standard output of the command.
    pub stdout: Stdio,
    /// Standard error of the command.
    pub stderr: Stdio,
}

/// Why a runtime did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// None is installed.
    #[error("no OCI runtime found: `apt-get install crun`")]
    NotFound,
    /// It could not be started.
    #[error("could not run {program}")]
    Spawn {
        /// Which program.
        program: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// It ended with an error.
    #[error("{program} {step}: {message}")]
    Refused {
        /// Which program.
        program: PathBuf,
        /// `run` or `delete`.
        step: &'static str,
        /// Its own last words.
        message: String,
    },
    /// It reported success but no process.
    #[error("{program} named no process in {path}")]
    NoPid {
        /// Which program.
        program: PathBuf,
        /// The file that should hold the pid.
        path: PathBuf,
    },
}

/// Which of the two known command lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `crun`: 30 ms per start on our machines, and takes the filter as BPF.
    Crun,
    /// `runc`: 76 ms per start.
    Runc,
}

/// An OCI runtime by command line.
#[derive(Debug, Clone)]
pub struct CommandRuntime {
    kind: Kind,
    program: PathBuf,
}

impl CommandRuntime {
    /// Finds `crun`, else `runc`.
    pub fn find() -> Result<Self, RuntimeError> {
        Self::find_kind(Kind::Crun).or_else(|_| Self::find_kind(Kind::Runc))
    }

    /// Finds the one asked for.
    pub fn find_kind(kind: Kind) -> Result<Self, RuntimeError> {
        let name = match kind {
            Kind::Crun => "crun",
            Kind::Runc => "runc",
        };
        find_program(name).map(|program| Self { kind, program }).ok_or(RuntimeError::NotFound)
    }

    /// Which one it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn command(&self, state: &Path, log: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", PROGRAM_PATH);
        command.arg("--root").arg(state).arg("--log").arg(log).args(["--log-format", "json"]);
        command
    }

    /// Waits for the end of `command`; an error carries the last message of its log.
    fn finish(&self, step: &'static str, mut command: Command, log: &Path) -> Result<(), RuntimeError> {
        let program = || self.program.clone();
        let status = command.status().map_err(|cause| RuntimeError::Spawn { program: program(), cause })?;
        if status.success() {
            return Ok(());
        }
        let message = last_message(log).unwrap_or_else(|| format!("ended with {status}"));
        Err(RuntimeError::Refused { program: program(), step, message })
    }
}

impl Runtime for CommandRuntime {
    fn seccomp(&self) -> SeccompForm {
        match self.kind {
            Kind::Crun => SeccompForm::Bpf,
            Kind::Runc => SeccompForm::Json,
        }
    }

    fn refuses_hybrid_cgroups(&self) -> bool {
        self.kind == Kind::Crun
    }

    fn run(&self, launch: Launch<'_>) -> Result<Pid, RuntimeError> {
        let pid_file = launch.bundle.join("pid");
        let log = launch.bundle.join("runtime.log");
        let mut command = self.command(launch.state, &log);
        command.args(["run", "--detach", "--pid-file"]).arg(&pid_file).arg("--bundle").arg(launch.bundle);
        if let Some(console) = launch.console {
            command.arg("--console-socket").arg(console);
        }
        sys::tie(&mut command, launch.nursery);
        command.arg(launch.id).stdin(launch.stdin).stdout(launch.stdout).stderr(launch.stderr);
        let before = children();
        self.finish("run", command, &log)?;
        let pid = fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse().ok());
        let no_pid = || RuntimeError::NoPid { program: self.program.clone(), path: pid_file };
        let pid = pid.map(Pid::from_raw).ok_or_else(no_pid)?;
        // A runtime also leaves helpers to this subreaper, which end at once.
        for helper in children().difference(&before).filter(|child| **child != pid) {
            let _ = waitpid(*helper, None);
        }
        Ok(pid)
    }

    fn delete(&self, id: &str, state: &Path) -> Result<(), RuntimeError> {
        if !state.join(id).exists() {
            return Ok(());
        }
        let log = state.join("delete.log");
        let mut command = self.command(state, &log);
        command.args(["delete", "--force", id]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.finish("delete", command, &log)
    }
}

/// The children of this thread; none where the kernel does not tell (no CONFIG_PROC_CHILDREN).
fn children() -> BTreeSet<Pid> {
    let text = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok().map(Pid::from_raw)).collect()
}

/// The full path of a program of the system, if it is installed.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    PROGRAM_DIRS.iter().map(|dir| Path::new(dir).join(name)).find(|path| path.is_file())
}

/// The message of the last line of a log in JSON, or that line as it is.
fn last_message(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    let line = text.lines().rfind(|line| !line.trim().is_empty())?;
    let message = serde_json::from_str::<Value>(line).ok().and_then(|v| Some(v["msg"].as_str()?.to_owned()));
    Some(message.unwrap_or_else(|| line.to_owned()))
}

#[cfg(test)]
mod tests;
