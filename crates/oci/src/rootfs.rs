//! The root of one container: read-only layers below, a writable one above, joined by overlayfs.
//!
//! Layers keep small owners on disk (0, 1000) and every container has its own range of host ids, so
//! each layer is mounted idmapped for this container. Where a filesystem refuses that, the layer is
//! used as it is and everything in it belongs to nobody inside: readable, and said in a warning.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns};

use crate::spec::{Bind, Layer, Spec, Upper};
use crate::sys;

/// Why a root could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// A folder or file could not be made.
    #[error("could not make {path}")]
    Make {
        /// What was to be made.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A layer, the upper or a bind could not be mounted.
    #[error("could not mount {what}")]
    Mount {
        /// Layer, folder or file on the host.
        what: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The layers could not be joined.
    #[error("could not join the layers with overlayfs ({options})")]
    Overlay {
        /// The mount options given.
        options: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The id range could not be made into a user namespace.
    #[error("could not make a user namespace for ids from {base}")]
    UserNamespace {
        /// First host id.
        base: u32,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

/// A root that is mounted.
#[derive(Debug)]
pub(crate) struct Root {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// A sysfs that shows the network namespace of the lease, if the container joins one.
    pub(crate) sysfs: Option<PathBuf>,
    /// The binds, with the sources the runtime is to use.
    pub(crate) binds: Vec<Bind>,
    /// What had to be done less well than asked.
    pub(crate) warnings: Vec<String>,
}

/// Mounts the root of `spec` below `work`, a folder in the private tmpfs.
pub(crate) fn build(spec: &Spec, work: &Path) -> Result<Root, RootError> {
    let ids = sys::user_namespace(spec.id_base)
        .map_err(|cause| RootError::UserNamespace { base: spec.id_base, cause })?;
    let mut builder = Builder { work, ids, warnings: Vec::new() };
    let mut lowers = Vec::with_capacity(spec.layers.len());
    for (at, layer) in spec.layers.iter().enumerate() {
        lowers.push(builder.layer(at, layer)?);
    }
    let upper = builder.upper(spec)?;
    let path = builder.overlay(&lowers, &upper)?;
    let sysfs = spec.netns.as_deref().map(|netns| mount_sysfs(netns, &work.join("sys"))).transpose()?;
    let binds = builder.binds(&spec.binds)?;
    Ok(Root { path, sysfs, binds, warnings: builder.warnings })
}

struct Builder<'a> {
    work: &'a Path,
    ids: OwnedFd,
    warnings: Vec<String>,
}

impl Builder<'_> {
    /// Mounts layer number `at`; the answer is where.
    fn layer(&mut self, at: usize, layer: &Layer) -> Result<PathBuf, RootError> {
        let place = self.work.join(format!("l{at}"));
        make_dir(&place)?;
        let (Layer::Erofs(source) | Layer::Dir(source)) = layer;
        match layer {
            Layer::Erofs(image) => mount_image(image, &place),
            Layer::Dir(dir) => bind(dir, &place),
        }
        .map_err(|cause| RootError::Mount { what: source.clone(), cause })?;
        if let Err(cause) = self.map(&place, &place) {
            self.warnings.push(format!("{}: owners could not be mapped: {cause}", source.display()));
        }
        Ok(place)
    }

    /// Puts an idmapped copy of the mount at `from` onto `place`, in place of what is there.
    fn map(&self, from: &Path, place: &Path) -> io::Result<()> {
        let copy = sys::clone_mount(from)?;
        sys::idmap(copy.as_fd(), self.ids.as_fd())?;
        if from == place {
            umount2(place, MntFlags::MNT_DETACH)?;
        }
        sys::attach_mount(copy.as_fd(), place)
    }

    /// The folder that holds `upper/` and `work/`, with the writable folders of the spec in it.
    fn upper(&self, spec: &Spec) -> Result<PathBuf, RootError> {
        let place = self.work.join("upper");
        make_dir(&place)?;
        match &spec.upper {
            Upper::Dir(dir) => {
                make_dir(dir)?;
                bind(dir, &place).map_err(|cause| RootError::Mount { what: dir.clone(), cause })?;
            }
            Upper::Tmpfs { bytes } => {
                let options = format!("mode=0711,size={bytes}");
                let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
                mount(Some("hokku"), &place, Some("tmpfs"), flags, Some(options.as_str()))
                    .map_err(|cause| RootError::Mount { what: place.clone(), cause: cause.into() })?;
            }
        }
        let root = place.join("upper");
        let scratch = place.join("work");
        // Overlayfs refuses the scratch folder of an earlier volatile mount, lest a crash has torn what it wrote. Here a
        // crash ends whatever the folder was for.
        match fs::remove_dir_all(&scratch) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(RootError::Make { path: scratch, cause });
            }
            _ => make_dir(&scratch)?,
        }
        make_owned(&root, spec.id_base, spec.id_base)?;
        for dir in &spec.writable {
            self.writable(&root, dir, spec)?;
        }
        Ok(place)
    }

    /// Makes one writable folder in the upper: its parents belong to root, it belongs to the user.
    /// Overlayfs merges it with a folder of the same name below and shows this one's owner.
    fn writable(&self, root: &Path, dir: &Path, spec: &Spec) -> Result<(), RootError> {
        let mut path = root.to_owned();
        for part in dir.strip_prefix("/").unwrap_or(dir) {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => {}
                // An earlier container of the same upper may have left a link here: never follow it.
                Ok(_) => {
                    let cause = io::Error::from(io::ErrorKind::NotADirectory);
                    return Err(RootError::Make { path, cause });
                }
                Err(_) => make_owned(&path, spec.id_base, spec.id_base)?,
            }
        }
        make_owned(&path, spec.id_base + spec.uid, spec.id_base + spec.gid)
    }

    /// Joins the layers. The mount is volatile: what a container writes goes with it, or is packed after its end, so
    /// nothing of it has to reach the disk; else every unmount would wait for the whole disk below to be written.
    fn overlay(&self, lowers: &[PathBuf], upper: &Path) -> Result<PathBuf, RootError> {
        let place = self.work.join("root");
        make_dir(&place)?;
        let lower: Vec<_> = lowers.iter().rev().map(|path| path.display().to_string()).collect();
        let upper = upper.display();
        let lower = lower.join(":");
        let options = format!("lowerdir={lower},upperdir={upper}/upper,workdir={upper}/work,volatile");
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("root"), &place, Some("overlay"), flags, Some(options.as_str()))
            .map_err(|cause| RootError::Overlay { options, cause: cause.into() })?;
        Ok(place)
    }

    fn binds(&mut self, binds: &[Bind]) -> Result<Vec<Bind>, RootError> {
        let mut ready = Vec::with_capacity(binds.len());
        for (at, bind) in binds.iter().enumerate() {
            ready.push(if bind.mapped { self.mapped_bind(at, bind)? } else { bind.clone() });
        }
        Ok(ready)
    }

    fn mapped_bind(&mut self, at: usize, asked: &Bind) -> Result<Bind, RootError> {
        let place = self.work.join(format!("b{at}"));
        let is_dir = asked.source.is_dir();
        if is_dir {
            make_dir(&place)?;
        } else {
            File::create(&place).map_err(|cause| RootError::Make { path: place.clone(), cause })?;
        }
        match self.map(&asked.source, &place) {
            Ok(()) => Ok(Bind { source: place, ..asked.clone() }),
            Err(cause) => {
                let source = asked.source.display();
                self.warnings.push(format!("{source}: owners could not be mapped: {cause}"));
                Ok(asked.clone())
            }
        }
    }
}

