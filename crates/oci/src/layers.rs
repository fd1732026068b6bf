//! Images that are mounted once for all containers of a server.
//!
//! The kernel keeps a page cache per mount of an image: were each container to mount its layers itself, each would start
//! with cold ones, unpack the same interpreter and packages anew, and hold a copy of them in memory. So the server mounts
//! an image once, on the host, and every container gets a clone of that mount with its own owners (`rootfs`).
//!
//! ```text
//! DIR/aa-aabb….image    a link to the image
//! DIR/aa-aabb…/         the image, mounted read-only
//! ```
//! A mount outlives a server that is killed, and the next one uses it. It goes when its image has gone ([`Layers::sweep`])
//! or with the whole platform ([`Layers::close`]); containers that still run keep what they have.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::mount::{MntFlags, umount2};

use crate::rootfs;
use crate::spec::Layer;

/// Ending of the links that tell where an image is.
const IMAGE: &str = ".image";

/// The mounted images of one server.
#[derive(Debug, Clone)]
pub struct Layers {
    dir: PathBuf,
    /// One mount at a time, or two containers that start together would both mount.
    turn: Arc<Mutex<()>>,
}

/// Why an image cannot be shared.
#[derive(Debug, thiserror::Error)]
#[error("could not mount {image} for all containers")]
pub struct LayersError {
    /// The image, or the folder of all.
    pub image: PathBuf,
    /// Why not.
    #[source]
    pub cause: io::Error,
}

impl Layers {
    /// Opens the folder of one server's mounts, and clears what images that have gone left.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(dir: &Path) -> Result<Self, LayersError> {
        let layers = Self { dir: dir.to_owned(), turn: Arc::default() };
        fs::create_dir_all(dir).and_then(|()| layers.sweep()).map_err(failed(dir))?;
        Ok(layers)
    }

    /// The image as a layer, mounted if it is not yet. An image never changes; a path that was one stays that one.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn layer(&self, image: &Path) -> Result<Layer, LayersError> {
        let place = self.place(image);
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_mounted(&place) {
            fs::create_dir_all(&place)
                .and_then(|()| link(image, &link_of(&place)))
                .and_then(|()| rootfs::mount_image(image, &place))
                .map_err(failed(image))?;
        }
        Ok(Layer::Dir(place))
    }

    /// Unmounts what has no image any more.
    ///
    /// # Errors
    /// When the folder cannot be read or changed.
    pub fn sweep(&self) -> io::Result<()> {
        self.unmount(|link| !link.exists())
    }

    /// Unmounts everything, for the orderly end of the whole platform.
    ///
    /// # Errors
    /// When the folder cannot be read or changed.
    pub fn close(&self) -> io::Result<()> {
        self.unmount(|_| true)
    }

    fn unmount(&self, goes: impl Fn(&Path) -> bool) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in fs::read_dir(&self.dir)? {
            let link = entry?.path();
            let name = link.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_suffix(IMAGE));
            if let Some(place) = name.map(|name| self.dir.join(name)).filter(|_| goes(&link)) {
                while is_mounted(&place) {
                    umount2(&place, MntFlags::MNT_DETACH)?;
                }
                // The link goes last: a sweep that was cut short is done by the next.
                match fs::remove_dir(&place) {
                    Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                    _ => fs::remove_file(&link)?,
                }
            }
        }
        Ok(())
    }

    /// Named by the file and its folder: `slugs/aa/aabb….erofs` and `hokku-12-…/run.erofs` alike have a name of their own.
    fn place(&self, image: &Path) -> PathBuf {
        let name = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let folder = name(image.parent().and_then(Path::file_name));
        self.dir.join(format!("{folder}-{}", name(image.file_stem())))
    }
}

/// The link of a place.
fn link_of(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(IMAGE);
    name.into()
}

/// Whether an image is mounted there: it is on another device than the folder that it is in. That is one look for each
/// layer of a container; the pins of `network`, which lie on the device of their folder, need the list of all mounts.
fn is_mounted(place: &Path) -> bool {
    let device = |path: Option<&Path>| path.and_then(|path| fs::metadata(path).ok()).map(|it| it.dev());
    let own = device(Some(place));
    own.is_some() && own != device(place.parent())
}

fn link(image: &Path, at: &Path) -> io::Result<()> {
    match symlink(image, at) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(at)?;
            symlink(image, at)
        }
        done => done,
    }
}

fn failed(image: &Path) -> impl FnOnce(io::Error) -> LayersError {
    let image = image.to_owned();
    move |cause| LayersError { image, cause }
}

#[cfg(test)]
mod tests;
