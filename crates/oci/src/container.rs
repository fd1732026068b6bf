//! The life of one container: started by [`run`], held as a [`Running`], removed.
//!
//! ```text
//! run ──► Running ──(the command ends, or kill_all)──► wait: Exit ──► delete
//!    └─ the shim itself dies at any point ──► cleanup(state_dir) by another process
//! ```
//! The only thing kept on disk is a small record in the `state_dir`, written before anything that
//! could outlive this process is made; mounts vanish with the process (see [`crate::sandbox`]).

mod running;

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process;

use nix::mount::{MntFlags, umount2};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{fstat, major, minor};
use nix::unistd::Pid;
use serde_json::Value;

pub use crate::cgroup::{CgroupError, Memory};
pub use crate::listening::{Arrival, Listening};

pub use self::running::{Exit, Running, Status, WaitError};

use crate::bundle::{self, Setting};
use crate::cgroup::Cgroup;
use crate::rootfs::{self, RootError};
use crate::runtime::{Launch, Runtime, RuntimeError};
use crate::sandbox::{Sandbox, work_dir};
use crate::seccomp::SeccompError;
use crate::spec::{Spec, SpecError};
use crate::sys;

/// Name of the record in a container's `state_dir`.
const RECORD: &str = "container.json";

/// Where a container's standard streams go.
#[derive(Debug)]
pub enum Stdio {
    /// To these descriptors, which then belong to the container's user: runtimes `fchown` them.
    Fds {
        /// Standard input.
        stdin: OwnedFd,
        /// Standard output.
        stdout: OwnedFd,
        /// Standard error.
        stderr: OwnedFd,
    },
    /// To a terminal of its own, sized by [`Spec::terminal`]; see [`Running::terminal`].
    Terminal,
}

