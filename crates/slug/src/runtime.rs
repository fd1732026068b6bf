//! Language runtimes as layers: a Python that lives at `/app/.heroku/python`, made once per version and
//! kept.
//!
//! Where an interpreter comes from, in this order: the runtimes already stored; `uv python install`, which
//! downloads a standalone build; an interpreter installed on this machine, if it is self-contained (pyenv's
//! are, the distribution's own is not). Whatever the source, it is copied, stripped, made to find its
//! library and its settings at its new place, given a pristine `pip`, compiled, and tried on the run base
//! of the stack before it is stored.
//!
//! Which version an app asks for, and how misspellings are explained, is the build's business: see crate
//! `build`.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::{Flock, FlockArg};

use crate::blobs::{Blobs, ImportError};
use crate::digest::Digest;
use crate::manifest::LayerRef;
use crate::pack::{self, Compression, PackError, PackOptions};
use crate::stack::Stack;
use crate::tools::ToolError;

mod download;
mod machine;
mod relocate;

pub use machine::prefixes;

/// Where the runtime is inside a dyno.
pub const PYTHON_HOME: &str = "/app/.heroku/python";

/// A full version of CPython. Parses from and prints as `3.12.6`; releases only, no previews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// `3`
    pub major: u16,
    /// `12`
    pub minor: u16,
    /// `6`
    pub patch: u16,
}

/// Which Python is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// `3`
    pub major: u16,
    /// `12`
    pub minor: u16,
    /// `6`; without it, the newest that can be had.
    pub patch: Option<u16>,
}

/// Where a runtime was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It had been made before.
    Stored,
    /// `uv` downloaded it.
    Downloaded,
    /// It was copied from this prefix of the machine.
    Machine(PathBuf),
}

/// A runtime that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// Its full version.
    pub version: Version,
    /// Its layer, which holds nothing outside of [`PYTHON_HOME`].
    pub layer: LayerRef,
    /// Where it came from this time.
    pub origin: Origin,
}

/// Where to look for interpreters that are not stored yet.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The `uv` program (see [`crate::tools::uv`]); without it nothing is downloaded.
    pub uv: Option<PathBuf>,
    /// Variables for `uv` beside this process's own, e.g. `UV_PYTHON_INSTALL_MIRROR`.
    pub uv_environment: Vec<(OsString, OsString)>,
    /// Prefixes of this machine to look into (see [`prefixes`]).
    pub prefixes: Vec<PathBuf>,
}

/// The runtimes of a machine, in a cache directory that several servers may share, for one server's layers.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runtimes {
    blobs: Blobs,
    dir: Arc<PathBuf>,
    sources: Arc<Sources>,
    /// Downloads that failed since the start of this process: not tried again for requests that something else
    /// can answer.
    failed: Arc<Mutex<HashSet<Version>>>,
}

/// An image in the cache.
#[derive(Debug, Clone)]
struct Stored {
    version: Version,
    digest: Digest,
    image: PathBuf,
}

