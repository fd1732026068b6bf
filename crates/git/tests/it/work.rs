//! A developer's working copy.

use std::path::Path;
use std::process::{Output, Stdio};

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::server::PATIENCE;

pub(crate) struct Work {
    pub(crate) dir: TempDir,
}

/// Bytes that no compression makes smaller (xorshift).
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ len as u64;
    let byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(byte).take(len).collect()
}

/// How a git command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) ok: bool,
    /// Standard error, with `remote: ` and the blanks after it taken off.
    pub(crate) said: String,
    pub(crate) out: String,
}

pub(crate) fn git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command.envs([
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Jane"),
        ("GIT_AUTHOR_EMAIL", "jane@example.com"),
        ("GIT_COMMITTER_NAME", "Jane"),
        ("GIT_COMMITTER_EMAIL", "jane@example.com"),
    ]);
    command
}

pub(crate) fn ran(output: Output) -> Ran {
    let said = String::from_utf8_lossy(&output.stderr);
    Ran {
        ok: output.status.success(),
        said: clean(&said),
        out: String::from_utf8_lossy(&output.stdout).into(),
    }
}

/// Takes off what the git client adds to the server's words.
pub(crate) fn clean(said: &str) -> String {
    let line = |line: &str| line.strip_prefix("remote: ").unwrap_or(line).trim_end().to_owned();
    said.replace('\r', "\n").lines().map(|text| line(text) + "\n").collect()
}

impl Work {
    /// With one commit.
    pub(crate) async fn new() -> Self {
        let work = Self { dir: tempfile::tempdir().expect("a folder") };
        work.git(&["init", "-q", "-b", "main"]).await;
        work.commit("web.py", b"print('one')\n").await;
        work
    }

    pub(crate) async fn commit(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.dir.path().join(name), bytes).expect("a file");
        self.git(&["add", "-A"]).await;
        self.git(&["commit", "-q", "--allow-empty", "-m", name]).await;
        self.git(&["rev-parse", "HEAD"]).await.out.trim().to_owned()
    }

    /// A command that must work.
    pub(crate) async fn git(&self, args: &[&str]) -> Ran {
        let ran = self.try_git(args).await;
        assert!(ran.ok, "git {args:?}: {}", ran.said);
        ran
    }

    pub(crate) async fn push(&self, url: &str, refspec: &str) -> Ran {
        self.try_git(&["push", url, refspec]).await
    }

    pub(crate) async fn try_git(&self, args: &[&str]) -> Ran {
        let output = git(self.dir.path()).args(args).output();
        ran(timeout(PATIENCE, output).await.expect("git ends").expect("git runs"))
    }

    /// A push that goes on while the test does other things.
    pub(crate) fn start_push(&self, args: &[&str]) -> Child {
        let mut command = git(self.dir.path());
        command.arg("push").args(args).stderr(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        command.spawn().expect("git runs")
    }

    pub(crate) async fn end_of(push: Child) -> Ran {
        ran(timeout(PATIENCE, push.wait_with_output()).await.expect("git ends").expect("git runs"))
    }
}
