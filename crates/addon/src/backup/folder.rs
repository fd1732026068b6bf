//! The files of backups.
//!
//! ```text
//!  DIR/ID.dump        a backup that was verified
//!  DIR/work/ID.dump   one on its way; DIR/work/ID.list what of it is restored
//! ```

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use model::id::TransferId;
use model::transfer::Transfer;
use nix::sys::statvfs::statvfs;
use nix::unistd::geteuid;

use crate::backup::failure::TransferError;
use crate::backup::programs::NOBODY;

const WORK: &str = "work";

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
}

/// The folder cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("could not make the folder of backups {path}")]
pub struct NoFolder {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl Folder {
    /// Makes what is missing of it. Others may pass through it, as they must through all folders above, but read nothing.
    ///
    /// # Errors
    /// [`NoFolder`].
    pub fn open(dir: &Path) -> Result<Self, NoFolder> {
        for path in [dir.to_owned(), dir.join(WORK)] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o711)
                .create(&path)
                .map_err(|cause| NoFolder { path: path.clone(), cause })?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// A verified backup's file.
    #[must_use]
    pub fn kept(&self, id: TransferId) -> PathBuf {
        self.dir.join(Transfer::file_name(id))
    }

    fn work(&self, id: TransferId) -> PathBuf {
        self.dir.join(WORK).join(Transfer::file_name(id))
    }

    /// An empty file for a dump on its way.
    pub(crate) fn begin(&self, id: TransferId) -> Result<File, TransferError> {
        let path = self.work(id);
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed("make", &path))
    }

    /// A dump on its way, to be read.
    pub(crate) fn reread(&self, id: TransferId) -> Result<File, TransferError> {
        let path = self.work(id);
        File::open(&path).map_err(failed("open", &path))
    }

    /// A verified backup, to be read.
    pub(crate) fn open_kept(&self, id: TransferId) -> Result<File, TransferError> {
        let path = self.kept(id);
        match File::open(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(TransferError::BackupGone),
            opened => opened.map_err(failed("open", &path)),
        }
    }

    /// Makes a dump on its way a backup: it is on disk when this returns.
    pub(crate) fn keep(&self, id: TransferId) -> Result<(), TransferError> {
        let (from, to) = (self.work(id), self.kept(id));
        let keep = || {
            File::open(&from)?.sync_all()?;
            fs::rename(&from, &to)?;
            File::open(&self.dir)?.sync_all()
        };
        keep().map_err(failed("keep", &to))
    }

    /// Writes a list that the unprivileged program may read.
    pub(crate) fn write_list(&self, id: TransferId, list: &str) -> Result<PathBuf, TransferError> {
        let path = self.dir.join(WORK).join(format!("{id}.list"));
        let write = || {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(list.as_bytes())?;
            if geteuid().is_root() { chown(&path, Some(NOBODY), Some(NOBODY)) } else { Ok(()) }
        };
        write().map_err(failed("write", &path))?;
        Ok(path)
    }

    /// Refuses what the disk has no room for.
    pub(crate) fn check_space(&self, needed: u64) -> Result<(), TransferError> {
        let stat = statvfs(&self.dir).map_err(|errno| failed("look at", &self.dir)(errno.into()))?;
        let free = stat.blocks_available().saturating_mul(stat.fragment_size());
        if needed <= free { Ok(()) } else { Err(TransferError::NoSpace { needed, free }) }
    }

    /// Removes every file of transfers that are not to be kept, whole or half; `kept` are backups, `working` are at work.
    pub(crate) fn sweep(
        &self,
        kept: &BTreeSet<TransferId>,
        working: &BTreeSet<TransferId>,
    ) -> Result<(), TransferError> {
        for (dir, wanted) in [(self.dir.clone(), kept), (self.dir.join(WORK), working)] {
            let entries = fs::read_dir(&dir).map_err(failed("list", &dir))?;
            for path in entries.flatten().map(|entry| entry.path()) {
                let is_file = path.extension().is_some_and(|it| it == "dump" || it == "list");
                let id = path.file_stem().and_then(|stem| stem.to_str()?.parse::<TransferId>().ok());
                // At its end a backup is renamed before it is noted: its file may be ahead of its state.
                let is_wanted = id.is_some_and(|id| wanted.contains(&id) || working.contains(&id));
                if is_file && id.is_some() && !is_wanted {
                    fs::remove_file(&path).map_err(failed("remove", &path))?;
                }
            }
        }
        Ok(())
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TransferError {
    let path = path.to_owned();
    move |cause| TransferError::File { doing, path, cause }
}
