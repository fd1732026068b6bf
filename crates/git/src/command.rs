//! The system's git, run in a clean environment: nothing of the server's own, no settings from outside the repository.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// Where git and the shell that runs its hooks are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Largest output taken of a command whose answer is a few words.
const ANSWER_BYTES_MAX: u64 = 4096;

/// A git command could not be run, or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// It could not be started or listened to.
    #[error("could not run `git {what}`")]
    Run {
        what: &'static str,
        #[source]
        cause: io::Error,
    },
    /// It ended otherwise than it should.
    #[error("`git {what}` ended with {status}")]
    Failed { what: &'static str, status: ExitStatus },
}

/// A git command on a bare repository. It ends with the handle that is made of it.
pub(crate) fn git(repo: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_DIR", repo)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // It may quote what the tenant pushed, which never reaches our own log.
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Lets a command see objects that were pushed but not accepted yet.
pub(crate) fn with_quarantine<'a>(
    command: &'a mut Command,
    repo: &Path,
    quarantine: &Path,
) -> &'a mut Command {
    command
        .env("GIT_OBJECT_DIRECTORY", quarantine)
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", repo.join("objects"))
}

/// Runs a command to its end.
pub(crate) async fn run(what: &'static str, command: &mut Command) -> Result<(), GitError> {
    let status = command.status().await.map_err(|cause| GitError::Run { what, cause })?;
    if status.success() { Ok(()) } else { Err(GitError::Failed { what, status }) }
}

/// The few words that a command prints; `None` when it fails.
pub(crate) async fn answer(what: &'static str, command: &mut Command) -> Result<Option<String>, GitError> {
    let failed = |cause| GitError::Run { what, cause };
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(ANSWER_BYTES_MAX).read_to_string(&mut text).await.map_err(failed)?;
    }
    let status = child.wait().await.map_err(failed)?;
    Ok(status.success().then(|| text.trim_end().to_owned()))
}