/// Why a container did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The spec makes no sense.
    #[error("the container's spec is not valid")]
    Spec(#[from] SpecError),
    /// [`Spec::terminal`] and [`Stdio::Terminal`] must go together.
    #[error("the spec asks for a terminal and the streams do not, or the other way round")]
    Terminal,
    /// What an earlier container of the same `state_dir` left could not be removed.
    #[error("could not remove what an earlier container left")]
    Leftovers(#[source] CleanupError),
    /// The root could not be put together.
    #[error("could not put the root together")]
    Root(#[from] RootError),
    /// The system call filter could not be made.
    #[error("could not make the config")]
    Seccomp(#[from] SeccompError),
    /// The cgroup that the start happens in could not be made or removed.
    #[error("could not use the cgroup of the start")]
    Cgroup(#[from] CgroupError),
    /// A file or folder of the container could not be made.
    #[error("could not make {path}")]
    Make {
        /// What was to be made.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The runtime refused. A command that does not exist shows here, in the runtime's words.
    #[error("the container did not start")]
    Runtime(#[from] RuntimeError),
    /// The runtime did not hand over the terminal.
    #[error("the container's terminal did not arrive")]
    Console(#[source] io::Error),
    /// The new process could not be held on to.
    #[error("could not get a handle of process {pid}")]
    Handle {
        /// The container's pid 1.
        pid: i32,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

/// Why what a container left could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum CleanupError {
    /// Its processes or its cgroup.
    #[error("could not end and remove the container's cgroup")]
    Cgroup(#[from] CgroupError),
    /// The runtime's own state.
    #[error("could not make the runtime forget the container")]
    Runtime(#[from] RuntimeError),
    /// Files.
    #[error("could not remove {path}")]
    Remove {
        /// What was to be removed.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

/// Starts a container: root, config, runtime.
///
/// If it fails, nothing of the container is left, its `state_dir` neither.
pub fn run(sandbox: &Sandbox, spec: &Spec, stdio: Stdio, runtime: &dyn Runtime) -> Result<Running, RunError> {
    spec.check()?;
    if spec.terminal.is_some() != matches!(stdio, Stdio::Terminal) {
        return Err(RunError::Terminal);
    }
    let cgroup = sandbox.hierarchy.group(&spec.cgroup_parent, &spec.id);
    if spec.state_dir.join(RECORD).exists() {
        cleanup(&spec.state_dir).map_err(RunError::Leftovers)?;
    }
    write_record(&spec.state_dir, &cgroup)?;
    let work = work_dir(&spec.id);
    let limits_swap = sandbox.hierarchy.limits_swap();
    start(spec, stdio, runtime, &cgroup, limits_swap, &work).inspect_err(|_| {
        // The error of the start is the one to tell; what cannot be undone now, the next start or
        // `cleanup` will meet again by the record.
        let _ = unmount_and_remove(&work);
        let _ = cleanup(&spec.state_dir);
    })
}

fn start(
    spec: &Spec,
    stdio: Stdio,
    runtime: &dyn Runtime,
    cgroup: &Cgroup,
    limits_swap: bool,
    work: &Path,
) -> Result<Running, RunError> {
    make_dir(work)?;
    let root = rootfs::build(spec, work)?;
    let view = write_cgroup_view(spec, work)?;
    let nofile_max = getrlimit(Resource::RLIMIT_NOFILE).map_or(spec.limits.nofile, |(_, hard)| hard);
    let setting = Setting {
        root: &root,
        cgroup: cgroup.oci_path(),
        cgroup_view: &view,
        limits_swap,
        nofile_max,
        seccomp: runtime.seccomp(),
    };
    write_config(&bundle::config(spec, &setting)?, work)?;
    let nursery = cgroup.nursery();
    let (pid, terminal) = launch(spec, stdio, runtime, work, nursery.create()?)?;
    nursery.remove()?;
    let handle = sys::pidfd_open(pid).map_err(|cause| RunError::Handle { pid: pid.as_raw(), cause })?;
    Ok(Running {
        id: spec.id.clone(),
        pid,
        handle,
        cgroup: cgroup.clone(),
        state_dir: spec.state_dir.clone(),
        terminal,
        warnings: root.warnings,
        exit: None,
    })
}

fn launch(
    spec: &Spec,
    stdio: Stdio,
    runtime: &dyn Runtime,
    work: &Path,
    nursery: File,
) -> Result<(Pid, Option<OwnedFd>), RunError> {
    let state = work.join("runtime");
    make_dir(&state)?;
    let socket = work.join("console");
    let null = process::Stdio::null;
    let (listener, [stdin, stdout, stderr]) = match stdio {
        Stdio::Fds { stdin, stdout, stderr } => (None, [own_null(stdin), own_null(stdout), own_null(stderr)]),
        Stdio::Terminal => {
            let listener = UnixListener::bind(&socket).map_err(RunError::Console)?;
            (Some(listener), [null(), null(), null()])
        }
    };
    let console = listener.as_ref().map(|_| socket.as_path());
    let pid = runtime.run(Launch {
        id: &spec.id,
        bundle: work,
        state: &state,
        nursery,
        console,
        stdin,
        stdout,
        stderr,
    })?;
    let terminal = listener.map(|listener| receive_terminal(&listener)).transpose();
    let terminal = terminal.map_err(RunError::Console)?;
    if let (Some(master), Some(window)) = (&terminal, spec.terminal) {
        // Not every runtime obeys consoleSize.
        sys::set_window(master.as_fd(), window).map_err(RunError::Console)?;
    }
    Ok((pid, terminal))
}

/// A stream as the runtime may have it: the host's null device is exchanged for our own, since the
/// runtime gives streams to the container's user (see [`crate::sandbox`]).
fn own_null(stream: OwnedFd) -> process::Stdio {
    const NULL: (u64, u64) = (1, 3);
    match fstat(&stream) {
        Ok(stat) if (major(stat.st_rdev), minor(stat.st_rdev)) == NULL => process::Stdio::null(),
        _ => stream.into(),
    }
}

/// Takes the terminal out of the connection the runtime has made. Does not wait: the runtime has
/// ended, so what it sent is there or never comes.
fn receive_terminal(listener: &UnixListener) -> io::Result<OwnedFd> {
    listener.set_nonblocking(true)?;
    let (stream, _) = listener.accept()?;
    sys::receive_fd(&stream)
}

/// Removes what is left of a container whose shim is gone: kills its processes, removes its cgroup
/// and its `state_dir`. Safe to repeat, and safe on a folder where nothing ever ran.
pub fn cleanup(state_dir: &Path) -> Result<(), CleanupError> {
    let record = state_dir.join(RECORD);
    match fs::read(&record) {
        Ok(bytes) => {
            let cgroup: Cgroup = serde_json::from_slice(&bytes)
                .map_err(|cause| CleanupError::Remove { path: record, cause: cause.into() })?;
            end(&cgroup)?;
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(CleanupError::Remove { path: record, cause }),
    }
    remove_dir(state_dir)
}

/// Ends and removes a container's groups: the runtime's first, so that nothing comes after.
fn end(cgroup: &Cgroup) -> Result<(), CgroupError> {
    for group in [&cgroup.nursery(), cgroup] {
        group.kill_all()?;
    }
    cgroup.nursery().remove()?;
    cgroup.remove()
}

fn write_record(state_dir: &Path, cgroup: &Cgroup) -> Result<(), RunError> {
    make_dir(state_dir)?;
    let path = state_dir.join(RECORD);
    let temporary = state_dir.join(format!("{RECORD}.new"));
    let bytes = serde_json::to_vec(cgroup).map_err(|cause| make_error(&path)(cause.into()))?;
    fs::write(&temporary, bytes).map_err(make_error(&temporary))?;
    fs::rename(&temporary, &path).map_err(make_error(&path))
}

fn write_config(config: &Value, work: &Path) -> Result<(), RunError> {
    let path = work.join("config.json");
    let bytes = serde_json::to_vec(config).map_err(|cause| make_error(&path)(cause.into()))?;
    fs::write(&path, bytes).map_err(make_error(&path))
}

fn write_cgroup_view(spec: &Spec, work: &Path) -> Result<PathBuf, RunError> {
    let view = work.join("cgroup");
    for (name, text) in bundle::cgroup_view(spec) {
        let path = view.join(name);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(make_error(dir))?;
        }
        fs::write(&path, text).map_err(make_error(&path))?;
    }
    Ok(view)
}

fn make_dir(path: &Path) -> Result<(), RunError> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(path).map_err(make_error(path))
}

fn make_error(path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_owned();
    move |cause| RunError::Make { path, cause }
}

/// Takes down the mounts below `work` and removes it. A mount that is still used by a dying process
/// is only detached, and a folder that cannot be removed yet is left to vanish with this process.
fn unmount_and_remove(work: &Path) -> Result<(), CleanupError> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let below =
        mounts.lines().filter_map(|line| line.split(' ').nth(4)).filter(|at| Path::new(at).starts_with(work));
    for at in below.collect::<Vec<_>>().into_iter().rev() {
        let _ = umount2(at, MntFlags::MNT_DETACH);
    }
    remove_dir(work)
}

fn remove_dir(path: &Path) -> Result<(), CleanupError> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(CleanupError::Remove { path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}
