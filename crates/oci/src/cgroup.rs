//! The cgroup of one container, on cgroup v1 (hybrid machines included) and on v2.
//!
//! The OCI runtime makes the group and writes the limits; this module reads it (processes, memory,
//! OOM kills), ends everything in it and removes it. It works on paths only, so its v2 side is
//! tested on a folder that looks like one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::sys;

/// Longest wait for a group to become empty after everything in it got SIGKILL. A process stuck in
/// the kernel (a dead disk) can take any time; the group is then left and named in the error.
pub const EMPTY_WITHIN: Duration = Duration::from_secs(5);

/// Pause between two looks at a group that is emptying.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A group's weight among its siblings on v1.
const SHARES: &str = "cpu.shares";
/// What a process beside the groups weighs.
const PROCESS_SHARES: usize = 1024;

/// What the cgroup files said that made no sense, or what could not be done with them.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// Neither a v1 memory hierarchy nor a v2 one is mounted.
    #[error("neither a cgroup v1 memory hierarchy nor cgroup v2 is mounted; mount cgroup2 on /sys/fs/cgroup")]
    None,
    /// A file of the group could not be read or written.
    #[error("could not use {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// Processes of the group outlived SIGKILL for [`EMPTY_WITHIN`].
    #[error("processes in {path} are still there {} s after SIGKILL", EMPTY_WITHIN.as_secs())]
    NotEmpty {
        /// Which group.
        path: PathBuf,
    },
}

/// Where the machine's cgroups are mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hierarchy {
    /// Version 1: a hierarchy per controller or group of controllers.
    V1 {
        /// Where the memory controller is.
        memory: PathBuf,
        /// Every v1 hierarchy, the memory one too.
        all: BTreeSet<PathBuf>,
        /// The v2 hierarchy beside them on a hybrid machine, if it has controllers of its own.
        unified: Option<PathBuf>,
    },
    /// Version 2: one hierarchy.
    V2 {
        /// Where it is.
        root: PathBuf,
    },
}

impl Hierarchy {
    /// Finds them in this process's mounts.
    pub fn find() -> Result<Self, CgroupError> {
        let path = Path::new("/proc/self/mountinfo");
        let mounts =
            fs::read_to_string(path).map_err(|cause| CgroupError::File { path: path.to_owned(), cause })?;
        let has_controllers = |root: &Path| {
            fs::read_to_string(root.join("cgroup.controllers")).is_ok_and(|names| !names.trim().is_empty())
        };
        Self::parse(&mounts, has_controllers).ok_or(CgroupError::None)
    }

    /// Reads a `mountinfo`; a v1 memory controller decides for v1, else a v2 mount is taken.
    fn parse(mountinfo: &str, has_controllers: impl Fn(&Path) -> bool) -> Option<Self> {
        let (mut memory, mut all, mut unified) = (None, BTreeSet::new(), None);
        for line in mountinfo.lines() {
            let Some((left, right)) = line.split_once(" - ") else { continue };
            let Some(at) = left.split(' ').nth(4).map(PathBuf::from) else { continue };
            let mut right = right.split(' ');
            match right.next() {
                Some("cgroup") => {
                    let is_memory = right.nth(1).is_some_and(|opts| opts.split(',').any(|o| o == "memory"));
                    if is_memory {
                        memory.get_or_insert_with(|| at.clone());
                    }
                    all.insert(at);
                }
                Some("cgroup2") => _ = unified.get_or_insert(at),
                _ => {}
            }
        }
        match (memory, unified) {
            (Some(memory), unified) => {
                Some(Self::V1 { memory, all, unified: unified.filter(|root| has_controllers(root)) })
            }
            (None, Some(root)) => Some(Self::V2 { root }),
            (None, None) => None,
        }
    }

    /// The v2 hierarchy beside v1 ones, if it has controllers of its own (some runtimes refuse that).
    pub(crate) fn hybrid(&self) -> Option<&Path> {
        match self {
            Self::V1 { unified, .. } => unified.as_deref(),
            Self::V2 { .. } => None,
        }
    }

    /// Whether the kernel can limit swap: v1 only with swap accounting on, v2 with swap built in.
    pub(crate) fn limits_swap(&self) -> bool {
        match self {
            Self::V1 { memory, .. } => memory.join("memory.memsw.limit_in_bytes").exists(),
            Self::V2 { .. } => Path::new("/proc/swaps").exists(),
        }
    }

    /// The group `parent/id`, whether or not it exists.
    #[must_use]
    pub fn group(&self, parent: &str, id: &str) -> Cgroup {
        Cgroup { hierarchy: self.clone(), name: Path::new(parent).join(id) }
    }

