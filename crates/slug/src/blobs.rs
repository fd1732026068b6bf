//! The layers of a server: image files named by their digest.
//!
//! One process owns a directory of blobs; within it, clones share one lock. A layer appears under its name
//! only when it is whole and on disk, so a kill leaves nothing but a temporary file, which the next start
//! removes.

use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use model::time::Timestamp;

use crate::digest::Digest;
use crate::manifest::LayerRef;
use crate::pack::{self, PackError, PackOptions};

const LAYERS: &str = "layers";
const UNFINISHED: &str = "unfinished";

/// A directory of layers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: Arc<PathBuf>,
    /// Held while a layer is given its name, taken again, or removed as garbage: the collector must not
    /// remove what a packer has just found to be there already.
    naming: Arc<Mutex<()>>,
}

/// A directory of layers could not be worked on.
#[derive(Debug, thiserror::Error)]
#[error("could not use the layers at {path}")]
pub struct BlobsError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// A layer is not what its name says; a dyno must not start from it (R17).
#[derive(Debug, thiserror::Error)]
pub enum Corrupt {
    /// There is no such layer, or it cannot be read.
    #[error("layer {digest} cannot be read")]
    Unreadable {
        /// The layer.
        digest: Digest,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Its bytes have changed.
    #[error("layer {digest} has the checksum {found}")]
    Mismatch {
        /// The layer.
        digest: Digest,
        /// What its bytes sum to.
        found: Digest,
    },
}

/// An image from elsewhere could not be made a layer.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not what it is said to be.
    #[error("the image {image} is damaged: it has the checksum {found}")]
    Damaged {
        /// The image.
        image: PathBuf,
        /// What its bytes sum to.
        found: Digest,
    },
    /// It could not be read, or not be stored here.
    #[error("could not import the image {image}")]
    Failed {
        /// The image.
        image: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// What a collection removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// The number of layers.
    pub layers: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Blobs {
    /// Opens the directory, makes it if need be, and removes what an earlier process left unfinished.
    pub fn open(root: &Path) -> Result<Self, BlobsError> {
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |cause| BlobsError { path, cause }
        };
        let unfinished = root.join(UNFINISHED);
        match fs::remove_dir_all(&unfinished) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(at(&unfinished)(cause)),
            _ => {}
        }
        for dir in [root.join(LAYERS), unfinished] {
            fs::create_dir_all(&dir).map_err(at(&dir))?;
        }
        Ok(Self { root: Arc::new(root.to_path_buf()), naming: Arc::default() })
    }

