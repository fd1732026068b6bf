//! What builds remember between each other, in one folder per account.
//!
//! ```text
//! CACHE/<account>/uv/                 the wheel store (see docs/adr/0010-wheel-store-per-account.md)
//! CACHE/<account>/pip/                the same for plain pip
//! CACHE/<account>/layers/<key>.json   which layer holds the packages of which requirements
//! CACHE/<account>/apps/<app>.json     the Python version of an app's last build
//! ```
//! Losing any of it costs time, never correctness; a damaged entry is as good as none.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use model::id::{AccountId, AppId};
use model::time::Timestamp;
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use slug::runtime::Version;
use slug::{Digest, LayerRef};

use crate::failure::{PlatformError, file};

/// How long a layer of dependencies is kept for pushes to come after it was last asked for.
const LAYER_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A layer of dependencies that was made before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dependencies {
    /// The layer.
    pub(crate) layer: LayerRef,
    /// How many packages are in it.
    pub(crate) packages: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct LastBuild {
    python: String,
}

/// One account's cache.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// The cache of an account; its folders are made if need be.
    pub(crate) fn open(root: &Path, account: AccountId) -> Result<Self, PlatformError> {
        let dir = root.join(account.to_string());
        for name in ["uv", "pip", "layers", "apps"] {
            let path = dir.join(name);
            let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(&path);
            made.map_err(file("make", &path))?;
        }
        Ok(Self { dir })
    }

    /// A package store (`uv` or `pip`), which belongs to the user that containers run as.
    pub(crate) fn store(&self, name: &str) -> Result<PathBuf, PlatformError> {
        let path = self.dir.join(name);
        let (uid, gid) = slug::pack::APP_OWNER;
        std::os::unix::fs::lchown(&path, Some(uid), Some(gid)).map_err(file("give away", &path))?;
        Ok(path)
    }

    /// The layer of dependencies under this key, marked as just used.
    pub(crate) fn dependencies(&self, key: &Digest) -> Option<Dependencies> {
        let path = self.layer_path(key);
        let found = read(&path)?;
        let now = TimeSpec::UTIME_NOW;
        let _ = utimensat(AT_FDCWD, &path, &now, &now, UtimensatFlags::NoFollowSymlink); // only its age suffers
        Some(found)
    }

    /// Remembers a layer of dependencies.
    pub(crate) fn remember_dependencies(
        &self,
        key: &Digest,
        made: &Dependencies,
    ) -> Result<(), PlatformError> {
        write(&self.layer_path(key), made)
    }

    /// The Python version of the app's last build.
    pub(crate) fn last_python(&self, app: AppId) -> Option<Version> {
        read::<LastBuild>(&self.app_path(app))?.python.parse().ok()
    }

    /// Remembers the Python version of an app's build.
    pub(crate) fn remember_python(&self, app: AppId, version: Version) -> Result<(), PlatformError> {
        write(&self.app_path(app), &LastBuild { python: version.to_string() })
    }

    fn layer_path(&self, key: &Digest) -> PathBuf {
        self.dir.join("layers").join(format!("{key}.json"))
    }

    fn app_path(&self, app: AppId) -> PathBuf {
        self.dir.join("apps").join(format!("{app}.json"))
    }
}

/// The layers of dependencies that later pushes may use again: to be kept by `slug::Blobs::collect_garbage` beside
/// those of slugs and runtimes. Entries that were not asked for in 30 days are forgotten.
///
/// # Errors
/// When the folder cannot be read: then nothing may be collected.
pub fn live_layers(cache: &Path, now: Timestamp) -> io::Result<HashSet<Digest>> {
    let mut live = HashSet::new();
    let now = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(0));
    for account in entries(cache)? {
        for path in entries(&account.join("layers"))? {
            let age = now.duration_since(fs::metadata(&path)?.modified()?).unwrap_or_default();
            match read::<Dependencies>(&path) {
                Some(found) if age < LAYER_AGE_MAX => drop(live.insert(found.layer.digest)),
                // What is not an entry is being written by a build, unless it is as old as that.
                None if age < LAYER_AGE_MAX && path.extension().is_none_or(|end| end != "json") => {}
                _ => fs::remove_file(&path)?,
            }
        }
    }
    Ok(live)
}

fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        found => found?.map(|entry| entry.map(|entry| entry.path())).collect(),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a whole entry or none; builds of one account may write the same one at once.
fn write(path: &Path, entry: &impl Serialize) -> Result<(), PlatformError> {
    let dir = path.parent().unwrap_or(path);
    let write = || {
        let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
        temporary.write_all(&serde_json::to_vec(entry)?)?;
        temporary.persist(path)?;
        Ok(())
    };
    write().map_err(file("write", path))
}

#[cfg(test)]
mod tests;
