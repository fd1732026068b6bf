//! A folder of source files, read within limits. Symbolic links are never followed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most files that are looked at; the rest is left out.
const FILES_MAX: usize = 20_000;
/// Deepest folder that is looked into.
const DEPTH_MAX: usize = 24;
/// Largest file that is read, in bytes: source is smaller.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 20;
/// Folders that hold no source of the app.
const FOREIGN: [&str; 10] = [
    ".git",
    ".hg",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "site-packages",
    ".heroku",
    ".tox",
    "target",
];

/// The regular files below a root.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Paths from the root, with `/`.
    files: BTreeSet<String>,
}

impl Folder {
    /// Everything below `root` but what is no source: repositories, virtual environments, caches. What cannot be read is
    /// left out.
    #[must_use]
    pub fn walk(root: &Path) -> Self {
        let mut files = BTreeSet::new();
        let mut pending = vec![(root.to_owned(), String::new(), 0)];
        while let Some((dir, prefix, depth)) = pending.pop() {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else {
                    continue;
                };
                let path = format!("{prefix}{name}");
                if kind.is_dir() && depth < DEPTH_MAX && !FOREIGN.contains(&name.as_str()) {
                    pending.push((entry.path(), format!("{path}/"), depth + 1));
                } else if kind.is_file() {
                    files.insert(path);
                }
                if files.len() >= FILES_MAX {
                    return Self { root: root.to_owned(), files };
                }
            }
        }
        Self { root: root.to_owned(), files }
    }

    /// Only these files of `root`, such as those that git knows; paths from the root, with `/`. What is no regular file
    /// is left out.
    #[must_use]
    pub fn of(root: &Path, paths: impl IntoIterator<Item = String>) -> Self {
        let is_file = |path: &String| {
            let parents = Path::new(path).ancestors().skip(1).filter(|it| !it.as_os_str().is_empty());
            let inside = !path.starts_with('/') && !path.split('/').any(|part| part == "..");
            let real = |it: &Path| fs::symlink_metadata(root.join(it)).is_ok_and(|meta| meta.is_dir());
            inside
                && !path.split('/').any(|part| FOREIGN.contains(&part))
                && parents.into_iter().all(real)
                && fs::symlink_metadata(root.join(path)).is_ok_and(|meta| meta.is_file())
        };
        Self { root: root.to_owned(), files: paths.into_iter().filter(is_file).take(FILES_MAX).collect() }
    }

    /// Every path, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Whether anything is below the folder `dir`, which has no `/` at its end.
    pub(crate) fn has_dir(&self, dir: &str) -> bool {
        let prefix = format!("{dir}/");
        self.files.range(prefix.clone()..).next().is_some_and(|path| path.starts_with(&prefix))
    }

    /// The bytes of a file; `None` if it is too large or cannot be read.
    pub(crate) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        if !self.has(path) {
            return None;
        }
        let mut bytes = Vec::new();
        let file = File::open(self.root.join(path)).ok()?;
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= FILE_BYTES_MAX).then_some(bytes)
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path)?;
        let text = String::from_utf8_lossy(&bytes);
        Some(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
    }

    /// The first bytes of a file, however large it is.
    pub(crate) fn head(&self, path: &str, bytes_max: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Ok(file) = File::open(self.root.join(path))
            && self.has(path)
        {
            // What cannot be read has no beginning.
            let _ = file.take(bytes_max).read_to_end(&mut bytes);
        }
        bytes
    }
}