    /// Makes the group that all containers of a server are in.
    ///
    /// A group of v1 has the weight of one process of the machine, whatever runs in it. This one gets that of a process
    /// on every processor: else a busy Postgres pushes all dynos together aside. v2 weighs groups against groups.
    pub fn create_parent(&self, parent: &str) -> Result<(), CgroupError> {
        let Self::V1 { all, .. } = self else { return Ok(()) };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for root in all.iter().filter(|root| root.join(SHARES).exists()) {
            let path = root.join(parent).join(SHARES);
            fs::create_dir_all(root.join(parent))
                .and_then(|()| fs::write(&path, (processors * PROCESS_SHARES).to_string()))
                .map_err(|cause| CgroupError::File { path, cause })?;
        }
        Ok(())
    }

    /// Removes the then empty parent group of a server that is gone for good; missing is fine.
    pub fn remove_parent(&self, parent: &str) -> Result<(), CgroupError> {
        Cgroup { hierarchy: self.clone(), name: PathBuf::from(parent) }.remove()?;
        // Some runtimes (runc) make groups in the second hierarchy of a hybrid machine too.
        let Some(path) = self.hybrid().map(|root| root.join(parent)) else { return Ok(()) };
        remove_group(&path).map_err(|cause| CgroupError::File { path, cause })
    }
}

/// What a container uses of its memory, in bytes (pages for the two counters).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Anonymous memory.
    pub rss: u64,
    /// Page cache, shared memory and tmpfs files included.
    pub cache: u64,
    /// Swapped out.
    pub swap: u64,
    /// Shared memory and tmpfs files, a writable layer in memory among them; part of `cache`.
    pub shmem: u64,
    /// Pages charged so far; 0 on v2, which does not count them.
    pub pgpgin: u64,
    /// Pages uncharged so far; 0 on v2.
    pub pgpgout: u64,
}

impl Memory {
    /// What counts against a dyno's memory quota: all that cannot simply be dropped. Page cache of
    /// files does not count, the kernel takes it back before anyone suffers.
    #[must_use]
    pub fn charged(&self) -> u64 {
        self.rss + self.shmem + self.swap
    }
}

/// One container's group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroup {
    hierarchy: Hierarchy,
    /// Relative to each hierarchy's root.
    name: PathBuf,
}

impl Cgroup {
    /// The path as the OCI config names it.
    pub(crate) fn oci_path(&self) -> String {
        format!("/{}", self.name.display())
    }

