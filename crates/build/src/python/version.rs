//! Which Python an app asks for.
//!
//! In this order, as Heroku's buildpack has it: `runtime.txt`, `.python-version`, `Pipfile.lock`, the series of the
//! last build, the default. `pyproject.toml`'s `requires-python` is deliberately not asked.

use std::fmt;

use slug::runtime::{Request, Version};

use crate::buildpack::Root;
use crate::python::packages::Manager;

/// The oldest and the newest minor version of Python 3 that apps may ask for.
pub(crate) const MINORS: std::ops::RangeInclusive<u16> = 10..=14;
/// The series an app gets that names none, the most wanted first, as far as they are there.
const DEFAULT_MINORS: [u16; 2] = [13, 12];
/// The most of a version file that an error shows, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// Names that are easily mistaken for `.python-version` or `runtime.txt`; as on Heroku an error, because the file
/// would otherwise be ignored in silence.
const MISSPELT: [&str; 17] = [
    ".python-verion",
    ".python-verison",
    ".python-version.txt",
    ".python-versions",
    ".python-vesion",
    ".python.version",
    ".python_version",
    ".pythonversion",
    "python-version",
    "python-version.txt",
    "python.version",
    "python_version",
    "pythonversion",
    ".runtime.txt",
    "Runtime.txt",
    "runtime.text",
    "runtimes.txt",
];

/// Where a version was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    RuntimeTxt,
    VersionFile,
    PipfileLock,
    LastBuild,
    Default,
}

/// What an app asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This version, named here.
    Named(Request, Origin),
    /// It names none and never had one.
    Unnamed,
}

/// Why no version could be made out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VersionError {
    /// `runtime.txt` does not hold `python-X.Y[.Z]`.
    BadRuntimeTxt { found: String },
    /// `.python-version` does not hold one version.
    BadVersionFile { found: String },
    /// `.python-version` holds nothing but comments.
    EmptyVersionFile,
    /// `.python-version` holds more than one version.
    SeveralVersions { found: Vec<String> },
    /// `Pipfile.lock` is not JSON, or its version is none.
    BadPipfileLock { found: String },
    /// A file that is probably meant to be `.python-version`.
    Misspelt { name: &'static str },
    /// Older than what is supported.
    EndOfLife { request: Request, origin: Origin },
    /// Newer than what is known.
    Unknown { request: Request, origin: Origin },
    /// With uv the version must be in `.python-version`.
    UvNeedsVersionFile,
    /// uv ignores `runtime.txt`, so it must go.
    UvIgnoresRuntimeTxt,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RuntimeTxt => "runtime.txt",
            Self::VersionFile => ".python-version",
            Self::PipfileLock => "Pipfile.lock",
            Self::LastBuild => "same as the last build",
            Self::Default => "the default, since none was specified",
        })
    }
}

/// Finds out what the source asks for. `last` is the version of the app's last build.
pub(crate) fn choose(root: &Root, manager: Manager, last: Option<Version>) -> Result<Choice, VersionError> {
    if let Some(name) = MISSPELT.into_iter().find(|name| root.has(name)) {
        return Err(VersionError::Misspelt { name });
    }
    if manager == Manager::Uv {
        if root.has("runtime.txt") {
            return Err(VersionError::UvIgnoresRuntimeTxt);
        }
        if !root.has(".python-version") {
            return Err(VersionError::UvNeedsVersionFile);
        }
    }
    let named = if let Some(text) = root.text("runtime.txt") {
        Some((runtime_txt(&text)?, Origin::RuntimeTxt))
    } else if let Some(text) = root.text(".python-version") {
        Some((version_file(&text)?, Origin::VersionFile))
    } else if let Some(text) = root.text("Pipfile.lock") {
        pipfile_lock(&text)?.map(|request| (request, Origin::PipfileLock))
    } else {
        None
    };
    match (named, last) {
        (Some((request, origin)), _) => supported(request, origin),
        (None, Some(Version { major, minor, .. })) => {
            supported(Request { major, minor, patch: None }, Origin::LastBuild)
        }
        (None, None) => Ok(Choice::Unnamed),
    }
}

/// The series for an app that names none: the most wanted that can be had here, else the newest, else the most
/// wanted, which then has to be downloaded.
pub(crate) fn default(available: &[Version]) -> Request {
    let minors: Vec<u16> = available
        .iter()
        .filter(|version| version.major == 3 && MINORS.contains(&version.minor))
        .map(|version| version.minor)
        .collect();
    let wanted = DEFAULT_MINORS.into_iter().find(|minor| minors.contains(minor));
    let minor = wanted.or_else(|| minors.into_iter().max()).unwrap_or(DEFAULT_MINORS[0]);
    Request { major: 3, minor, patch: None }
}

fn supported(request: Request, origin: Origin) -> Result<Choice, VersionError> {
    if request.major < 3 || (request.major == 3 && request.minor < *MINORS.start()) {
        Err(VersionError::EndOfLife { request, origin })
    } else if request.major > 3 || request.minor > *MINORS.end() {
        Err(VersionError::Unknown { request, origin })
    } else {
        Ok(Choice::Named(request, origin))
    }
}

fn runtime_txt(text: &str) -> Result<Request, VersionError> {
    let version = text.trim().strip_prefix("python-");
    version.and_then(request).ok_or_else(|| VersionError::BadRuntimeTxt { found: shown(text) })
}

fn version_file(text: &str) -> Result<Request, VersionError> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    match lines[..] {
        [] => Err(VersionError::EmptyVersionFile),
        [line] => request(line).ok_or_else(|| VersionError::BadVersionFile { found: shown(text) }),
        _ => Err(VersionError::SeveralVersions { found: lines.into_iter().take(10).map(shown).collect() }),
    }
}

/// `_meta.requires` of a `Pipfile.lock`: `python_full_version`, else `python_version`, else nothing.
fn pipfile_lock(text: &str) -> Result<Option<Request>, VersionError> {
    let bad = |found: &str| VersionError::BadPipfileLock { found: shown(found) };
    let lock: serde_json::Value = serde_json::from_str(text).map_err(|error| bad(&error.to_string()))?;
    let requires = &lock["_meta"]["requires"];
    let named = ["python_full_version", "python_version"].into_iter().find_map(|key| requires[key].as_str());
    named.map(|named| request(named).ok_or_else(|| bad(named))).transpose()
}

/// Reads `3.12` or `3.12.6`.
fn request(text: &str) -> Option<Request> {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let parts: Vec<Option<u16>> = text.split('.').map(number).collect();
    match parts[..] {
        [Some(major), Some(minor)] => Some(Request { major, minor, patch: None }),
        [Some(major), Some(minor), Some(patch)] => Some(Request { major, minor, patch: Some(patch) }),
        _ => None,
    }
}

fn shown(text: &str) -> String {
    text.trim_end().chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
