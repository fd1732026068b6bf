//! A pushed commit becomes a build: looked at, archived, and written down in the store.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use model::id::{AppId, BuildId};
use store::{NewBuild, StoreError, Tx};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, BufReader, copy};

use crate::ask::Oid;
use crate::command::{GitError, answer, git, with_quarantine};
use crate::plan::Deploy;
use crate::pushes::Push;
use crate::voice::Voice;
use crate::{Context, words};

/// Ending of an archive that is still being written.
pub(crate) const UNFINISHED: &str = "push";
/// Ending of an archive that a build may read.
pub(crate) const ARCHIVE: &str = "tar";
/// How `git ls-tree` shows a submodule.
const SUBMODULE_MODE: &[u8] = b"160000\0";

/// A deploy could not be begun, and not through its developer's fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeployError {
    /// Git failed.
    #[error("could not look at the pushed commit")]
    Git(#[from] GitError),
    /// The archive could not be written.
    #[error("could not write the source archive {at}")]
    Archive {
        at: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The store failed.
    #[error("could not ask for a build")]
    Store(#[source] StoreError),
    /// The hook listens no longer.
    #[error("nobody listens")]
    Voice(#[from] io::Error),
}

/// How the beginning of a deploy ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The build is in the store, under the push's id.
    Build,
    /// It cannot be deployed, for this reason.
    Refused(String),
}

/// What is known of a commit before it is built.
#[derive(Debug, Default)]
struct Survey {
    paths: u64,
    submodules: u64,
}

/// Turns a pushed commit into a build, and tells the developer so.
pub(crate) async fn begin<W: AsyncWrite + Unpin>(
    cx: &Context,
    push: &Push,
    quarantine: &Path,
    deploy: &Deploy,
    voice: &mut Voice<W>,
) -> Result<Begun, DeployError> {
    // Git may see the repository under another path; only the folder's name is taken from what it says.
    let quarantine = &push.repo.join("objects").join(quarantine.file_name().unwrap_or_default());
    if !cx.inner.pushes.take_turn(push) || is_deploying(cx, push.app.id).await? {
        return refused(words::ANOTHER_DEPLOY);
    }
    if branch_at(&push.repo, deploy.branch).await? != deploy.old {
        return refused(words::branch_moved(deploy.branch));
    }
    let Some(survey) = survey(&push.repo, quarantine, &deploy.commit).await? else {
        return refused(words::unreadable_commit(deploy.commit.short()));
    };
    if survey.paths == 0 {
        return refused(words::EMPTY_COMMIT);
    }
    voice.say(words::updated(survey.paths, deploy.commit.short())).await?;
    if survey.submodules > 0 {
        voice.say(words::submodules(survey.submodules)).await?;
    }
    voice.say(words::COMPRESSING).await?;
    let Some(source) = archive(cx, push, quarantine, &deploy.commit).await? else {
        return refused(words::source_too_large(cx.inner.config.limits.source_bytes));
    };
    voice.say(words::DONE).await?;
    if !ask_for_build(cx, push, &deploy.commit, source).await? {
        return refused(words::ANOTHER_DEPLOY);
    }
    voice.say(words::BUILDING).await?;
    Ok(Begun::Build)
}

fn refused(text: impl Into<String>) -> Result<Begun, DeployError> {
    Ok(Begun::Refused(text.into()))
}

async fn is_deploying(cx: &Context, app: AppId) -> Result<bool, DeployError> {
    cx.inner.config.store.read(move |tx| has_open_deploy(tx, app)).await.map_err(DeployError::Store)
}

/// Whether a build of the app is waiting, running, or about to become a release. A release that is being rolled out
/// does not count: the next one simply takes its turn after it.
fn has_open_deploy(tx: &Tx<'_>, app: AppId) -> Result<bool, StoreError> {
    let of_app = |build: &model::build::Build| build.app == app;
    Ok(tx.open_builds()?.iter().any(of_app) || tx.unreleased_builds()?.iter().any(of_app))
}

async fn branch_at(repo: &Path, branch: &str) -> Result<Oid, GitError> {
    let mut command = git(repo);
    command.args(["rev-parse", "--verify", "--quiet", branch]);
    let found = answer("rev-parse", &mut command).await?;
    Ok(found.as_deref().and_then(Oid::parse).unwrap_or_else(Oid::none))
}

/// Counts a commit's files; `None` when it is no commit.
async fn survey(repo: &Path, quarantine: &Path, commit: &Oid) -> Result<Option<Survey>, GitError> {
    let what = "ls-tree";
    let failed = |cause| GitError::Run { what, cause };
    let mut command = git(repo);
    with_quarantine(&mut command, repo, quarantine).stdout(Stdio::piped());
    command.args([what, "-r", "-z", "--format=%(objectmode)"]).arg(format!("{}^{{commit}}", commit.as_str()));
    let mut child = command.spawn().map_err(failed)?;
    let mut survey = Survey::default();
    if let Some(stdout) = child.stdout.take() {
        let mut modes = BufReader::new(stdout);
        let mut mode = Vec::new();
        while modes.read_until(0, &mut mode).await.map_err(failed)? > 0 {
            if mode == SUBMODULE_MODE {
                survey.submodules += 1;
            } else {
                survey.paths += 1;
            }
            mode.clear();
        }
    }
    let status = child.wait().await.map_err(failed)?;
    Ok(status.success().then_some(survey))
}

/// A file that is removed unless it was kept.
struct Scratch(Option<PathBuf>);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Left over in the worst case: the next start sweeps it away.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Writes the commit's files as `<build id>.tar` into the folder of sources; `None` when they are too large.
async fn archive(
    cx: &Context,
    push: &Push,
    quarantine: &Path,
    commit: &Oid,
) -> Result<Option<PathBuf>, DeployError> {
    let config = &cx.inner.config;
    let unfinished = config.sources.join(push.id.to_string()).with_extension(UNFINISHED);
    let finished = unfinished.with_extension(ARCHIVE);
    let failed = |cause| DeployError::Archive { at: unfinished.clone(), cause };
    tokio::fs::create_dir_all(&config.sources).await.map_err(failed)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished).await;
    let mut scratch = Scratch(Some(unfinished.clone()));
    let mut file = file.map_err(failed)?;

    let mut command = git(&push.repo);
    with_quarantine(&mut command, &push.repo, quarantine).stdout(Stdio::piped());
    command.args(["archive", "--format=tar", commit.as_str()]);
    let what = "archive";
    let mut child = command.spawn().map_err(|cause| GitError::Run { what, cause })?;
    let bytes_max = config.limits.source_bytes;
    if let Some(stdout) = child.stdout.take() {
        // One byte more than allowed tells that there is more.
        let written = copy(&mut stdout.take(bytes_max.saturating_add(1)), &mut file).await.map_err(failed)?;
        if written > bytes_max {
            return Ok(None);
        }
    }
    let status = child.wait().await.map_err(|cause| GitError::Run { what, cause })?;
    if !status.success() {
        return Err(GitError::Failed { what, status }.into());
    }
    keep(file, &unfinished, &finished).await.map_err(failed)?;
    scratch.0 = None;
    Ok(Some(finished))
}

async fn keep(file: File, unfinished: &Path, finished: &Path) -> io::Result<()> {
    file.sync_all().await?;
    tokio::fs::rename(unfinished, finished).await
}

/// Writes the build down; false if another deploy was faster.
async fn ask_for_build(
    cx: &Context,
    push: &Push,
    commit: &Oid,
    source: PathBuf,
) -> Result<bool, DeployError> {
    let new = NewBuild {
        id: push.id,
        app: push.app.id,
        user: push.account,
        source: source_name(push.id),
        commit: Some(commit.as_str().to_owned()),
        stack: push.app.stack.clone(),
    };
    let asked = cx.inner.config.store.write(move |tx| {
        let is_free = !has_open_deploy(tx, new.app)?;
        if is_free {
            tx.create_build(&new)?;
        }
        Ok::<_, StoreError>(is_free)
    });
    match asked.await {
        Ok(true) => Ok(true),
        refused => {
            let scratch = Scratch(Some(source));
            drop(scratch);
            refused.map_err(DeployError::Store)
        }
    }
}

pub(crate) fn source_name(build: BuildId) -> String {
    format!("{build}.{ARCHIVE}")
}
