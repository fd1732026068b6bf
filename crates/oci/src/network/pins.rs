//! What is kept on disk of a network: pinned namespaces, leases, the chosen subnet.
//!
//! ```text
//! <state_dir>/subnet        10.213.16.0/20
//! <state_dir>/netns/7       the namespace of slot 7, bind-mounted: it lives while nothing runs in it
//! <state_dir>/leases/7      whose it is
//! ```
//! `netns/` is a shared mount, as `ip netns` keeps its own: a shim has a mount namespace of its own,
//! and only from a shared mount does an unmount reach the copies there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statfs::statfs;

use super::subnet::Cidr;

/// Filesystem type of a bind-mounted namespace.
const NSFS_MAGIC: i64 = 0x6e73_6673;

/// The files of one network.
#[derive(Debug)]
pub(super) struct Pins {
    dir: PathBuf,
}

impl Pins {
    /// Makes the folders and the shared mount, or finds them.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let pins = Self { dir: dir.canonicalize()? };
        fs::create_dir_all(pins.leases_dir())?;
        let netns = pins.netns_dir();
        fs::create_dir_all(&netns)?;
        let none = None::<&Path>;
        if !is_mounted(&netns)? {
            mount(Some(&netns), &netns, none, MsFlags::MS_BIND, none)?;
        }
        mount(none, &netns, none, MsFlags::MS_SHARED, none)?;
        Ok(pins)
    }

    pub(super) fn pin(&self, slot: u32) -> PathBuf {
        self.netns_dir().join(slot.to_string())
    }

    /// Whether the namespace of a slot is there.
    pub(super) fn is_pinned(&self, slot: u32) -> bool {
        statfs(&self.pin(slot)).is_ok_and(|fs| fs.filesystem_type().0 == NSFS_MAGIC)
    }

    /// Lets go of a namespace; missing is fine.
    pub(super) fn unpin(&self, slot: u32) -> io::Result<()> {
        let pin = self.pin(slot);
        while self.is_pinned(slot) {
            umount2(&pin, MntFlags::MNT_DETACH)?;
        }
        missing_is_fine(fs::remove_file(pin))
    }

    /// Every slot there is a trace of.
    pub(super) fn slots(&self) -> io::Result<Vec<u32>> {
        let entries = fs::read_dir(self.netns_dir())?;
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
    }

    /// Who has which slot.
    pub(super) fn leases(&self) -> io::Result<BTreeMap<u32, String>> {
        let mut leases = BTreeMap::new();
        for entry in fs::read_dir(self.leases_dir())? {
            let entry = entry?;
            if let Some(slot) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                leases.insert(slot, fs::read_to_string(entry.path())?);
            }
        }
        Ok(leases)
    }

    pub(super) fn write_lease(&self, slot: u32, name: &str) -> io::Result<()> {
        write(&self.leases_dir().join(slot.to_string()), name)
    }

    pub(super) fn remove_lease(&self, slot: u32) -> io::Result<()> {
        missing_is_fine(fs::remove_file(self.leases_dir().join(slot.to_string())))
    }

    pub(super) fn subnet(&self) -> Option<Cidr> {
        fs::read_to_string(self.dir.join("subnet")).ok()?.parse().ok()
    }

    pub(super) fn write_subnet(&self, subnet: Cidr) -> io::Result<()> {
        write(&self.dir.join("subnet"), &subnet.to_string())
    }

    /// Removes everything; the namespaces must be gone.
    pub(super) fn close(&self) -> io::Result<()> {
        let netns = self.netns_dir();
        while is_mounted(&netns)? {
            umount2(&netns, MntFlags::MNT_DETACH)?;
        }
        missing_is_fine(fs::remove_dir_all(&self.dir))
    }

    fn netns_dir(&self) -> PathBuf {
        self.dir.join("netns")
    }

    fn leases_dir(&self) -> PathBuf {
        self.dir.join("leases")
    }
}

/// Whether `path` (canonical) is a mount point of this process.
fn is_mounted(path: &Path) -> io::Result<bool> {
    let mut escaped = String::new();
    for c in path.to_string_lossy().chars() {
        match c {
            ' ' => escaped.push_str("\\040"),
            '\t' => escaped.push_str("\\011"),
            '\n' => escaped.push_str("\\012"),
            '\\' => escaped.push_str("\\134"),
            other => escaped.push(other),
        }
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(mounts.lines().any(|line| line.split(' ').nth(4) == Some(&escaped)))
}

/// Whole or not at all, also under SIGKILL. Temporary names are no numbers, so nobody reads them.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("new");
    fs::write(&temporary, text)?;
    fs::rename(&temporary, path)
}

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
