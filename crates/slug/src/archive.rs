//! Unpacks source code from a tar or tar.gz that a stranger made: a pushed commit or a source blob.
//!
//! Nothing is ever written outside of the destination, through a symbolic link, or over a limit. Owners,
//! times, set-uid bits, devices and sockets are dropped; a file keeps only whether it may be executed. A
//! symbolic link that leads out of the source is left out and reported, unless it leads into `/app`, where
//! the source will be.
//!
//! Since links may still be chained, whoever reads unpacked source outside of a container goes through
//! [`read_inside`].

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use tar::{Archive, Entry, EntryType, PaxExtensions};

/// How much an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that all its files together may have, unpacked.
    pub bytes_max: u64,
    /// The most entries (files, directories, links).
    pub entries_max: u64,
    /// The most bytes in an entry's path.
    pub path_bytes_max: usize,
}

impl Default for Limits {
    /// 4 GiB in 300,000 entries with paths of at most 4,096 bytes: several times what fits into a slug.
    fn default() -> Self {
        Self { bytes_max: 4 << 30, entries_max: 300_000, path_bytes_max: 4096 }
    }
}

/// What was unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unpacked {
    /// The number of regular files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Symbolic links that lead out of the source, in the order met, and were left out (at most
    /// [`LEFT_OUT_MAX`] are named).
    pub left_out: Vec<PathBuf>,
}

/// The most left-out links that are named.
pub const LEFT_OUT_MAX: usize = 100;

/// The most bytes that a header with a long name may have; it is held in memory.
const EXTENSION_BYTES_MAX: u64 = 64 * 1024;

