//! The system calls that no crate here wraps: detached mounts, idmapping, pidfds, loop devices.
//!
//! The only file of the project with `unsafe` in it; each block says why it is sound. Everything
//! returns plain [`io::Result`]: the callers know what they were doing and to which path.
#![expect(unsafe_code, reason = "raw system calls; each block carries its SAFETY note")]

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sched::CloneFlags;
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::{ForkResult, Pid};

use crate::spec::{UIDS, Window};

/// Tries to get a free loop device before giving up: another process may take it in between.
const LOOP_TRIES: usize = 16;
const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4C82;
const LOOP_CONFIGURE: libc::c_ulong = 0x4C0A;
const LO_FLAGS_READ_ONLY: u32 = 1;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// A detached copy of the mount at `path`, attached nowhere.
pub(crate) fn clone_mount(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = libc::OPEN_TREE_CLONE | libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: `path` is a NUL-terminated string that outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    owned(fd)
}

/// Maps owners of a detached mount: `0..UIDS` on disk show as the range of the user namespace.
pub(crate) fn idmap(mount: BorrowedFd<'_>, userns: BorrowedFd<'_>) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::try_from(userns.as_raw_fd()).map_err(io::Error::other)?,
    };
    // SAFETY: the path is an empty NUL-terminated string and `attr` lives through the call; its size
    // is passed beside it.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    check(done)
}

/// Attaches a detached mount at `target`.
pub(crate) fn attach_mount(mount: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let target = CString::new(target.as_os_str().as_bytes())?;
    // SAFETY: both paths are NUL-terminated strings that outlive the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    check(done)
}

/// A user namespace that maps `0..UIDS` to `base..base + UIDS`; it lives as long as the descriptor.
///
/// A namespace can only be made by a process that moves into it, so a child does, and stays until
/// this process lets go of it or ends.
pub(crate) fn user_namespace(base: u32) -> io::Result<OwnedFd> {
    let (ready, tell) = nix::unistd::pipe()?;
    let (stay, leave) = nix::unistd::pipe()?;
    // SAFETY: the child only makes system calls on values made before the fork and ends by `_exit`;
    // it allocates nothing, so a lock held by another thread cannot matter.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => {
            drop(leave);
            if nix::sched::unshare(CloneFlags::CLONE_NEWUSER).is_ok() {
                let _ = nix::unistd::write(&tell, b"1");
                let _ = nix::unistd::read(&stay, &mut [0]);
            }
            // SAFETY: `_exit` takes no pointers and does not return.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            drop(tell);
            let made = map_child(child, &ready, base);
            drop(leave);
            nix::sys::wait::waitpid(child, None)?;
            made
        }
    }
}

fn map_child(child: Pid, ready: &OwnedFd, base: u32) -> io::Result<OwnedFd> {
    if nix::unistd::read(ready, &mut [0])? == 0 {
        return Err(io::Error::other("a new user namespace was refused (user.max_user_namespaces is 0?)"));
    }
    for file in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{child}/{file}"), format!("0 {base} {UIDS}\n"))?;
    }
    Ok(File::open(format!("/proc/{child}/ns/user"))?.into())
}

/// A handle of a process that cannot come to mean another one.
pub(crate) fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: takes two integers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })
}

/// Sends a signal through a handle of [`pidfd_open`].
pub(crate) fn pidfd_signal(pidfd: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo is allowed and means "as kill(2) would".
    check(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal as libc::c_int, none, 0)
    })
}

/// Sets the size of the terminal behind a pty master; its foreground group gets SIGWINCH.
pub(crate) fn set_window(master: BorrowedFd<'_>, window: Window) -> io::Result<()> {
    let size = libc::winsize { ws_row: window.rows, ws_col: window.columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCSWINSZ reads one `winsize`, which lives through the call.
    check(i64::from(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }))
}

/// Has `command` join the cgroup of an open `cgroup.procs` before it runs, and end with this thread:
/// until it has joined, nobody would find it if this process were killed.
pub(crate) fn tie(command: &mut Command, procs: File) {
    let parent = Pid::this();
    // SAFETY: the closure runs between fork and exec and only makes system calls on values that it
    // owns.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            if Pid::parent() != parent {
                // It had ended before: no signal will come.
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Ok(nix::unistd::write(&procs, b"0").map(drop)?)
        });
    }
}

/// Takes the one descriptor that the other side sends over a socket; does not wait for it.
pub(crate) fn receive_fd(stream: &UnixStream) -> io::Result<OwnedFd> {
    // Runtimes send the terminal's name along; it tells nothing.
    let mut name = [0; 256];
    let mut slices = [io::IoSliceMut::new(&mut name)];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut space), flags)?;
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = part
            && let Some(&fd) = fds.first()
        {
            return owned(i64::from(fd));
        }
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no descriptor was sent"))
}

#[repr(C)]
struct LoopInfo64 {
    device_inode_rdevice_offset_sizelimit: [u64; 5],
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo64,
    reserved: [u64; 8],
}

/// A read-only loop device over `file` that frees itself once nothing uses it any more.
///
/// Keep the returned device open until it is mounted.
pub(crate) fn loop_device(file: &File) -> io::Result<(File, String)> {
    let control = OpenOptions::new().read(true).write(true).open("/dev/loop-control")?;
    let config = LoopConfig {
        fd: u32::try_from(file.as_raw_fd()).map_err(io::Error::other)?,
        block_size: 0,
        info: LoopInfo64 {
            device_inode_rdevice_offset_sizelimit: [0; 5],
            number: 0,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
            file_name: [0; 64],
            crypt_name: [0; 64],
            encrypt_key: [0; 32],
            init: [0; 2],
        },
        reserved: [0; 8],
    };
    for _ in 0..LOOP_TRIES {
        // SAFETY: LOOP_CTL_GET_FREE takes no argument.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
        check(i64::from(number))?;
        let path = format!("/dev/loop{number}");
        let device = File::open(&path)?;
        // SAFETY: LOOP_CONFIGURE reads one `loop_config` of the kernel's layout, which lives through
        // the call.
        let done = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) };
        match check(i64::from(done)) {
            Ok(()) => return Ok((device, path)),
            Err(taken) if taken.raw_os_error() == Some(libc::EBUSY) => {}
            Err(cause) => return Err(cause),
        }
    }
    Err(io::Error::other("every free loop device was taken by another process first"))
}

fn check(result: i64) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn owned(result: i64) -> io::Result<OwnedFd> {
    check(result)?;
    let fd = i32::try_from(result).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lets none of this process's descriptors but the standard streams reach the programs it starts.
pub(crate) fn close_on_exec() -> io::Result<()> {
    let first: libc::c_uint = 3;
    // SAFETY: with CLOSE_RANGE_CLOEXEC the call only sets a flag on descriptors that exist; it takes no pointers.
    let done =
        unsafe { libc::close_range(first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
