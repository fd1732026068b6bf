//! Which packages an app asks for, as far as its files say.

use std::collections::{BTreeMap, BTreeSet};

use crate::folder::Folder;

/// Deepest chain of files that include each other.
const INCLUDES_MAX: usize = 20;
/// Files of package managers whose packages are not read here.
const UNREAD: [&str; 4] = ["Pipfile.lock", "Pipfile", "poetry.lock", "setup.py"];

/// The packages that are asked for by name.
#[derive(Debug, Default)]
pub(crate) struct Requirements {
    /// Whether there is any file that says so.
    pub(crate) exist: bool,
    /// Whether nothing else is installed than what `packages` name, and what those bring along.
    pub(crate) complete: bool,
    /// Normalised name to what follows it (`==4.2.25`).
    packages: BTreeMap<String, String>,
}

impl Requirements {
    pub(crate) fn read(folder: &Folder) -> Self {
        let mut found = Self { exist: true, complete: true, packages: BTreeMap::new() };
        if let Some(lock) = folder.text("uv.lock") {
            found.read_lock(&lock);
        } else if folder.has("requirements.txt") {
            found.read_files(folder);
        } else {
            found.complete = false;
            found.exist = folder.has("pyproject.toml") || UNREAD.iter().any(|name| folder.has(name));
        }
        found
    }

    /// Whether a package is named, under any spelling of its name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.packages.contains_key(&normalised(name))
    }

    /// Whether any named package's name begins so.
    pub(crate) fn has_any(&self, prefix: &str) -> bool {
        self.packages.keys().any(|name| name.starts_with(prefix))
    }

    /// Major and minor number of a package whose version is fixed (`==4.2.25`, `~=4.2`).
    pub(crate) fn series(&self, name: &str) -> Option<(u32, u32)> {
        let version = self.packages.get(&normalised(name))?.trim();
        let version = version.strip_prefix("==").or_else(|| version.strip_prefix("~="))?.trim();
        let mut numbers = version.split('.').map(|part| part.parse().ok());
        Some((numbers.next()??, numbers.next().flatten().unwrap_or(0)))
    }

    fn read_files(&mut self, folder: &Folder) {
        let mut pending = vec!["requirements.txt".to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(path) = pending.pop() {
            if seen.len() >= INCLUDES_MAX || !seen.insert(path.clone()) {
                continue;
            }
            let Some(text) = folder.text(&path) else {
                self.complete = false;
                continue;
            };
            let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
            for line in text.replace("\\\n", " ").lines() {
                let line = line.split(" #").next().unwrap_or_default().trim();
                match line.strip_prefix("-r").or_else(|| line.strip_prefix("--requirement")) {
                    Some(other) if dir.is_empty() => pending.push(other.trim_matches([' ', '=']).to_owned()),
                    Some(other) => pending.push(format!("{dir}/{}", other.trim_matches([' ', '=']))),
                    None => self.read_line(line),
                }
            }
        }
    }

    fn read_line(&mut self, line: &str) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let end =
            line.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let is_option = line.starts_with('-');
        let elsewhere = line.contains("://") || line.contains(" @ ") || line.contains('/');
        if is_option {
            // `-e .` and the like install what has no name here.
            self.complete &= !(line.starts_with("-e") || line.starts_with("--editable"));
        } else if name.is_empty() || elsewhere {
            self.complete = false;
        } else {
            let rest = rest.split_once(']').map_or(rest, |(_, rest)| rest);
            let version = rest.split([';', ',']).next().unwrap_or_default().trim();
            self.packages.insert(normalised(name), version.to_owned());
        }
    }

    fn read_lock(&mut self, lock: &str) {
        let mut lines = lock.lines().peekable();
        while let Some(line) = lines.next() {
            if line != "[[package]]" {
                continue;
            }
            let mut told = |key: &str| {
                let value =
                    lines.peek()?.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned();
                lines.next();
                Some(value)
            };
            if let Some(name) = told("name") {
                let version = told("version").map(|version| format!("=={version}")).unwrap_or_default();
                self.packages.insert(normalised(&name), version);
            }
        }
    }
}

/// `Django_Heroku` and `django-heroku` are one package.
fn normalised(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests;
