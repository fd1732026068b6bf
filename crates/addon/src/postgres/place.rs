//! The server's folders and who owns them.
//!
//! ```text
//!  DIR/        ours            etc/   ours, readable by the server: configuration, certificate and key
//!              data/ log/ run/ the server's own, closed to everybody else
//! ```
//! The server runs as a user of its own, so that whoever breaks it holds nothing else. We write only into folders
//! that are ours: in one of the server's it could leave a link to a file of ours.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, User, geteuid};
use ring::digest::{SHA256, digest};
use tokio::process::Command;

/// Longest path of a socket, by the system's `sockaddr_un`.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// The longest name that the server gives its socket.
const SOCKET_NAME: &str = ".s.PGSQL.65535";

/// Who the server runs as.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) name: String,
    uid: Uid,
    gid: Gid,
    /// Whether we are somebody else than it.
    foreign: bool,
}

impl Owner {
    /// The user of this name. Who is not root cannot become another, and runs the server as himself.
    pub(crate) fn of(os_user: &str) -> Option<Self> {
        let me = geteuid();
        let user = if me.is_root() { User::from_name(os_user) } else { User::from_uid(me) };
        let user = user.ok().flatten()?;
        Some(Self { name: user.name, uid: user.uid, gid: user.gid, foreign: me != user.uid })
    }

    /// A program run as this user, with nothing of our environment.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin").current_dir("/");
        if self.foreign {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// The first folder on the way to `path` that the user may not pass through.
    fn shut_out_at(&self, path: &Path) -> Option<PathBuf> {
        let mut ancestors: Vec<&Path> = path.ancestors().collect();
        ancestors.reverse();
        ancestors.into_iter().find(|dir| !self.may_pass(dir)).map(Path::to_owned)
    }

    fn may_pass(&self, dir: &Path) -> bool {
        let Ok(metadata) = fs::metadata(dir) else { return false };
        let bit = if metadata.uid() == self.uid.as_raw() {
            0o100
        } else if metadata.gid() == self.gid.as_raw() {
            0o010
        } else {
            0o001
        };
        metadata.mode() & bit != 0
    }
}

/// Where everything of one server is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) data: PathBuf,
    pub(crate) etc: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) run: PathBuf,
    dir: PathBuf,
}

/// Why the folders cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error("could not prepare {path}")]
    Prepare {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error(
        "the user `{user}`, as whom Postgres runs, may not enter {at}; use a data folder elsewhere, or allow it with `chmod o+x`"
    )]
    ShutOut { user: String, at: PathBuf },
    #[error("{path} belongs to somebody else")]
    Foreign { path: PathBuf },
}

impl Place {
    /// Makes the folders where they are missing, except the data folder, and clears a half-made one away.
    pub(crate) fn prepare(dir: &Path, owner: &Owner) -> Result<Self, PlaceError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |cause| PlaceError::Prepare { path, cause }
        };
        fs::create_dir_all(dir).and_then(|()| make_dir(dir, 0o711, None, None)).map_err(failed(dir))?;
        let dir = dir.canonicalize().map_err(failed(dir))?;
        if let Some(at) = owner.shut_out_at(&dir) {
            return Err(PlaceError::ShutOut { user: owner.name.clone(), at });
        }
        let place = Self {
            data: dir.join("data"),
            etc: dir.join("etc"),
            log: dir.join("log"),
            run: short_enough(dir.join("run")),
            dir,
        };
        make_dir(&place.etc, 0o750, None, Some(owner.gid)).map_err(failed(&place.etc))?;
        make_dir(&place.log, 0o700, Some(owner.uid), None).map_err(failed(&place.log))?;
        make_dir(&place.run, 0o700, Some(owner.uid), None).map_err(failed(&place.run))?;
        // Only a folder under a public one can have been made by somebody else before us.
        let run = fs::symlink_metadata(&place.run).map_err(failed(&place.run))?;
        if !run.is_dir() || run.uid() != owner.uid.as_raw() || run.mode() & 0o077 != 0 {
            return Err(PlaceError::Foreign { path: place.run });
        }
        let half = place.half_made();
        match fs::remove_dir_all(&half) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(failed(&half)(cause)),
            _ => Ok(place),
        }
    }

    /// The version of Postgres that made the data folder; none when there is none yet.
    pub(crate) fn data_major(&self) -> Option<u32> {
        fs::read_to_string(self.data.join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// A folder in which the data folder is made.
    pub(crate) fn make_half(&self, owner: &Owner) -> io::Result<PathBuf> {
        let half = self.half_made();
        make_dir(&half, 0o700, Some(owner.uid), Some(owner.gid))?;
        Ok(half)
    }

    /// The made folder becomes the data folder.
    pub(crate) fn keep_half(&self) -> io::Result<()> {
        fs::rename(self.half_made(), &self.data)?;
        fs::File::open(&self.dir)?.sync_all()
    }

    fn half_made(&self) -> PathBuf {
        self.dir.join("data.new")
    }

    /// Writes a file that the server may read, if it is not so already; true when it was not.
    pub(crate) fn write(&self, name: &str, contents: &[u8], owner: &Owner) -> io::Result<bool> {
        let path = self.etc.join(name);
        if fs::read(&path).is_ok_and(|old| old == contents) {
            return Ok(false);
        }
        let new = self.etc.join(format!("{name}.new"));
        match fs::remove_file(&new) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        if owner.foreign {
            fchown(&file, None, Some(owner.gid.as_raw()))?;
            file.set_permissions(Permissions::from_mode(0o640))?;
        }
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        Ok(true)
    }

    /// A configuration file as it is.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.etc.join(name)).ok()
    }
}

/// Sockets need a short path; one too long is replaced by a name made of it under a short folder.
fn short_enough(run: PathBuf) -> PathBuf {
    if run.as_os_str().len() + 1 + SOCKET_NAME.len() <= SOCKET_PATH_BYTES_MAX {
        return run;
    }
    let hash = digest(&SHA256, run.as_os_str().as_encoded_bytes());
    let name: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let parent = if geteuid().is_root() { "/run" } else { "/tmp" };
    Path::new(parent).join(format!("hokku-{name}"))
}

fn make_dir(path: &Path, mode: u32, uid: Option<Uid>, gid: Option<Gid>) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(path) {
        // What follows is done again: we may have been killed before it.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            if !fs::symlink_metadata(path)?.is_dir() {
                return Err(cause);
            }
        }
        made => made?,
    }
    // The mode above is cut by our umask.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    chown(path, uid.map(Uid::as_raw), gid.map(Gid::as_raw))
}

#[cfg(test)]
mod tests;
