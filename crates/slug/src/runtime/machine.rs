//! Pythons installed on this machine that can be copied: those with a prefix of their own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Request, Version};
use crate::tools;

/// The longest that an interpreter may take to tell its version.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// The minor versions of Python 3 that are looked for; older ones lack what a runtime is tried with.
fn minors() -> std::ops::RangeInclusive<u16> {
    9..=30
}

/// The places where self-contained Pythons usually are: pyenv's versions below `home`, `/usr/local`,
/// `/opt/*`, and wherever a `python3.N` in `search` (in the form of `PATH`) leads. Debian's own Python is
/// not self-contained: its library is spread and patched to install elsewhere.
#[must_use]
pub fn prefixes(home: Option<&Path>, search: &OsStr) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = home.map(|home| below(&home.join(".pyenv/versions"))).unwrap_or_default();
    found.push("/usr/local".into());
    found.extend(below(Path::new("/opt")));
    for dir in std::env::split_paths(search) {
        let programs =
            minors().filter_map(|minor| fs::canonicalize(dir.join(format!("python3.{minor}"))).ok());
        found.extend(programs.filter_map(|program| Some(program.parent()?.parent()?.to_path_buf())));
    }
    let mut prefixes = Vec::new();
    for prefix in found {
        let seen = prefixes.contains(&prefix) || prefix == Path::new("/usr") || prefix == Path::new("/");
        if !seen && minors().any(|minor| is_prefix_of(&prefix, minor)) {
            prefixes.push(prefix);
        }
    }
    prefixes
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut dirs: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    dirs.sort();
    dirs
}

fn is_prefix_of(prefix: &Path, minor: u16) -> bool {
    program(prefix, minor).is_file() && prefix.join(format!("lib/python3.{minor}/os.py")).is_file()
}

fn program(prefix: &Path, minor: u16) -> PathBuf {
    prefix.join(format!("bin/python3.{minor}"))
}

/// The interpreters in `prefixes` that answer the request, with their prefixes.
pub(super) fn find(prefixes: &[PathBuf], request: &Request) -> Vec<(Version, PathBuf)> {
    if request.major != 3 {
        return Vec::new();
    }
    let fitting = prefixes.iter().filter(|prefix| is_prefix_of(prefix, request.minor));
    fitting
        .filter_map(|prefix| Some((version(&program(prefix, request.minor))?, prefix.clone())))
        .filter(|(version, _)| request.accepts(*version))
        .collect()
}

/// All interpreters in `prefixes`.
pub(super) fn find_all(prefixes: &[PathBuf]) -> Vec<(Version, PathBuf)> {
    minors().flat_map(|minor| find(prefixes, &Request { major: 3, minor, patch: None })).collect()
}

/// Asks an interpreter for its version; `None` if it does not run, is a preview, or is not CPython.
fn version(program: &Path) -> Option<Version> {
    const ASK: &str = "import sys; v = sys.version_info; \
        print('%d.%d.%d' % v[:3] if v[3] == 'final' and sys.implementation.name == 'cpython' else '')";
    let answer = tools::output("python3", tools::command(program, PROBE_LIMIT).args(["-I", "-S", "-c", ASK]));
    String::from_utf8(answer.ok()?).ok()?.trim().parse().ok()
}
