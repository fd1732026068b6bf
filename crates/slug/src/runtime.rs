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
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::blobs::Blobs;
use crate::digest::Digest;
use crate::manifest::LayerRef;
use crate::pack::{Compression, PackError, PackOptions};
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

/// The runtimes of a server. Cheap to clone; clones make one runtime at a time.
#[derive(Debug, Clone)]
pub struct Runtimes {
    blobs: Blobs,
    dir: Arc<PathBuf>,
    sources: Arc<Sources>,
    /// Held while a runtime is made. Inside: downloads that failed since the start of this process, not
    /// tried again for requests that something else can answer.
    making: Arc<Mutex<HashSet<Version>>>,
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
    /// A file of the runtimes' directory could not be read or written.
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
    /// Opens the directory that remembers which layer is which runtime, and removes what an earlier process
    /// left unfinished. The directory and the blobs belong to one process.
    pub fn open(blobs: Blobs, dir: &Path, sources: Sources) -> Result<Self, PythonError> {
        let runtimes = Self {
            blobs,
            dir: Arc::new(dir.to_path_buf()),
            sources: Arc::new(sources),
            making: Arc::default(),
        };
        let unfinished = runtimes.unfinished();
        match fs::remove_dir_all(&unfinished) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(store(&unfinished)(cause)),
            _ => {}
        }
        for dir in [runtimes.index(), unfinished] {
            fs::create_dir_all(&dir).map_err(store(&dir))?;
        }
        Ok(runtimes)
    }

    /// A Python as a layer, made first if need be: some 20 s from this machine, more with a download. Root
    /// only.
    pub fn python(&self, request: &Request, stack: &Stack) -> Result<Runtime, PythonError> {
        if let Some(runtime) = request.patch.and_then(|_| self.stored(request)) {
            return Ok(runtime);
        }
        let mut failed_downloads = self.making();
        let stored = self.stored(request);
        let (download, cause) = self.download(request, stored.as_ref(), &mut failed_downloads)?;
        if let Some((version, prefix, _installed)) = download {
            return self.make(version, &prefix, Origin::Downloaded, stack);
        }
        let machine =
            machine::find(&self.sources.prefixes, request).into_iter().max_by_key(|(version, _)| *version);
        match (stored, machine) {
            (Some(stored), Some((version, _))) if stored.version >= version => Ok(stored),
            (Some(stored), None) => Ok(stored),
            (_, Some((version, prefix))) => {
                self.make(version, &prefix, Origin::Machine(prefix.clone()), stack)
            }
            (None, None) => Err(PythonError::Unavailable {
                request: *request,
                available: self.available(),
                download: cause,
            }),
        }
    }

    /// The newest release of `3.12` that `uv` knows of, whether or not it can be downloaded from here.
    #[must_use]
    pub fn newest_known(&self, major: u16, minor: u16) -> Option<Version> {
        download::known(&self.sources, &Request { major, minor, patch: None }).into_iter().max()
    }

    /// The full versions that can be had without a download, oldest first.
    #[must_use]
    pub fn available(&self) -> Vec<Version> {
        let mut available: BTreeSet<Version> =
            self.stored_all().into_iter().map(|(version, _)| version).collect();
        available.extend(machine::find_all(&self.sources.prefixes).into_iter().map(|(version, _)| version));
        available.into_iter().collect()
    }

    /// The layers that must survive [`Blobs::collect_garbage`] so that stored runtimes stay usable.
    #[must_use]
    pub fn live(&self) -> HashSet<Digest> {
        self.stored_all().into_iter().map(|(_, layer)| layer.digest).collect()
    }

    /// Downloads what answers the request best, if that is better than what is stored. Returns its version,
    /// its prefix and the guard that removes it again; or why the download failed.
    #[expect(clippy::type_complexity, reason = "one caller, right above")]
    fn download(
        &self,
        request: &Request,
        stored: Option<&Runtime>,
        failed: &mut HashSet<Version>,
    ) -> Result<(Option<(Version, PathBuf, tempfile::TempDir)>, Option<ToolError>), PythonError> {
        let Some(version) = download::known(&self.sources, request).into_iter().max() else {
            return Ok((None, None));
        };
        let good_enough = stored.is_some_and(|stored| stored.version >= version);
        let tried_before = request.patch.is_none() && failed.contains(&version);
        if good_enough || tried_before {
            return Ok((None, None));
        }
        let unfinished = self.unfinished();
        let into = tempfile::tempdir_in(&unfinished).map_err(store(&unfinished))?;
        match download::install(&self.sources, version, into.path()) {
            Ok(prefix) => Ok((Some((version, prefix, into)), None)),
            Err(cause) => {
                failed.insert(version);
                Ok((None, Some(cause)))
            }
        }
    }

    fn make(
        &self,
        version: Version,
        prefix: &Path,
        origin: Origin,
        stack: &Stack,
    ) -> Result<Runtime, PythonError> {
        let unfinished = self.unfinished();
        let work = tempfile::tempdir_in(&unfinished).map_err(store(&unfinished))?;
        let tree = relocate::relocate(version, prefix, stack, work.path())
            .map_err(|cause| PythonError::Relocate { version, origin: origin.clone(), cause })?;
        let options = PackOptions { compression: Compression::Lz4Hc, ..PackOptions::app() };
        let layer = self.blobs.pack(&tree, &options).map_err(|cause| PythonError::Pack { version, cause })?;
        self.remember(version, &layer)?;
        Ok(Runtime { version, layer, origin })
    }

    fn remember(&self, version: Version, layer: &LayerRef) -> Result<(), PythonError> {
        let path = self.index().join(format!("python-{version}-{}.json", relocate::recipe()));
        let write = || {
            let file = tempfile::NamedTempFile::new_in(self.unfinished())?;
            serde_json::to_writer(&file, layer)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(store(&path))
    }

    /// The newest stored runtime that answers the request.
    fn stored(&self, request: &Request) -> Option<Runtime> {
        let matching = self.stored_all().into_iter().filter(|(version, _)| request.accepts(*version));
        let (version, layer) = matching.max_by_key(|(version, _)| *version)?;
        Some(Runtime { version, layer, origin: Origin::Stored })
    }

    /// All runtimes made by this recipe whose layers are there. A damaged entry is as good as none: it is
    /// made again.
    fn stored_all(&self) -> Vec<(Version, LayerRef)> {
        let suffix = format!("-{}.json", relocate::recipe());
        let entries = fs::read_dir(self.index()).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version = name.strip_prefix("python-")?.strip_suffix(&suffix)?.parse().ok()?;
                let layer: LayerRef = serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?;
                self.blobs.exists(&layer.digest).then_some((version, layer))
            })
            .collect()
    }

    fn index(&self) -> PathBuf {
        self.dir.join("runtimes")
    }

    fn unfinished(&self) -> PathBuf {
        self.dir.join("unfinished")
    }

    fn making(&self) -> MutexGuard<'_, HashSet<Version>> {
        // The set is only ever added to, whole entries at a time.
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
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
