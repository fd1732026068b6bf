//! Running `pg_dump` and `pg_restore`: as a user with no rights, ended when we are, told nothing on the command line that
//! is a secret.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::unistd::geteuid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::backup::failure::TransferError;
use crate::backup::workshop::{Login, Workshop};

/// Most of what a program complained about that is told, from its end, in bytes.
const SAID_BYTES_MAX: usize = 2000;
/// Longest table of contents read, in bytes.
const CONTENTS_BYTES_MAX: usize = 64 << 20;
/// Longest wait of a dump for a lock that somebody else holds.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";
/// `nobody`, to whom nothing belongs.
pub(crate) const NOBODY: u32 = 65_534;
/// How often a program's progress is noted.
pub(crate) const NOTE_EVERY: Duration = Duration::from_secs(1);

/// What a restore writes need not be on disk at each commit: it is thrown away, or written once more at its end.
const FAST: &str = "-c synchronous_commit=off -c maintenance_work_mem=128MB";

/// Writes all of a database into `file`, as it was in a snapshot.
pub(crate) async fn dump(
    workshop: &Workshop,
    login: &Login,
    snapshot: &str,
    file: File,
) -> Result<(), TransferError> {
    let mut command = guarded(workshop.program("pg_dump"));
    command.args([
        "--format=custom",
        "--no-owner",
        "--no-acl",
        "--no-subscriptions",
        "--no-password",
        LOCK_WAIT,
    ]);
    command.arg(format!("--snapshot={snapshot}")).envs(login.environment(""));
    command.stdin(Stdio::null()).stdout(file);
    run("pg_dump", command).await.map(drop)
}

/// A dump's table of contents.
pub(crate) async fn contents(workshop: &Workshop, dump: File) -> Result<String, TransferError> {
    let mut command = guarded(workshop.program("pg_restore"));
    command.arg("--list").stdin(dump).stdout(Stdio::piped());
    match run("pg_restore", command).await {
        Err(TransferError::Program { said, .. }) => Err(TransferError::NoDump { said }),
        listed => Ok(String::from_utf8_lossy(&listed?).into_owned()),
    }
}

/// Restores what stands in the list of a dump; everything made is the `owner`'s.
pub(crate) async fn restore(
    workshop: &Workshop,
    login: &Login,
    owner: &str,
    list: &PathBuf,
    dump: File,
) -> Result<(), TransferError> {
    let mut command = guarded(workshop.program("pg_restore"));
    command.args(["--no-owner", "--no-acl", "--exit-on-error", "--no-password", "--dbname"]);
    command.arg(&login.database).arg("--use-list").arg(list);
    command.envs(login.environment(&format!("{FAST} -c role={}", option(owner))));
    command.stdin(dump).stdout(Stdio::null());
    run("pg_restore", command).await.map(drop)
}

/// A value among a session's options, in which a space ends it.
pub(crate) fn option(value: &str) -> String {
    value.replace('\\', "\\\\").replace(' ', "\\ ")
}

/// A program that may do nothing and ends with us.
fn guarded(program: PathBuf) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--no-new-privs"]);
    if geteuid().is_root() {
        command.args(["--reuid", &NOBODY.to_string(), "--regid", &NOBODY.to_string(), "--clear-groups"]);
        command.args(["--inh-caps=-all", "--bounding-set=-all"]);
    }
    command.arg("--").arg(program).env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin");
    command.current_dir("/").stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a program to its end; what it printed where that is piped.
async fn run(program: &'static str, mut command: Command) -> Result<Vec<u8>, TransferError> {
    let failed = |cause| TransferError::Run { program, cause };
    let mut child = command.spawn().map_err(failed)?;
    // It holds our files until now: a program that ends must be the last one to hold its own.
    drop(command);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let printed = async {
        match stdout {
            Some(stdout) => first_of(stdout, CONTENTS_BYTES_MAX).await,
            None => Ok(Vec::new()),
        }
    };
    let complained = async {
        match stderr {
            Some(stderr) => last_of(stderr, SAID_BYTES_MAX).await,
            None => Ok(Vec::new()),
        }
    };
    let (printed, complained, status) = tokio::join!(printed, complained, child.wait());
    let (printed, complained, status) =
        (printed.map_err(failed)?, complained.map_err(failed)?, status.map_err(failed)?);
    if status.success() {
        return Ok(printed);
    }
    let said = String::from_utf8_lossy(&complained).trim().to_owned();
    let said = if said.is_empty() { format!("it ended with {status}") } else { said };
    Err(TransferError::Program { program, said })
}

/// The beginning of a stream, which is read to its end.
async fn first_of(mut stream: impl AsyncRead + Unpin, at_most: usize) -> std::io::Result<Vec<u8>> {
    let (mut kept, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(kept);
        }
        let room = at_most.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..read.min(room)]);
    }
}

/// The end of a stream.
async fn last_of(mut stream: impl AsyncRead + Unpin, at_most: usize) -> std::io::Result<Vec<u8>> {
    let (mut kept, mut chunk) = (Vec::new(), vec![0; 4096]);
    loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(kept);
        }
        kept.extend_from_slice(&chunk[..read]);
        kept.drain(..kept.len().saturating_sub(at_most));
    }
}

#[cfg(test)]
mod tests;
