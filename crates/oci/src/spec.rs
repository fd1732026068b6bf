//! What one container is to be: values only, no I/O.
//!
//! A [`Spec`] travels as a JSON file from the server to the shim, hence the serde derives; nothing
//! of it reaches the Platform API.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How many uids and gids a container's user namespace maps: `0..UIDS` inside are
/// `id_base..id_base + UIDS` on the host.
pub const UIDS: u32 = 65_536;

/// Most layers one root may have; overlayfs itself allows 500.
pub const LAYERS_MAX: usize = 64;

/// One container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Name of the container, of its cgroup and of its entry in the runtime: ASCII letters, digits,
    /// `-`, `_` and `.`, at most 64 bytes, unique among the containers of `cgroup_parent`.
    pub id: String,
    /// Folder that belongs to this container alone. It keeps the record that
    /// [`crate::container::cleanup`] works from and is removed with the container.
    pub state_dir: PathBuf,
    /// Read-only layers of the root, lowest first; at least one, at most [`LAYERS_MAX`].
    pub layers: Vec<Layer>,
    /// Where the container's own writes go.
    pub upper: Upper,
    /// Files and folders of the host that appear inside.
    pub binds: Vec<Bind>,
    /// The command, as pid 1 of the container. The caller names an init here if it wants one.
    pub argv: Vec<String>,
    /// The whole environment; nothing is inherited.
    pub env: Vec<(String, String)>,
    /// Working directory of the command, inside.
    pub cwd: PathBuf,
    /// User of the command, inside (`0..UIDS`).
    pub uid: u32,
    /// Group of the command, inside (`0..UIDS`).
    pub gid: u32,
    /// First host uid and gid of the container's range of [`UIDS`].
    pub id_base: u32,
    /// Host name inside.
    pub hostname: String,
    /// File of a prepared network namespace ([`crate::network::Lease::netns`]);
    /// `None` is an empty one of its own with nothing but `lo`.
    pub netns: Option<PathBuf>,
    /// What it may use of the machine.
    pub limits: Limits,
    /// Size of its terminal, if it is to have one; goes with [`crate::container::Stdio::Terminal`].
    pub terminal: Option<Window>,
    /// Folders inside that must exist and belong to `uid`:`gid`, such as `/app`.
    pub writable: Vec<PathBuf>,
    /// Cgroup all containers of one server are under, such as `hokku-4f2a`: a relative path of
    /// ASCII letters, digits, `-`, `_`, `.` and `/`.
    pub cgroup_parent: String,
}

/// One read-only layer of the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// An erofs image; mounted straight from the file, or through a loop device on older kernels.
    Erofs(PathBuf),
    /// A folder.
    Dir(PathBuf),
}

/// Where a container's own writes go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Upper {
    /// A folder on disk: `upper/` in it holds the writes (with host uids), `work/` is overlayfs's.
    /// It is left in place when the container is deleted, unless it lies in the `state_dir`.
    Dir(PathBuf),
    /// Memory, charged to the container's memory limit as shared memory; gone with the container.
    Tmpfs {
        /// Most it may hold.
        bytes: u64,
    },
}

/// A file or folder of the host that appears inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// Path on the host; must exist.
    pub source: PathBuf,
    /// Absolute path inside; made if missing.
    pub target: PathBuf,
    /// Whether the container may only read it.
    pub read_only: bool,
    /// Whether host owner `n` shows inside as `n` (an idmapped mount), so that what is written keeps
    /// small uids on disk and the next container with another `id_base` can use it (build caches).
    /// Otherwise the inside sees it as owned by nobody, unless it is owned by a uid of the range.
    pub mapped: bool,
}

/// What a container may use of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Hard memory limit in bytes, swap included (it gets none): above it a process is killed.
    pub memory_bytes: u64,
    /// The memory limit that programs inside find in `/sys/fs/cgroup` and size themselves by; a platform that
    /// tolerates some excess before it kills shows less than it enforces.
    pub memory_shown_bytes: u64,
    /// Weight against other containers when the CPU is short; 1024 is the usual share (2..=262144).
    pub cpu_shares: u64,
    /// Most CPU time, in percent of one core (250 is two and a half cores); `None` is no limit.
    pub cpu_quota_percent: Option<u32>,
    /// Most processes and threads.
    pub pids: u32,
    /// Most open files per process; lowered to this process's own hard limit.
    pub nofile: u64,
}

/// Size of a terminal in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Cells per line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// What is wrong with a [`Spec`] before anything was tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The id would not do as the name of a folder and a cgroup.
    #[error("container id {0:?} is not 1 to 64 of the characters a-z A-Z 0-9 - _ .")]
    Id(String),
    /// The cgroup parent would leave its place in the hierarchy.
    #[error("cgroup parent {0:?} is not a relative path of plain names")]
    CgroupParent(String),
    /// No layer, or too many.
    #[error("a root needs 1 to {LAYERS_MAX} layers, this one has {0}")]
    Layers(usize),
    /// No command.
    #[error("the command is empty")]
    Argv,
    /// A path that must be absolute and free of `..` is not.
    #[error("{0:?} is not an absolute path without `..`")]
    Path(PathBuf),
    /// A word of the command or the environment cannot be handed to a process.
    #[error("{0:?} in the command or the environment holds a NUL byte, or a name is empty or holds `=`")]
    Word(String),
    /// A uid, gid or the whole range lies outside what can be mapped.
    #[error("uid {uid}, gid {gid} or base {base} is outside the range of {UIDS} ids")]
    Ids {
        /// User inside.
        uid: u32,
        /// Group inside.
        gid: u32,
        /// First host id.
        base: u32,
    },
}

impl Spec {
    /// Checks what can be checked without touching the machine.
    pub fn check(&self) -> Result<(), SpecError> {
        if !is_plain_name(&self.id) || self.id.len() > 64 {
            return Err(SpecError::Id(self.id.clone()));
        }
        if !self.cgroup_parent.split('/').all(is_plain_name) {
            return Err(SpecError::CgroupParent(self.cgroup_parent.clone()));
        }
        if self.layers.is_empty() || self.layers.len() > LAYERS_MAX {
            return Err(SpecError::Layers(self.layers.len()));
        }
        if self.argv.is_empty() {
            return Err(SpecError::Argv);
        }
        let inside = self.binds.iter().map(|bind| &bind.target).chain(&self.writable).chain([&self.cwd]);
        for path in inside.chain([&self.state_dir]) {
            let plain = path.components().all(|part| !matches!(part, std::path::Component::ParentDir));
            if !path.is_absolute() || !plain {
                return Err(SpecError::Path(path.clone()));
            }
        }
        let bad_name = |name: &str| name.is_empty() || name.contains('=') || name.contains('\0');
        if let Some(word) = self.argv.iter().find(|word| word.contains('\0')) {
            return Err(SpecError::Word(word.clone()));
        }
        if let Some((name, _)) = self.env.iter().find(|(name, value)| bad_name(name) || value.contains('\0'))
        {
            return Err(SpecError::Word(name.clone()));
        }
        let in_range = self.uid < UIDS && self.gid < UIDS && self.id_base.checked_add(UIDS).is_some();
        if !in_range || self.id_base < UIDS {
            return Err(SpecError::Ids { uid: self.uid, gid: self.gid, base: self.id_base });
        }
        Ok(())
    }
}

/// Whether a text is safe as one name of a path: not empty, not `.` or `..`, no odd characters.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests;
