//! What this machine lacks to run containers, told all at once with the remedy.

use std::fmt;
use std::fs;

use nix::unistd::Uid;

use crate::cgroup::Hierarchy;
use crate::runtime::{CommandRuntime, find_program};
use crate::sys;

/// Something that is missing, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is missing.
    pub what: String,
    /// What the operator can do.
    pub remedy: String,
    /// Whether containers cannot run at all without it.
    pub fatal: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.remedy)
    }
}

/// Looks for everything containers and their networks need; an empty list is a fit machine.
#[must_use]
pub fn probe() -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut miss = |present: bool, fatal: bool, what: &str, remedy: &str| {
        if !present {
            problems.push(Problem { what: what.to_owned(), remedy: remedy.to_owned(), fatal });
        }
    };
    miss(Uid::effective().is_root(), true, "not root", "run the server as root");
    miss(CommandRuntime::find().is_ok(), true, "no OCI runtime found", "`apt-get install crun`");
    miss(find_program("nft").is_some(), true, "nft not found", "`apt-get install nftables`");
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let knows = |name: &str| filesystems.lines().any(|line| line.split_whitespace().last() == Some(name));
    miss(knows("overlay"), true, "the kernel has no overlayfs", "`modprobe overlay`");
    miss(knows("erofs"), true, "the kernel has no erofs", "`modprobe erofs`");
    let users = sys::user_namespace(1_000_000).is_ok();
    miss(users, true, "user namespaces are refused", "`sysctl -w user.max_user_namespaces=65536`");
    miss(
        Hierarchy::find().is_ok(),
        true,
        "no cgroup memory controller is mounted",
        "`mount -t cgroup2 none /sys/fs/cgroup`",
    );
    miss(
        can_idmap(),
        false,
        "the kernel refuses idmapped mounts, files of an app will belong to nobody inside its dynos",
        "run Linux 5.12 or later (5.19 for overlayfs)",
    );
    problems
}

/// Whether a mount can be idmapped, tried on a detached copy of the root filesystem's mount.
fn can_idmap() -> bool {
    let attempt = || {
        let users = sys::user_namespace(1_000_000)?;
        let mount = sys::clone_mount("/".as_ref())?;
        sys::idmap(std::os::fd::AsFd::as_fd(&mount), std::os::fd::AsFd::as_fd(&users))
    };
    attempt().is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_machine_is_fit() {
        assert_eq!(super::probe(), []);
    }
}