/// Why an archive was not unpacked. What has been written so far is left to the caller to remove.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The bytes are not a tar, or end too early.
    #[error("the archive cannot be read")]
    Malformed(#[source] io::Error),
    /// An entry names a place outside of the archive's root, or one behind a link.
    #[error("the archive has an unsafe path: {path}")]
    UnsafePath {
        /// The entry's path, as text.
        path: String,
    },
    /// Too much in it.
    #[error("the archive has more than {max} {what}")]
    TooLarge {
        /// What there is too much of: `bytes`, `entries`, `bytes in a path` or `bytes in a header`.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// A file could not be written.
    #[error("could not unpack {path}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Unpacks the archive, compressed by gzip or not, into the empty directory `destination`.
pub fn unpack(archive: impl Read, destination: &Path, limits: &Limits) -> Result<Unpacked, UnpackError> {
    let mut archive = BufReader::new(archive);
    let gzip = archive.fill_buf().map_err(UnpackError::Malformed)?.starts_with(&[0x1f, 0x8b]);
    if gzip {
        unpack_tar(MultiGzDecoder::new(archive), destination, limits)
    } else {
        unpack_tar(archive, destination, limits)
    }
}

fn unpack_tar(tar: impl Read, destination: &Path, limits: &Limits) -> Result<Unpacked, UnpackError> {
    let mut unpacked = Unpacked::default();
    let mut names = Names::default();
    let mut entries = 0;
    // `raw`: the extensions that carry long names are read here, since the library would read any size of
    // them.
    for entry in Archive::new(tar).entries().map_err(UnpackError::Malformed)?.raw(true) {
        let mut entry = entry.map_err(UnpackError::Malformed)?;
        entries += 1;
        if entries > limits.entries_max {
            return Err(UnpackError::TooLarge { what: "entries", max: limits.entries_max });
        }
        if !names.extend(&mut entry)? {
            let (path, target) = std::mem::take(&mut names).of(&entry)?;
            if path.as_os_str().len() > limits.path_bytes_max {
                let max = limits.path_bytes_max as u64;
                return Err(UnpackError::TooLarge { what: "bytes in a path", max });
            }
            let path = inside(&path).ok_or_else(|| unsafe_path(&path))?;
            unpack_entry(entry, &path, &target, destination, limits, &mut unpacked)?;
        }
    }
    Ok(unpacked)
}

fn unpack_entry<R: Read>(
    mut entry: Entry<'_, R>,
    path: &Path,
    target: &Path,
    destination: &Path,
    limits: &Limits,
    unpacked: &mut Unpacked,
) -> Result<(), UnpackError> {
    let write = |cause| UnpackError::Write { path: path.to_path_buf(), cause };
    let kind = entry.header().entry_type();
    if kind.is_dir() {
        return make_directories(destination, path);
    }
    if kind.is_gnu_sparse() {
        return Err(malformed("a sparse file"));
    }
    let (true, Some(parent)) = (kind.is_file() || kind.is_symlink() || kind.is_hard_link(), path.parent())
    else {
        return Ok(()); // git's global header, a device, a pipe, or the root itself
    };
    make_directories(destination, parent)?;
    let full = destination.join(path);
    // Later entries replace earlier ones, as with `tar`; a directory is not replaced.
    match fs::remove_file(&full) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(write(cause)),
        _ => {}
    }
    if kind.is_symlink() {
        if leads_outside(path, target) {
            unpacked.leave_out(path);
            return Ok(());
        }
        return symlink(target, &full).map_err(write);
    }
    if kind.is_hard_link() {
        let target = inside(target).ok_or_else(|| unsafe_path(path))?;
        make_directories(destination, target.parent().unwrap_or(Path::new("")))?;
        let target = destination.join(target);
        // A link to a symbolic link would move it to where it may lead elsewhere.
        if !fs::symlink_metadata(&target).map_err(write)?.is_file() {
            return Err(unsafe_path(path));
        }
        return fs::hard_link(target, &full).map_err(write);
    }
    let size = entry.size();
    if unpacked.bytes.saturating_add(size) > limits.bytes_max {
        return Err(UnpackError::TooLarge { what: "bytes", max: limits.bytes_max });
    }
    let executable = entry.header().mode().map_err(UnpackError::Malformed)? & 0o111 != 0;
    let mut file = File::create_new(&full).map_err(write)?;
    if io::copy(&mut entry, &mut file).map_err(write)? != size {
        return Err(UnpackError::Malformed(io::ErrorKind::UnexpectedEof.into()));
    }
    let mode = if executable { 0o755 } else { 0o644 };
    file.set_permissions(Permissions::from_mode(mode)).map_err(write)?;
    unpacked.files += 1;
    unpacked.bytes += size;
    Ok(())
}

impl Unpacked {
    fn leave_out(&mut self, link: &Path) {
        if self.left_out.len() < LEFT_OUT_MAX {
            self.left_out.push(link.to_path_buf());
        }
    }
}

/// Long names that stand in entries of their own, before the entry they are about: GNU's and pax's.
#[derive(Default)]
struct Names {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
}

impl Names {
    /// Reads the entry if it only extends the next one; otherwise says `false`.
    fn extend<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<bool, UnpackError> {
        match entry.header().entry_type() {
            EntryType::GNULongName => self.path = Some(text(entry)?),
            EntryType::GNULongLink => self.target = Some(text(entry)?),
            EntryType::XHeader => {
                for record in PaxExtensions::new(&text(entry)?) {
                    let record = record.map_err(UnpackError::Malformed)?;
                    match record.key_bytes() {
                        b"path" => self.path = Some(record.value_bytes().to_vec()),
                        b"linkpath" => self.target = Some(record.value_bytes().to_vec()),
                        // Only for files of 8 GiB and more; what follows would be read wrongly.
                        b"size" => return Err(malformed("a file of more than 8 GiB")),
                        _ => {}
                    }
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The path and the link target (empty if none) of the entry that follows.
    fn of<R: Read>(self, entry: &Entry<'_, R>) -> Result<(PathBuf, PathBuf), UnpackError> {
        let header = entry.header();
        let path = self.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let target =
            self.target.or_else(|| header.link_name_bytes().map(Cow::into_owned)).unwrap_or_default();
        let nul = |bytes: &[u8]| bytes.contains(&0);
        if nul(&path) || nul(&target) {
            return Err(malformed("a NUL byte in a name"));
        }
        Ok((PathBuf::from(OsString::from_vec(path)), PathBuf::from(OsString::from_vec(target))))
    }
}

/// Reads the data of an extension, without the NUL that ends GNU's.
fn text<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, UnpackError> {
    if entry.size() > EXTENSION_BYTES_MAX {
        return Err(UnpackError::TooLarge { what: "bytes in a header", max: EXTENSION_BYTES_MAX });
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(UnpackError::Malformed)?;
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

fn malformed(what: &'static str) -> UnpackError {
    UnpackError::Malformed(io::Error::new(io::ErrorKind::InvalidData, what))
}

fn unsafe_path(path: &Path) -> UnpackError {
    UnpackError::UnsafePath { path: path.to_string_lossy().into_owned() }
}

/// The path without `.` components; `None` if it is absolute or has `..`.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean)
}

/// Whether a link at `link` (relative to the root) to `target` leads out of the source, going by the names
/// alone.
fn leads_outside(link: &Path, target: &Path) -> bool {
    let mut components = target.components().peekable();
    let mut depth = if components.next_if_eq(&Component::RootDir).is_some() {
        if components.next() != Some(Component::Normal("app".as_ref())) {
            return true;
        }
        0
    } else {
        link.components().count().saturating_sub(1)
    };
    for component in components {
        match component {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            _ => depth += 1,
        }
    }
    false
}

/// Makes `path` below `root`, refusing to step through anything that is not a directory.
fn make_directories(root: &Path, path: &Path) -> Result<(), UnpackError> {
    let mut full = root.to_path_buf();
    for component in path.components() {
        full.push(component);
        match fs::create_dir(&full) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                let is_dir = fs::symlink_metadata(&full).is_ok_and(|meta| meta.is_dir());
                if !is_dir {
                    return Err(unsafe_path(path));
                }
            }
            Err(cause) => return Err(UnpackError::Write { path: path.to_path_buf(), cause }),
        }
    }
    Ok(())
}

/// Where the source starts in an unpacked source blob: the root, or its only directory if there is nothing
/// else, as in the archives that git hosts offer.
pub fn source_root(unpacked: &Path) -> io::Result<PathBuf> {
    let mut entries = fs::read_dir(unpacked)?;
    match (entries.next().transpose()?, entries.next()) {
        (Some(only), None) if only.file_type()?.is_dir() => Ok(only.path()),
        _ => Ok(unpacked.to_path_buf()),
    }
}

/// Reads a file of unpacked source, at most `bytes_max` bytes of it. Links are resolved as if `tree` were
/// `/`, so that no link can make the reader see a file of the machine; anything but a regular file is
/// `NotFound`.
pub fn read_inside(tree: &Path, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let root = File::open(tree)?;
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = File::from(openat2(&root, path, how)?);
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