/// Why a Python cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PythonError {
    /// No source has it.
    #[error("Python {request} is not available here; there is: {}", list(available))]
    Unavailable {
        /// What was asked for.
        request: Request,
        /// The full versions that can be had without a download, oldest first.
        available: Vec<Version>,
        /// Why the download failed, if one was tried.
        #[source]
        download: Option<ToolError>,
    },
    /// An interpreter was found but could not be made to work on the stack.
    #[error("could not make a runtime of Python {version} from {origin:?}")]
    Relocate {
        /// Its version.
        version: Version,
        /// Where it came from.
        origin: Origin,
        /// What failed and what it said.
        #[source]
        cause: ToolError,
    },
    /// The finished runtime could not be packed.
    #[error("could not pack the runtime of Python {version}")]
    Pack {
        /// Its version.
        version: Version,
        /// Why.
        #[source]
        cause: PackError,
    },
    /// The stored runtime could not be taken over into this server's layers. It is made again at the next request.
    #[error("could not use the stored runtime of Python {version}")]
    Import {
        /// Its version.
        version: Version,
        /// Why.
        #[source]
        cause: ImportError,
    },
    /// A file of the runtimes' cache could not be read or written.
    #[error("could not use the runtimes at {path}")]
    Store {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

impl Runtimes {
    /// Opens the cache, and makes its directory if need be. `blobs` are the layers of this server.
    pub fn open(blobs: Blobs, cache: &Path, sources: Sources) -> Result<Self, PythonError> {
        let dir = cache.join("runtimes");
        fs::create_dir_all(&dir).map_err(store(&dir))?;
        Ok(Self { blobs, dir: Arc::new(dir), sources: Arc::new(sources), failed: Arc::default() })
    }

    /// A Python as a layer of this server, made first if need be: some 20 s from this machine, more with a
    /// download. Root only.
    ///
    /// A full version is taken from where it is found first. Without a patch the newest that can be downloaded is
    /// wanted; if that fails, the newest that is stored or on this machine.
    pub fn python(&self, request: &Request, stack: &Stack) -> Result<Runtime, PythonError> {
        let stored = self.stored(request);
        if let (Some(_), Some(stored)) = (request.patch, &stored) {
            return self.runtime(stored, Origin::Stored);
        }
        let is_newer = |version: &Version| stored.as_ref().is_none_or(|stored| stored.version < *version);
        let known = download::known(&self.sources, request).into_iter().max();
        let download = known.filter(|version| is_newer(version) && self.may_download(request, *version));
        let machine = machine::find(&self.sources.prefixes, request);
        let machine = machine.into_iter().filter(|(version, _)| is_newer(version)).max();

        let mut failure = None;
        if let Some(version) = download {
            match self.make(version, Origin::Downloaded, stack)? {
                Ok(runtime) => return Ok(runtime),
                Err(cause) => failure = Some(cause),
            }
        }
        if let Some((version, prefix)) = machine {
            match self.make(version, Origin::Machine(prefix), stack)? {
                Ok(runtime) => return Ok(runtime),
                Err(cause) => failure = Some(cause),
            }
        }
        let unavailable = |download| {
            let available = self.available();
            PythonError::Unavailable { request: *request, available, download }
        };
        self.runtime(&stored.ok_or_else(|| unavailable(failure))?, Origin::Stored)
    }

    /// The newest release of `3.12` that `uv` knows of, whether or not it can be downloaded from here.
    #[must_use]
    pub fn newest_known(&self, major: u16, minor: u16) -> Option<Version> {
        download::known(&self.sources, &Request { major, minor, patch: None }).into_iter().max()
    }

    /// The full versions that can be had without a download, oldest first.
    #[must_use]
    pub fn available(&self) -> Vec<Version> {
        let stored = self.all_stored().into_iter().map(|stored| stored.version);
        let machine = machine::find_all(&self.sources.prefixes).into_iter().map(|(version, _)| version);
        stored.chain(machine).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether a download is worth trying: always if nothing but this version will do.
    fn may_download(&self, request: &Request, version: Version) -> bool {
        request.patch.is_some() || !self.failed().contains(&version)
    }

    /// Makes a runtime, one at a time on this machine; or says why it could not be downloaded.
    fn make(
        &self,
        version: Version,
        origin: Origin,
        stack: &Stack,
    ) -> Result<Result<Runtime, ToolError>, PythonError> {
        let _maker = self.lock()?;
        let exact = Request { major: version.major, minor: version.minor, patch: Some(version.patch) };
        if let Some(stored) = self.stored(&exact) {
            return self.runtime(&stored, Origin::Stored).map(Ok); // another server was faster
        }
        let work = self.dir.join("unfinished");
        remove_tree(&work)?;
        fs::create_dir(&work).map_err(store(&work))?;
        let prefix = match &origin {
            Origin::Machine(prefix) => prefix.clone(),
            Origin::Downloaded | Origin::Stored => {
                match download::install(&self.sources, version, &work.join("download")) {
                    Ok(prefix) => prefix,
                    Err(cause) => {
                        self.failed().insert(version);
                        return Ok(Err(cause));
                    }
                }
            }
        };
        let tree = relocate::relocate(version, &prefix, stack, &work)
            .map_err(|cause| PythonError::Relocate { version, origin: origin.clone(), cause })?;
        let stored = self.keep(version, &tree, &work.join("image"))?;
        remove_tree(&work)?;
        self.runtime(&stored, origin).map(Ok)
    }

    /// Packs a finished tree and gives the image its name in the cache.
    fn keep(&self, version: Version, tree: &Path, image: &Path) -> Result<Stored, PythonError> {
        let options = PackOptions { compression: Compression::Lz4Hc, ..PackOptions::app() };
        pack::erofs(tree, image, &options).map_err(|cause| PythonError::Pack { version, cause })?;
        let (digest, _) = Digest::of_file(image).map_err(store(image))?;
        let name = self.dir.join(format!("python-{version}-{}-{digest}.erofs", relocate::recipe()));
        File::open(image).and_then(|file| file.sync_all()).map_err(store(image))?;
        fs::rename(image, &name).map_err(store(&name))?;
        Ok(Stored { version, digest, image: name })
    }

    /// Makes sure that a stored image is among this server's layers.
    fn runtime(&self, stored: &Stored, origin: Origin) -> Result<Runtime, PythonError> {
        let Stored { version, digest, image } = stored;
        let layer = self.blobs.import(image, digest).map_err(|cause| {
            // Made again at the next request.
            let _ = fs::remove_file(image);
            PythonError::Import { version: *version, cause }
        })?;
        Ok(Runtime { version: *version, layer, origin })
    }

    /// The newest stored runtime that answers the request.
    fn stored(&self, request: &Request) -> Option<Stored> {
        let fitting = self.all_stored().into_iter().filter(|stored| request.accepts(stored.version));
        fitting.max_by_key(|stored| stored.version)
    }

    /// All stored runtimes that were made by today's recipe.
    fn all_stored(&self) -> Vec<Stored> {
        let recipe = relocate::recipe();
        let entries = fs::read_dir(&*self.dir).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let (version, rest) = name.strip_prefix("python-")?.split_once('-')?;
                let digest = rest.strip_prefix(&recipe)?.strip_prefix('-')?.strip_suffix(".erofs")?;
                let (version, digest) = (version.parse().ok()?, digest.parse().ok()?);
                Some(Stored { version, digest, image: entry.path() })
            })
            .collect()
    }

    fn lock(&self) -> Result<Flock<File>, PythonError> {
        let path = self.dir.join("lock");
        let file = File::options().create(true).append(true).open(&path).map_err(store(&path))?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| store(&path)(errno.into()))
    }

    fn failed(&self) -> MutexGuard<'_, HashSet<Version>> {
        // The set is only ever added to, whole entries at a time.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove_tree(path: &Path) -> Result<(), PythonError> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(store(path)(cause)),
        _ => Ok(()),
    }
}

impl Request {
    /// Whether `version` is what is asked for.
    #[must_use]
    pub fn accepts(&self, version: Version) -> bool {
        let Self { major, minor, patch } = *self;
        (version.major, version.minor) == (major, minor) && patch.is_none_or(|patch| patch == version.patch)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is not a full version such as `3.12.6`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a full Python version")]
pub struct NotAVersion {
    /// What was given.
    pub text: String,
}

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse().ok() } else { None }
        };
        let parts: Vec<Option<u16>> = text.split('.').map(number).collect();
        match parts[..] {
            [Some(major), Some(minor), Some(patch)] => Ok(Self { major, minor, patch }),
            _ => Err(NotAVersion { text: text.chars().take(40).collect() }),
        }
    }
}

fn list(versions: &[Version]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    versions.iter().map(Version::to_string).collect::<Vec<_>>().join(", ")
}

fn store(path: &Path) -> impl Fn(io::Error) -> PythonError + use<> {
    let path = path.to_path_buf();
    move |cause| PythonError::Store { path: path.clone(), cause }
}

#[cfg(test)]
mod tests;
