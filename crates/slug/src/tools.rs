//! Outside programs: finding them, and running them so that they cannot outlive us or run for ever.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// The most of a failed program's output that an error carries, in bytes from its end.
const ERROR_TAIL_BYTES: usize = 4096;

/// Finds a program: the configured path if it can be executed, else the first match in `search`, which has
/// the form of `PATH`. `None` if there is none.
#[must_use]
pub fn find(name: &str, configured: Option<&Path>, search: &OsStr) -> Option<PathBuf> {
    let executable = |path: &PathBuf| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    configured
        .map(Path::to_path_buf)
        .into_iter()
        .chain(std::env::split_paths(search).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name)))
        .find(executable)
}

/// Finds `uv`, which installs Python packages and Python itself.
#[must_use]
pub fn uv(configured: Option<&Path>, search: &OsStr) -> Option<PathBuf> {
    find("uv", configured, search)
}

/// Why an outside program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It could not be started or waited for.
    #[error("could not run `{program}`")]
    Start {
        /// The program's name.
        program: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It ran and failed, or ran into its time limit (which reads as exit status 124).
    #[error("`{program}` failed ({status}): {tail}")]
    Failed {
        /// The program's name.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of what it said.
        tail: String,
    },
}

/// A command for `program` that is killed after `limit`, and when the calling thread ends (so that a killed
/// server leaves nothing running). Uses `setpriv` and `timeout`, which every Debian has.
pub(crate) fn command(program: impl AsRef<OsStr>, limit: Duration) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "timeout", "--kill-after=5"]);
    command.arg(format!("{}", limit.as_secs().max(1)));
    // `timeout` passes no signal on when it is itself killed: its child watches it the same way.
    command.args(["setpriv", "--pdeathsig", "KILL", "--"]).arg(program).stdin(Stdio::null());
    command
}

/// Runs a command made by [`command`] to its end; what it printed on stdout, or why it failed.
pub(crate) fn output(program: &str, command: &mut Command) -> Result<Vec<u8>, ToolError> {
    let start = |cause| ToolError::Start { program: program.to_owned(), cause };
    let Output { status, stdout, stderr } = command.output().map_err(start)?;
    if status.success() { Ok(stdout) } else { Err(failed(program, status, &stderr)) }
}

/// The error for a program that ended badly after saying `said`.
pub(crate) fn failed(program: &str, status: std::process::ExitStatus, said: &[u8]) -> ToolError {
    let tail = &said[said.len().saturating_sub(ERROR_TAIL_BYTES)..];
    let tail = String::from_utf8_lossy(tail).trim().to_owned();
    ToolError::Failed { program: program.to_owned(), status, tail }
}

#[cfg(test)]
mod tests;
