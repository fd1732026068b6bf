//! Where everything lies in the data folder.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Longest data folder path, in bytes: sockets below it must fit into `sun_path` (108 bytes).
const DIR_BYTES_MAX: usize = 70;
/// Length of the tag that names this server's bridge, cgroup and firewall table.
const TAG_CHARS: usize = 6;

/// The data folder, made and ready.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
    tag: String,
}

impl Layout {
    /// Makes the folders that are missing and reads, or picks, the server's tag.
    ///
    /// # Errors
    /// When a folder cannot be made, or the path is too long for the sockets in it.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let make = |dir: &Path| fs::DirBuilder::new().recursive(true).mode(0o711).create(dir);
        make(dir).with_context(|| format!("could not make the data folder {}", dir.display()))?;
        let dir = dir.canonicalize().with_context(|| format!("could not open {}", dir.display()))?;
        if dir.as_os_str().len() > DIR_BYTES_MAX {
            bail!(
                "the data folder's path is too long: {} ({} bytes, at most {DIR_BYTES_MAX}); choose a shorter --data-dir",
                dir.display(),
                dir.as_os_str().len()
            );
        }
        for name in ["run", "tls", "router", "spool", "sources", "repos"] {
            make(&dir.join(name)).with_context(|| format!("could not make {}", dir.join(name).display()))?;
        }
        let tag = tag(&dir.join("tag")).context("could not read or pick the server's tag")?;
        Ok(Self { dir, tag })
    }

    /// The data folder itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A short name, unique on this machine, for what has to be named globally.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// A file or folder directly below the data folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The control server's socket, to which the router passes what is not an app's.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.dir.join("run/control.sock")
    }

    /// The router's own control socket.
    #[must_use]
    pub fn router_socket(&self) -> PathBuf {
        self.dir.join("run/router.sock")
    }

    /// The socket at which git's hooks ask the server.
    #[must_use]
    pub fn hook_socket(&self) -> PathBuf {
        self.dir.join("run/hook.sock")
    }
}

/// Writes a file in one step, readable by its owner alone.
///
/// # Errors
/// When it cannot be written.
pub fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    fs::write(&temporary, b"")?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600))?;
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)
}

/// The tag is picked once and kept, so that moving the folder does not orphan a bridge.
fn tag(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let id = model::id::AppId::new().to_string();
    let tag: String = id.chars().filter(char::is_ascii_alphanumeric).take(TAG_CHARS).collect();
    write_secret(path, tag.as_bytes())?;
    Ok(tag)
}