    /// Where a layer is, or would be.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.root.join(LAYERS).join(format!("{digest}.erofs"))
    }

    /// Whether the layer is there. Says nothing about its bytes: see [`Blobs::verify`].
    #[must_use]
    pub fn exists(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Makes a layer of a directory tree, whose root is the root of a dyno's file system (app files are
    /// below `app/`). An equal tree gives the layer that is there already.
    pub fn pack(&self, tree: &Path, options: &PackOptions) -> Result<LayerRef, PackError> {
        let unfinished = self.root.join(UNFINISHED);
        let store = |path: &Path| {
            let path = path.to_path_buf();
            move |cause| PackError::Store { path, cause }
        };
        let image = tempfile::Builder::new()
            .prefix("layer-")
            .tempfile_in(&unfinished)
            .map_err(store(&unfinished))?
            .into_temp_path();
        pack::erofs(tree, &image, options)?;
        let (digest, bytes) = Digest::of_file(&image).map_err(store(&image))?;
        self.adopt(&image, &digest).map_err(store(&self.path(&digest)))?;
        Ok(LayerRef { digest, bytes })
    }

    /// Takes over a finished image, checked against its digest, unless the layer is there already. The image
    /// stays where it is; it must never be changed in place, since the layer may share its bytes.
    pub fn import(&self, image: &Path, digest: &Digest) -> Result<LayerRef, ImportError> {
        let failed = |cause| ImportError::Failed { image: image.to_path_buf(), cause };
        let path = self.path(digest);
        if !self.touch(&path).map_err(failed)? {
            let (found, _) = Digest::of_file(image).map_err(failed)?;
            if found != *digest {
                return Err(ImportError::Damaged { image: image.to_path_buf(), found });
            }
            let dir = tempfile::tempdir_in(self.root.join(UNFINISHED)).map_err(failed)?;
            let copy = dir.path().join("layer");
            // On one file system a second name is enough.
            fs::hard_link(image, &copy).or_else(|_| fs::copy(image, &copy).map(drop)).map_err(failed)?;
            self.adopt(&copy, digest).map_err(failed)?;
        }
        let bytes = fs::metadata(&path).map_err(failed)?.len();
        Ok(LayerRef { digest: *digest, bytes })
    }

    /// Gives a finished image its name, unless the layer is there already.
    fn adopt(&self, image: &Path, digest: &Digest) -> io::Result<()> {
        let path = self.path(digest);
        if !self.touch(&path)? {
            let file = File::open(image)?;
            // Layers are read by dynos' supervisors under other users too; `tempfile` makes files private.
            file.set_permissions(Permissions::from_mode(0o444))?;
            file.sync_all()?;
            let _naming = self.naming();
            fs::rename(image, &path)?;
            // The name is the promise: it must survive a power cut before anyone is told of it.
            File::open(self.root.join(LAYERS))?.sync_all()?;
        }
        Ok(())
    }

    /// Marks a layer as just used, if it is there.
    fn touch(&self, path: &Path) -> io::Result<bool> {
        let _naming = self.naming();
        match nix::sys::stat::utimensat(
            nix::fcntl::AT_FDCWD,
            path,
            &nix::sys::time::TimeSpec::UTIME_NOW,
            &nix::sys::time::TimeSpec::UTIME_NOW,
            nix::sys::stat::UtimensatFlags::NoFollowSymlink,
        ) {
            Ok(()) => Ok(true),
            Err(nix::errno::Errno::ENOENT) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Reads a layer to the end and compares its checksum with its name (about 1 s per GiB).
    pub fn verify(&self, digest: &Digest) -> Result<(), Corrupt> {
        let (found, _) = Digest::of_file(&self.path(digest))
            .map_err(|cause| Corrupt::Unreadable { digest: *digest, cause })?;
        if found == *digest { Ok(()) } else { Err(Corrupt::Mismatch { digest: *digest, found }) }
    }

    /// Removes the layers that are not in `live` and were last made or found by [`Blobs::pack`] before
    /// `unused_since`: a build packs its layers some time before its slug is recorded. A mounted image
    /// stays readable until it is unmounted.
    pub fn collect_garbage(
        &self,
        live: &HashSet<Digest>,
        unused_since: Timestamp,
    ) -> Result<Collected, BlobsError> {
        let dir = self.root.join(LAYERS);
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |cause| BlobsError { path, cause }
        };
        let unused_since =
            UNIX_EPOCH + Duration::from_micros(u64::try_from(unused_since.as_micros()).unwrap_or(0));
        let mut collected = Collected::default();
        for entry in fs::read_dir(&dir).map_err(at(&dir))? {
            let path = entry.map_err(at(&dir))?.path();
            let digest = path.file_name().and_then(|name| name.to_str());
            let digest = digest.and_then(|name| name.strip_suffix(".erofs")?.parse().ok());
            // What does not carry a layer's name is not ours to remove.
            if digest.is_none_or(|digest| live.contains(&digest)) {
                continue;
            }
            let _naming = self.naming();
            let meta = fs::metadata(&path).map_err(at(&path))?;
            if meta.modified().map_err(at(&path))? < unused_since {
                fs::remove_file(&path).map_err(at(&path))?;
                collected.layers += 1;
                collected.bytes += meta.len();
            }
        }
        Ok(collected)
    }

    fn naming(&self) -> std::sync::MutexGuard<'_, ()> {
        // The lock guards no data, so a panicked holder has left nothing half-changed in memory.
        self.naming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