/// Mounts a sysfs that shows the interfaces of namespace `netns`.
///
/// A sysfs shows the network of whoever mounts it, and only the owner of that namespace may mount
/// one: not the container, when the namespace was made beforehand. So this process, which has one
/// thread, steps into the namespace for the length of the mount.
fn mount_sysfs(netns: &Path, place: &Path) -> Result<PathBuf, RootError> {
    let error = |cause: io::Error| RootError::Mount { what: netns.to_owned(), cause };
    make_dir(place)?;
    let theirs = File::open(netns).map_err(error)?;
    let own = File::open("/proc/self/ns/net").map_err(error)?;
    setns(&theirs, CloneFlags::CLONE_NEWNET).map_err(|e| error(e.into()))?;
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let mounted = mount(Some("sysfs"), place, Some("sysfs"), flags, None::<&Path>);
    setns(&own, CloneFlags::CLONE_NEWNET).map_err(|e| error(e.into()))?;
    mounted.map_err(|e| error(e.into()))?;
    Ok(place.to_owned())
}

/// Mounts an erofs image straight from its file; through a loop device where the kernel cannot
/// (before 6.12, or built without CONFIG_EROFS_FS_BACKED_BY_FILE).
pub(crate) fn mount_image(image: &Path, place: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let none = None::<&Path>;
    match mount(Some(image), place, Some("erofs"), flags, none) {
        Ok(()) => Ok(()),
        Err(nix::Error::ENOTBLK | nix::Error::EOPNOTSUPP | nix::Error::EINVAL) => {
            mount_by_loop(image, place, flags)
        }
        Err(cause) => Err(cause.into()),
    }
}

fn mount_by_loop(image: &Path, place: &Path, flags: MsFlags) -> io::Result<()> {
    let (_device, path) = sys::loop_device(&File::open(image)?)?;
    Ok(mount(Some(path.as_str()), place, Some("erofs"), flags, None::<&Path>)?)
}

fn bind(source: &Path, place: &Path) -> io::Result<()> {
    let none = None::<&Path>;
    Ok(mount(Some(source), place, none, MsFlags::MS_BIND, none)?)
}

fn make_dir(path: &Path) -> Result<(), RootError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(path)
        .map_err(|cause| RootError::Make { path: path.to_owned(), cause })
}

fn make_owned(path: &Path, uid: u32, gid: u32) -> Result<(), RootError> {
    make_dir(path)?;
    std::os::unix::fs::lchown(path, Some(uid), Some(gid))
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .map_err(|cause| RootError::Make { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests;
