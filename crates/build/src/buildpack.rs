//! Which buildpack builds an app. There is one so far: `heroku/python`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The buildpack's name in the API and in the transcript.
pub(crate) const PYTHON: &str = "heroku/python";
/// Other ways to name it.
const PYTHON_ALIASES: [&str; 4] = [
    PYTHON,
    "https://github.com/heroku/heroku-buildpack-python",
    "https://github.com/heroku/heroku-buildpack-python.git",
    "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/python.tgz",
];

/// Files and folders of the root that mean Python; folders end in `/`. Heroku's list.
const PYTHON_SIGNS: [&str; 27] = [
    ".python-version",
    "__init__.py",
    "app.py",
    "main.py",
    "manage.py",
    "pdm.lock",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "pyproject.toml",
    "requirements.txt",
    "runtime.txt",
    "server.py",
    "setup.cfg",
    "setup.py",
    "uv.lock",
    "requeriments.txt",
    "requirement.txt",
    "requirements",
    "requirements.text",
    "Requirements.txt",
    "requirements.txt.txt",
    "requirments.txt",
    "requirements/",
    "__pycache__/",
    ".venv/",
    "venv/",
];

/// Files of the root whose content decides something, and the most of each that is read, in bytes.
const READ: [(&str, u64); 3] =
    [("runtime.txt", 4 << 10), (".python-version", 4 << 10), ("Pipfile.lock", 4 << 20)];
/// Paths below the root whose presence decides something.
const PROBED: [&str; 6] = [
    ".heroku/python/",
    ".heroku/collectstatic_disabled",
    "venv/pyvenv.cfg",
    ".venv/pyvenv.cfg",
    "bin/pre_compile",
    "bin/post_compile",
];
/// Most names of the root that an error lists.
const LISTED_MAX: usize = 50;

/// What was found in the root of the source.
#[derive(Debug, Clone, Default)]
pub(crate) struct Root {
    /// Names; folders end in `/`. Some paths below, too.
    names: BTreeSet<String>,
    texts: BTreeMap<String, String>,
}

/// Why an app cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChoiceError {
    /// Nothing known is in the source.
    NothingDetected,
    /// A buildpack is set that cannot be run.
    Unsupported { name: String },
    /// Several buildpacks are set.
    Several { names: Vec<String> },
    /// The buildpack that is set does not find its language.
    NotCompatible { listing: Vec<String> },
}

impl Root {
    /// Looks into the tree.
    pub(crate) fn look(tree: &Path) -> io::Result<Self> {
        let mut root = Self::default();
        for entry in fs::read_dir(tree)? {
            let entry = entry?;
            let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
            root.names.insert(format!("{}{slash}", entry.file_name().to_string_lossy()));
        }
        let inside = |path: &str| fs::symlink_metadata(tree.join(path)).ok();
        root.names.extend(PROBED.into_iter().filter(|path| inside(path).is_some()).map(str::to_owned));
        for (name, bytes_max) in READ {
            if let Ok(bytes) = slug::archive::read_inside(tree, &PathBuf::from(name), bytes_max) {
                root.texts.insert(name.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        Ok(root)
    }

    /// Whether the root has this file, or this folder when the name ends in `/`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// What one of the files in [`READ`] holds, if it is there.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.texts.get(name).cloned()
    }

    /// The names in the root, for error texts.
    pub(crate) fn listing(&self) -> Vec<String> {
        let own = |name: &&String| !name.trim_end_matches('/').contains('/');
        self.names.iter().filter(own).take(LISTED_MAX).cloned().collect()
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self {
            names: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
            texts: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        }
    }
}

/// Whether the Python buildpack builds it: by what is set for the app, else by what is in the source.
pub(crate) fn choose(set: &[String], root: &Root) -> Result<(), ChoiceError> {
    let is_python = PYTHON_SIGNS.iter().any(|sign| root.has(sign));
    match set {
        [] if is_python => Ok(()),
        [] => Err(ChoiceError::NothingDetected),
        [name] if !PYTHON_ALIASES.contains(&name.as_str()) => {
            Err(ChoiceError::Unsupported { name: name.clone() })
        }
        [_] if is_python => Ok(()),
        [_] => Err(ChoiceError::NotCompatible { listing: root.listing() }),
        _ => Err(ChoiceError::Several { names: set.to_vec() }),
    }
}

#[cfg(test)]
mod tests;