    /// Whether the group is there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.folders().iter().any(|folder| folder.exists())
    }

    /// Every process in the group; none if the group is gone.
    ///
    /// On v1 a process joins one hierarchy after the other and may have been left halfway, so all of
    /// them are asked.
    pub fn pids(&self) -> Result<BTreeSet<Pid>, CgroupError> {
        let mut pids = BTreeSet::new();
        for folder in self.folders() {
            let text = read(folder.join("cgroup.procs"))?;
            pids.extend(text.lines().filter_map(|line| line.parse().ok().map(Pid::from_raw)));
        }
        Ok(pids)
    }

    /// A group beside this one for the runtime that starts the container; see
    /// [`crate::runtime::Launch::nursery`]. No container can have its name.
    pub(crate) fn nursery(&self) -> Self {
        let mut name = self.name.clone().into_os_string();
        name.push("+start");
        Self { hierarchy: self.hierarchy.clone(), name: name.into() }
    }

    /// Makes the group in the hierarchy it is read by; the answer is its open `cgroup.procs`.
    pub(crate) fn create(&self) -> Result<File, CgroupError> {
        let path = self.folder().join("cgroup.procs");
        fs::create_dir_all(self.folder())
            .and_then(|()| File::options().write(true).open(&path))
            .map_err(|cause| CgroupError::File { path, cause })
    }

    /// What the container uses of its memory now; all zero if the group is gone.
    pub fn memory(&self) -> Result<Memory, CgroupError> {
        let stat = self.read("memory.stat", "memory.stat")?;
        Ok(match &self.hierarchy {
            Hierarchy::V1 { .. } => Memory {
                rss: field(&stat, "total_rss"),
                cache: field(&stat, "total_cache"),
                swap: field(&stat, "total_swap"),
                shmem: field(&stat, "total_shmem"),
                pgpgin: field(&stat, "total_pgpgin"),
                pgpgout: field(&stat, "total_pgpgout"),
            },
            Hierarchy::V2 { .. } => Memory {
                rss: field(&stat, "anon"),
                cache: field(&stat, "file"),
                swap: read(self.folder().join("memory.swap.current"))?.trim().parse().unwrap_or(0),
                shmem: field(&stat, "shmem"),
                pgpgin: 0,
                pgpgout: 0,
            },
        })
    }

    /// How many processes of the group the kernel has killed for memory so far.
    pub fn oom_kills(&self) -> Result<u64, CgroupError> {
        Ok(field(&self.read("memory.oom_control", "memory.events")?, "oom_kill"))
    }

    /// Sends `signal` to every process of the group; the answer is how many got it.
    ///
    /// A pid may have come to mean another process since it was read. So each is first taken by a
    /// handle, and only those get the signal that are in the group now that they are held.
    pub fn signal_all(&self, signal: Signal) -> Result<usize, CgroupError> {
        let held = self.pids()?.into_iter().filter_map(|pid| Some((pid, sys::pidfd_open(pid).ok()?)));
        let held: Vec<_> = held.collect();
        let members = self.pids()?;
        let held = held.iter().filter(|(pid, _)| members.contains(pid));
        Ok(held.filter(|(_, handle)| sys::pidfd_signal(handle.as_fd(), signal).is_ok()).count())
    }

    /// Sends SIGKILL to everything in the group and waits until it is empty, at most
    /// [`EMPTY_WITHIN`]. The caller's own children stay zombies until it reaps them, and count as
    /// gone.
    pub fn kill_all(&self) -> Result<(), CgroupError> {
        let until = Instant::now() + EMPTY_WITHIN;
        loop {
            if !self.kill_at_once()? {
                self.signal_all(Signal::SIGKILL)?;
            }
            if self.living()?.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(CgroupError::NotEmpty { path: self.folder() });
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Removes the group from every hierarchy; waits for dying processes, at most [`EMPTY_WITHIN`].
    pub fn remove(&self) -> Result<(), CgroupError> {
        let until = Instant::now() + EMPTY_WITHIN;
        for path in self.folders() {
            while let Err(cause) = remove_group(&path) {
                match cause.raw_os_error() {
                    Some(libc::EBUSY) if Instant::now() < until => thread::sleep(LOOK_EVERY),
                    _ => return Err(CgroupError::File { path, cause }),
                }
            }
        }
        Ok(())
    }

    /// v2 since 5.14 ends a whole group in one step, processes that are just being forked included.
    fn kill_at_once(&self) -> Result<bool, CgroupError> {
        let Hierarchy::V2 { .. } = self.hierarchy else { return Ok(false) };
        let path = self.folder().join("cgroup.kill");
        match fs::OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => io::Write::write_all(&mut file, b"1")
                .map(|()| true)
                .map_err(|cause| CgroupError::File { path, cause }),
            Err(_) => Ok(false),
        }
    }

    /// The processes that are not zombies.
    fn living(&self) -> Result<BTreeSet<Pid>, CgroupError> {
        let mut pids = self.pids()?;
        pids.retain(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.lines().find_map(|line| line.strip_prefix("State:")).is_some_and(|s| !s.contains('Z'))
        });
        Ok(pids)
    }

    /// The group in the hierarchy that is read and killed by.
    fn folder(&self) -> PathBuf {
        match &self.hierarchy {
            Hierarchy::V1 { memory, .. } => memory.join(&self.name),
            Hierarchy::V2 { root } => root.join(&self.name),
        }
    }

    /// The group in every hierarchy.
    fn folders(&self) -> Vec<PathBuf> {
        match &self.hierarchy {
            Hierarchy::V1 { all, .. } => all.iter().map(|root| root.join(&self.name)).collect(),
            Hierarchy::V2 { root } => vec![root.join(&self.name)],
        }
    }

    /// A file of the group, which has one name on v1 and maybe another on v2.
    fn read(&self, v1: &str, v2: &str) -> Result<String, CgroupError> {
        let name = if matches!(self.hierarchy, Hierarchy::V1 { .. }) { v1 } else { v2 };
        read(self.folder().join(name))
    }
}

/// A file of a group; empty if there is none (ENODEV is a group that is being removed).
fn read(path: PathBuf) -> Result<String, CgroupError> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(cause) if matches!(cause.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => Ok(String::new()),
        Err(cause) => Err(CgroupError::File { path, cause }),
    }
}

/// Removes a group with the groups below it; missing is fine.
fn remove_group(path: &Path) -> io::Result<()> {
    let missing = |cause: &io::Error| cause.kind() == io::ErrorKind::NotFound;
    match fs::remove_dir(path) {
        Ok(()) => return Ok(()),
        Err(cause) if missing(&cause) => return Ok(()),
        Err(_) => {}
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_group(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}

/// The number after `name` in a file of `name number` lines; 0 if there is none.
fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find_map(|(key, value)| (key == name).then(|| value.trim().parse().ok()).flatten())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
