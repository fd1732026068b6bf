//! Reads requirements files, only as far as to know what decides the outcome of installing them.
//!
//! The answer to three questions: which files belong to it (`-r`, `-c`), whether the outcome depends on anything
//! but their text (then it is no layer of its own), and whether every package is pinned (then the wheel store may
//! answer without asking an index). What is not understood counts as "depends on more": the installer will judge.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Most requirements files of one app.
const FILES_MAX: usize = 50;
/// Most bytes of one requirements file.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 20;

/// Options of a line of their own that only change how packages are found or chosen.
const HARMLESS_OPTIONS: [&str; 12] = [
    "-i",
    "--index-url",
    "--extra-index-url",
    "--no-index",
    "--no-binary",
    "--only-binary",
    "--prefer-binary",
    "--require-hashes",
    "--pre",
    "--trusted-host",
    "--use-feature",
    "--pypi-url",
];
const VCS: [&str; 4] = ["git+", "hg+", "svn+", "bzr+"];
const ARCHIVES: [&str; 6] = [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"];

/// What the requirements files say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Requirements {
    /// All files, by their path in the source.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    /// How many packages are asked for.
    pub(crate) packages: usize,
    /// Whether the outcome depends on more than these files: on the source, on a repository.
    pub(crate) needs_source: bool,
    /// Whether each package names one exact version.
    pub(crate) all_pinned: bool,
}

/// Reads `requirements.txt` and what it includes; `read` gives a file of the source by its path.
pub(crate) fn read(read: impl Fn(&Path) -> Option<Vec<u8>>) -> Requirements {
    let mut found = Requirements { all_pinned: true, ..Requirements::default() };
    let mut pending = vec![(PathBuf::from("requirements.txt"), false)];
    while let Some((path, is_constraint)) = pending.pop() {
        if found.files.contains_key(&path) {
            continue;
        }
        // A missing file is the installer's to complain about, in the source as it is.
        let Some(bytes) = read(&path).filter(|_| found.files.len() < FILES_MAX) else {
            found.needs_source = true;
            continue;
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        found.files.insert(path, bytes);
        for line in logical_lines(&text) {
            match classify(&line) {
                Entry::Package { pinned } if !is_constraint => {
                    found.packages += 1;
                    found.all_pinned &= pinned;
                }
                Entry::Package { .. } | Entry::Option => {}
                Entry::Include { path, constraint } => match inside(&dir, &path) {
                    Some(path) => pending.push((path, constraint || is_constraint)),
                    None => found.needs_source = true,
                },
                Entry::Local => {
                    found.packages += 1;
                    found.needs_source = true;
                }
            }
        }
    }
    found.all_pinned &= !found.needs_source;
    found
}

enum Entry {
    Package { pinned: bool },
    Include { path: String, constraint: bool },
    Option,
    Local,
}

fn classify(line: &str) -> Entry {
    if line.starts_with('-') {
        return classify_option(line);
    }
    let is_path = line.starts_with(['.', '/', '~']) || ARCHIVES.iter().any(|end| line.ends_with(end));
    let url = line.split_once("://").map(|(before, _)| before.to_ascii_lowercase());
    match url {
        // A link to an archive is taken to mean the same archive each time, as pip's own cache takes it.
        Some(scheme) if scheme.ends_with("http") || scheme.ends_with("https") => {
            let is_vcs = VCS.iter().any(|vcs| scheme.contains(vcs));
            if is_vcs { Entry::Local } else { Entry::Package { pinned: false } }
        }
        Some(_) => Entry::Local,
        None if is_path || !line.starts_with(|c: char| c.is_ascii_alphanumeric()) => Entry::Local,
        None => {
            let requirement = line.split(" --").next().unwrap_or(line);
            let requirement = requirement.split(';').next().unwrap_or(requirement);
            if requirement.contains(" @ ") || requirement.contains('/') {
                return Entry::Local;
            }
            let exact =
                requirement.split_once("==").is_some_and(|(_, version)| !version.contains(['*', ',']));
            Entry::Package { pinned: exact }
        }
    }
}

fn classify_option(line: &str) -> Entry {
    let (name, value) = line.split_once([' ', '=']).unwrap_or((line, ""));
    let value = value.trim_start_matches(['=', ' ']).trim();
    let include = |value: &str, constraint| Entry::Include { path: value.to_owned(), constraint };
    match name {
        "-r" | "--requirement" => include(value, false),
        "-c" | "--constraint" => include(value, true),
        _ if HARMLESS_OPTIONS.contains(&name) => Entry::Option,
        "-f" | "--find-links" if value.contains("://") && !value.starts_with("file:") => Entry::Option,
        // `-rother.txt`
        _ if line.starts_with("-r") => include(line[2..].trim(), false),
        _ if line.starts_with("-c") => include(line[2..].trim(), true),
        _ => Entry::Local,
    }
}

/// Lines without comments and with continuations joined, as pip reads them.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let is_comment = line.trim_start().starts_with('#');
        let code = if is_comment { "" } else { line.split(" #").next().unwrap_or(line) };
        match code.strip_suffix('\\') {
            Some(begun) => open.push_str(begun),
            None => {
                open.push_str(code);
                lines.push(std::mem::take(&mut open));
            }
        }
    }
    lines.push(open);
    lines.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// A path of the source, from `dir`; `None` if it leaves the source or is an address.
fn inside(dir: &Path, path: &str) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    if path.is_empty() || path.contains("://") || path.contains('$') {
        return None;
    }
    for component in dir.join(path).components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir if clean.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean)
}

#[cfg(test)]
mod tests;
