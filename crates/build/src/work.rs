//! The folder one build works in: in memory where the machine has enough, since making and deleting thousands of
//! small files is what costs most on a disk.
//!
//! ```text
//! BUILDS/<build id>/          a tmpfs, or a plain folder
//!   app/upper/app/            the source, then also what its steps wrote: the app layer
//!   packages/upper/app/       what installing packages wrote: the dependency layer
//!   requirements/             the requirements files, for a container that has no source
//!   box-1/ box-2/ …           one container each: spec, outcome, state
//! ```
//! A killed server leaves the folder; the next one's [`clean`] ends what runs in it and removes it.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use model::id::BuildId;
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tracing::{error, warn};

use crate::failure::{PlatformError, file};
use crate::stage::Limits;

/// What containers are kept in begins with this.
pub(crate) const BOX_PREFIX: &str = "box-";
/// The runtime's record of a container, in its box.
pub(crate) const BOX_STATE: &str = "state";

/// The part of the memory that the source's archive may have, compressed or not: one in so many.
const SOURCE_SHARE_MAX: u64 = 8;

/// A build's own folder. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Work {
    path: PathBuf,
}

impl Work {
    /// Makes the folder, in memory of up to `memory` bytes if that is given.
    pub(crate) fn open(builds: &Path, build: BuildId, memory: Option<u64>) -> Result<Self, PlatformError> {
        let path = builds.join(build.to_string());
        remove(&path)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(file("make", &path))?;
        if let Some(bytes) = memory {
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
            let options = format!("mode=0700,size={bytes}");
            let mounted = mount(Some("hokku-build"), &path, Some("tmpfs"), flags, Some(options.as_str()));
            mounted.map_err(io::Error::from).map_err(file("mount a tmpfs at", &path))?;
        }
        Ok(Self { path })
    }

    /// A path in the folder.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// A folder in the folder, made if need be.
    pub(crate) fn folder(&self, name: impl AsRef<Path>) -> Result<PathBuf, PlatformError> {
        let path = self.path.join(name);
        fs::DirBuilder::new().recursive(true).mode(0o755).create(&path).map_err(file("make", &path))?;
        Ok(path)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            // Nothing is wrong with the build; the next start of the server tries again.
            warn!(error = &error as &dyn std::error::Error, "a build's folder stays behind");
        }
    }
}

/// How many bytes of memory a build may work in: none where the machine has not so much to spare, and none for a large
/// source, which may grow beyond it.
pub(crate) fn memory_for(limits: &Limits, source_bytes: u64) -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let available = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = available.trim().trim_end_matches("kB").trim().parse().ok()?;
    // What containers write is charged to their memory: the one limit holds both.
    let is_spare = kib.saturating_mul(1024) >= limits.memory_bytes.max(limits.scratch_bytes);
    let is_small = source_bytes <= limits.scratch_bytes / SOURCE_SHARE_MAX;
    (is_spare && is_small).then_some(limits.scratch_bytes)
}

/// Ends and removes what builds of an earlier server left.
pub(crate) fn clean(builds: &Path) -> Result<(), PlatformError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(builds).map_err(file("make", builds))?;
    for entry in fs::read_dir(builds).map_err(file("read", builds))? {
        remove(&entry.map_err(file("read", builds))?.path())?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), PlatformError> {
    let boxes = fs::read_dir(path).into_iter().flatten().flatten();
    for found in boxes.filter(|entry| entry.file_name().to_string_lossy().starts_with(BOX_PREFIX)) {
        if let Err(error) = oci::container::cleanup(&found.path().join(BOX_STATE)) {
            error!(error = &error as &dyn std::error::Error, "a build's container could not be removed");
        }
    }
    // Emptied first: a process that was started meanwhile may hold a copy of the mount in a namespace of its own.
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let inner = entry.path();
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_dir { fs::remove_dir_all(&inner) } else { fs::remove_file(&inner) };
        gone(removed).map_err(file("remove", &inner))?;
    }
    match umount2(path, MntFlags::MNT_DETACH) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {} // EINVAL: not mounted
        Err(cause) => return Err(file("unmount", path)(cause.into())),
    }
    gone(fs::remove_dir(path)).map_err(file("remove", path))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
