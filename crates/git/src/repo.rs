//! Bare repositories, one per app.
//!
//! A repository's settings are ours alone and written anew at its first use after each start, so an upgrade reaches
//! every repository. Leftovers of killed processes (locks, quarantines) are removed at the same moment: nobody else
//! has the repository open then.
//!
//! Pushes leave one pack each; after a push a geometric repack keeps their number logarithmic. Unreachable objects
//! (force pushes) are kept: a rollback's source stays in reach, and the app's end removes the repository.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, DirEntry};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use model::id::AppId;
use tokio::sync::Mutex;

use crate::Config;
use crate::command::{GitError, answer, git, run};

/// Folder of the hook scripts, beside the repositories.
const HOOKS: &str = "hooks";
/// More packs than this are repacked after a push.
const PACKS_MAX: usize = 16;
/// A lock that a killed git left.
const LOCK: &str = "lock";
/// Where git keeps pushed objects until they are accepted, in `objects/`.
const QUARANTINE: &str = "tmp_objdir-";
/// How the packs begin that git has not finished, in `objects/pack/`.
const UNFINISHED_PACKS: [&str; 2] = ["tmp_", ".tmp-"];
/// Source archives hold the files as they were committed: `git archive`'s own attributes would change them.
const ATTRIBUTES: &str = "* -export-ignore -export-subst\n";

/// A repository could not be prepared or looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RepoError {
    /// A file could not be read, written or removed.
    #[error("could not {action} {at}")]
    File {
        action: &'static str,
        at: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// Git failed.
    #[error("could not keep the repository in order")]
    Git(#[source] GitError),
}

/// All repositories.
#[derive(Debug)]
pub(crate) struct Repos {
    dir: PathBuf,
    settings: String,
    hook: String,
    /// Those prepared since the start.
    ready: Mutex<HashSet<AppId>>,
}

impl Repos {
    pub(crate) fn new(config: &Config) -> Self {
        let hooks = config.repos.join(HOOKS);
        Self {
            dir: config.repos.clone(),
            settings: settings(&hooks, config.limits.pack_bytes),
            hook: format!("#!/bin/sh\nexec {} hook pre-receive\n", shell_quoted(&config.hokku_exe)),
            ready: Mutex::default(),
        }
    }

    pub(crate) fn path(&self, app: AppId) -> PathBuf {
        self.dir.join(format!("{app}.git"))
    }

    /// The app's repository, made at its first use.
    pub(crate) async fn open(&self, app: AppId) -> Result<PathBuf, RepoError> {
        let repo = self.path(app);
        let mut ready = self.ready.lock().await;
        if !ready.contains(&app) {
            let (dir, at) = (self.dir.clone(), repo.clone());
            let (settings, hook) = (self.settings.clone(), self.hook.clone());
            on_thread(move || prepare(&dir, &at, &settings, &hook)).await?;
            ready.insert(app);
        }
        Ok(repo)
    }

    /// The apps whose repositories there are.
    pub(crate) async fn list(&self) -> Result<Vec<AppId>, RepoError> {
        let dir = self.dir.clone();
        on_thread(move || {
            let app = |entry: DirEntry| entry.file_name().to_str()?.strip_suffix(".git")?.parse().ok();
            let entries = list(&dir).map_err(|cause| file("list", &dir, cause))?;
            Ok(entries.into_iter().filter_map(app).collect())
        })
        .await
    }

    /// Removes an app's repository.
    pub(crate) async fn remove(&self, app: AppId) -> Result<(), RepoError> {
        let at = self.path(app);
        self.ready.lock().await.remove(&app);
        on_thread(move || fs::remove_dir_all(&at).map_err(|cause| file("remove", &at, cause))).await
    }
}

/// What is done after a push: `HEAD` names the branch there is, many packs become few; returns the size in bytes.
pub(crate) async fn tidy(repo: &Path) -> Result<u64, RepoError> {
    let has = |reference| {
        let mut command = git(repo);
        command.args(["rev-parse", "--verify", "--quiet", reference]);
        async move { Ok(answer("rev-parse", &mut command).await.map_err(RepoError::Git)?.is_some()) }
    };
    if !has("HEAD").await? && has("refs/heads/master").await? {
        let mut command = git(repo);
        command.args(["symbolic-ref", "HEAD", "refs/heads/master"]);
        run("symbolic-ref", &mut command).await.map_err(RepoError::Git)?;
    }
    let packs = repo.join("objects/pack");
    let count = on_thread(move || count_packs(&packs).map_err(|cause| file("list", &packs, cause))).await?;
    if count > PACKS_MAX {
        let mut command = git(repo);
        command.args(["repack", "-d", "-q", "--geometric=2"]);
        run("repack", &mut command).await.map_err(RepoError::Git)?;
    }
    let at = repo.to_owned();
    on_thread(move || size(&at).map_err(|cause| file("measure", &at, cause))).await
}

fn prepare(dir: &Path, repo: &Path, settings: &str, hook: &str) -> Result<(), RepoError> {
    let hooks = dir.join(HOOKS);
    for folder in [hooks.clone(), repo.join("refs/heads"), repo.join("objects"), repo.join("info")] {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|cause| file("make", &folder, cause))?;
    }
    replace(&hooks.join("pre-receive"), hook, 0o700)?;
    replace(&repo.join("config"), settings, 0o600)?;
    replace(&repo.join("info/attributes"), ATTRIBUTES, 0o600)?;
    // Last: without it git sees no repository, so a half-made one is never used.
    let head = repo.join("HEAD");
    if !fs::exists(&head).map_err(|cause| file("find", &head, cause))? {
        replace(&head, "ref: refs/heads/main\n", 0o600)?;
    }
    remove_leftovers(repo).map_err(|cause| file("clean", repo, cause))
}

