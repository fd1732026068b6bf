//! The surroundings a process needs before it may run a container: mounts of its own.
//!
//! A container's root is put together in a private mount namespace, so it vanishes with the process
//! however that ends; nothing has to be unmounted after a SIGKILL. The mounts lie
//! under one short fixed path, [`WORK`], for two reasons: a container's root user must be able to
//! walk there even when the data folder is below a closed home folder, and the container sees the
//! paths of its overlay's layers in `/proc/self/mounts`, where the host's should not show.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::cgroup::Hierarchy;
use crate::runtime::Runtime;

/// Where a process sees its own mounts. On the host it is an empty folder that all servers share;
/// each process mounts its own tmpfs over it in its own mount namespace.
pub(crate) const WORK: &str = "/run/hokku";

/// Most the tmpfs at [`WORK`] may hold: folders, a config.json and the runtime's state file.
const WORK_OPTIONS: &str = "mode=0711,size=8m";

/// The devices that runtimes bind from the host's `/dev` into every container.
const DEVICES: [(&str, u64, u64); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

/// The proof that this process has private mounts; [`crate::container::run`] asks for it.
#[derive(Debug)]
pub struct Sandbox {
    pub(crate) hierarchy: Hierarchy,
}

/// Why a process could not get private mounts.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// Namespaces belong to threads; with a second thread the process would be torn in two.
    #[error("the process has {0} threads, it must have one")]
    Threads(usize),
    /// A step was refused.
    #[error("could not {step}; containers need root")]
    Refused {
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
    /// No usable cgroup hierarchy.
    #[error("no usable cgroups")]
    Cgroup(#[source] crate::cgroup::CgroupError),
}

/// Gives this process private mounts and makes it the parent of orphans below it.
///
/// To be called once, first thing, while the process has one thread.
pub fn enter(runtime: &dyn Runtime) -> Result<Sandbox, EnterError> {
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads != 1 {
        return Err(EnterError::Threads(threads));
    }
    let none = None::<&Path>;
    refuse("make the folder /run/hokku", make_work())?;
    refuse("get a mount namespace", unshare(CloneFlags::CLONE_NEWNS))?;
    // "Slave" and not "private": what the server unmounts (a released network namespace) goes away
    // here too, while nothing from here reaches the host.
    let flags = MsFlags::MS_REC | MsFlags::MS_SLAVE;
    refuse("detach from the host's mounts", mount(none, "/", none, flags, none))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    refuse("mount a tmpfs", mount(Some("hokku"), WORK, Some("tmpfs"), flags, Some(WORK_OPTIONS)))?;
    refuse("make devices of our own", private_devices())?;
    refuse("become a subreaper", nix::sys::prctl::set_child_subreaper(true))?;
    let hierarchy = Hierarchy::find().map_err(EnterError::Cgroup)?;
    if let Some(unified) = hierarchy.hybrid().filter(|_| runtime.refuses_hybrid_cgroups()) {
        refuse("hide the second cgroup hierarchy", mount(Some("none"), unified, Some("tmpfs"), flags, none))?;
    }
    Ok(Sandbox { hierarchy })
}

/// Keeps descriptors that this process inherited to itself. To be called first thing by a process that starts others
/// which outlive it: a pipe of whoever started us would otherwise stay open as long as they run.
pub fn keep_descriptors() -> io::Result<()> {
    crate::sys::close_on_exec()
}

/// The folder of one container below [`WORK`].
pub(crate) fn work_dir(id: &str) -> PathBuf {
    Path::new(WORK).join(id)
}

fn make_work() -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(WORK)
}

/// Puts device nodes of our own over the host's, in this mount namespace.
///
/// Runtimes bind `/dev/null` into the container and give standard streams to the container's user
/// by `fchown`. With the host's node and a stream on it, a tenant would own the host's `/dev/null`
/// and could close it to everybody (seen with crun 1.8.1 and runc 1.1.5).
fn private_devices() -> io::Result<()> {
    let none = None::<&Path>;
    let home = Path::new(WORK).join(".dev");
    fs::create_dir(&home)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some("hokku"), &home, Some("tmpfs"), flags, Some("mode=0755,size=64k"))?;
    for (name, major, minor) in DEVICES {
        let node = home.join(name);
        mknod(&node, SFlag::S_IFCHR, Mode::empty(), makedev(major, minor))?;
        fs::set_permissions(&node, fs::Permissions::from_mode(0o666))?;
        mount(Some(&node), &Path::new("/dev").join(name), none, MsFlags::MS_BIND, none)?;
    }
    Ok(())
}

fn refuse<T, E: Into<io::Error>>(step: &'static str, result: Result<T, E>) -> Result<T, EnterError> {
    result.map_err(|cause| EnterError::Refused { step, cause: cause.into() })
}
