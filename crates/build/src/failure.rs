//! How a build ends without a slug: by a fault in the source, told in full to the developer, or by one of the
//! platform, told in full to the operator. The words are in [`crate::transcript`].

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use logs::transcript::TranscriptError;
use oci::container::Exit;
use oci::layers::LayersError;
use oci::network::NetworkError;
use slug::archive::UnpackError;
use slug::pack::PackError;
use slug::runtime::{PythonError, Request, Version};
use slug::stack::StackError;
use store::StoreError;

use crate::buildpack::ChoiceError;
use crate::python::packages::{Installer, PackagesError};
use crate::python::version::{Origin, VersionError};

/// The end of a build that makes no slug.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The developer can mend it.
    Source(Failure),
    /// Only the operator can.
    Platform(PlatformError),
}

/// What is wrong with the source, or with what it needs.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The archive is damaged, too large or hostile.
    Archive(UnpackError),
    /// No buildpack takes it.
    Choice(ChoiceError),
    /// The Python version.
    Version(VersionError),
    /// The version is well named but cannot be had.
    Unavailable { request: Request, origin: Origin, available: Vec<Version> },
    /// The package manager.
    Packages(PackagesError),
    /// Packages could not be installed; the installer's last words.
    Install { installer: Installer, said: String },
    /// `manage.py collectstatic` failed; its last words.
    Collectstatic { said: String },
    /// A hook failed.
    Hook { name: &'static str, exit: Exit },
    /// A step died without saying which: killed by something in it.
    Step { exit: Exit },
    /// A step was killed for memory.
    OutOfMemory { bytes: u64 },
    /// The build took too long.
    TimedOut { limit: Duration },
    /// The slug is too large.
    TooLarge { bytes: u64 },
}

/// What is wrong with the platform.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlatformError {
    /// A file of the build.
    #[error("could not {doing} {path}")]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("could not read or write the store")]
    Store(#[from] StoreError),
    #[error("could not write the transcript")]
    Transcript(#[from] TranscriptError),
    #[error("could not get the stack")]
    Stack(#[from] StackError),
    #[error("could not get a Python")]
    Python(#[from] PythonError),
    #[error("could not make a layer")]
    Pack(#[from] PackError),
    #[error("could not get a network")]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Layers(#[from] LayersError),
    /// The process that runs a container said so, or died.
    #[error("could not run a build container: {said}")]
    Box { said: String },
    /// A helper thread is gone.
    #[error("a thread of the build is gone")]
    Gone,
}

/// A file error with its path and what was being done.
pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PlatformError + use<> {
    let path = path.to_owned();
    move |cause| PlatformError::File { doing, path, cause }
}

impl<E: Into<PlatformError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Platform(error.into())
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}