/// Removes the objects that an interrupted push left, unless a push is `going_on`. Git does not do that itself when it
/// is told to stop. What is listed before that question is asked belongs to pushes that are over if none goes on.
pub(crate) async fn remove_quarantines(
    repo: &Path,
    going_on: impl FnOnce() -> bool + Send + 'static,
) -> Result<(), RepoError> {
    let repo = repo.to_owned();
    on_thread(move || {
        let remove = || {
            let left = quarantines(&repo)?;
            if going_on() { Ok(()) } else { left.iter().try_for_each(fs::remove_dir_all) }
        };
        remove().map_err(|cause| file("clean", &repo, cause))
    })
    .await
}

fn quarantines(repo: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = list(&repo.join("objects"))?.into_iter();
    let left = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(QUARANTINE));
    Ok(left.map(|entry| entry.path()).collect())
}

/// Removes what a killed git left: locks beside references and settings, and quarantined objects.
fn remove_leftovers(repo: &Path) -> io::Result<()> {
    quarantines(repo)?.iter().try_for_each(fs::remove_dir_all)?;
    for entry in list(&repo.join("objects/pack"))? {
        let name = entry.file_name();
        if UNFINISHED_PACKS.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            fs::remove_file(entry.path())?;
        }
    }
    let mut folders = vec![repo.join("refs")];
    remove_locks(repo, &mut Vec::new())?;
    while let Some(folder) = folders.pop() {
        remove_locks(&folder, &mut folders)?;
    }
    Ok(())
}

fn remove_locks(folder: &Path, inner: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            inner.push(path);
        } else if path.extension().is_some_and(|extension| extension == LOCK) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Writes a file whole or not at all, and only if it says something new: a script that was just written cannot be run
/// by another push while a child of ours is being started.
fn replace(path: &Path, text: &str, mode: u32) -> Result<(), RepoError> {
    if fs::read(path).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(());
    }
    let new = path.with_extension("new");
    let write = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&new)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        drop(file);
        fs::rename(&new, path)
    };
    write().map_err(|cause| file("write", path, cause))
}

fn settings(hooks: &Path, pack_bytes: u64) -> String {
    let hooks = hooks.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    // Old histories hold objects that today's git would not write; everyone else accepts these kinds too.
    format!(
        "[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\thooksPath = \"{hooks}\"
[receive]
\tfsckObjects = true
\tmaxInputSize = {pack_bytes}
\tautogc = false
\tkeepAlive = 5
[receive \"fsck\"]
\tzeroPaddedFilemode = ignore
\tbadTimezone = ignore
\tmissingSpaceBeforeDate = ignore
[gc]
\tauto = 0
[maintenance]
\tauto = false
"
    )
}

fn shell_quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

fn count_packs(packs: &Path) -> io::Result<usize> {
    let is_pack = |entry: &DirEntry| entry.path().extension().is_some_and(|extension| extension == "pack");
    Ok(list(packs)?.iter().filter(|entry| is_pack(entry)).count())
}

/// A folder's entries; none if there is no such folder.
fn list(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match fs::read_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.collect(),
    }
}

/// Bytes of all files; those that go away meanwhile do not count.
fn size(repo: &Path) -> io::Result<u64> {
    let mut folders = vec![repo.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(cause),
            }
        }
    }
    Ok(bytes)
}

fn file(action: &'static str, at: &Path, cause: io::Error) -> RepoError {
    RepoError::File { action, at: at.to_owned(), cause }
}

async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RepoError> + Send + 'static,
) -> Result<T, RepoError> {
    let lost =
        |lost| RepoError::File { action: "work on", at: PathBuf::new(), cause: io::Error::other(lost) };
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}
