//! `.slugignore`: files of the source that do not go into the slug, removed before the buildpacks run.
//!
//! The patterns read like `.gitignore`'s: `*`, `?` and `[…]` stay within one path component, `**` spans any
//! number, a pattern that ends in `/` means directories only, one with a `/` elsewhere is rooted at the
//! top, any other matches at every depth. As on Heroku there is no `!` negation: such lines mean nothing.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The file's name, in the root of the source.
pub const FILE_NAME: &str = ".slugignore";

/// The most patterns that are obeyed; matching is patterns times files.
pub const PATTERNS_MAX: usize = 1000;

/// The longest pattern in bytes; a comparison costs at most this times the length of the path.
pub const PATTERN_BYTES_MAX: usize = 1024;

/// The most of a `.slugignore` that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 256 * 1024;

/// A `.slugignore` that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// One entry per path component; `**` stands for any number of components.
    components: Vec<Vec<u8>>,
    directories_only: bool,
}

/// A file of the source could not be read or removed.
#[derive(Debug, thiserror::Error)]
#[error("could not remove ignored files at {path}")]
pub struct IgnoreError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

impl Patterns {
    /// Reads the text of a `.slugignore`; what is over a limit is left out.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        Self(text.split(|b| *b == b'\n').filter_map(Pattern::parse).take(PATTERNS_MAX).collect())
    }

    /// Whether the path, relative to the root of the source, is to be left out.
    #[must_use]
    pub fn matches(&self, path: &Path, is_directory: bool) -> bool {
        let path: Vec<&[u8]> = path.components().map(|c| c.as_os_str().as_bytes()).collect();
        self.0.iter().any(|pattern| (is_directory || !pattern.directories_only) && pattern.matches(&path))
    }

    /// Removes everything below `tree` that matches. Returns how many paths matched: a directory counts
    /// once, whatever it holds. Symbolic links are removed themselves, never followed.
    pub fn remove_from(&self, tree: &Path) -> Result<u64, IgnoreError> {
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |cause| IgnoreError { path, cause }
        };
        let mut removed = 0;
        let mut pending = vec![PathBuf::new()];
        while let Some(dir) = pending.pop() {
            let full = tree.join(&dir);
            for entry in fs::read_dir(&full).map_err(at(&full))? {
                let entry = entry.map_err(at(&full))?;
                let (path, full) = (dir.join(entry.file_name()), entry.path());
                let is_directory = entry.file_type().map_err(at(&full))?.is_dir();
                if self.matches(&path, is_directory) {
                    let removal = if is_directory { fs::remove_dir_all } else { fs::remove_file };
                    removal(&full).map_err(at(&full))?;
                    removed += 1;
                } else if is_directory {
                    pending.push(path);
                }
            }
        }
        Ok(removed)
    }
}

impl Pattern {
    fn parse(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        if line.is_empty() || matches!(line[0], b'#' | b'!') || line.len() > PATTERN_BYTES_MAX {
            return None;
        }
        let directories_only = line.ends_with(b"/");
        let body = line.strip_suffix(b"/").unwrap_or(line);
        let rooted = body.contains(&b'/');
        let mut components: Vec<Vec<u8>> = if rooted { Vec::new() } else { vec![b"**".to_vec()] };
        let named = body.split(|b| *b == b'/').filter(|c| !matches!(*c, b"" | b"."));
        components.extend(named.map(<[u8]>::to_vec));
        let names_something = components.iter().any(|c| c != b"**");
        let stays_inside = !components.iter().any(|c| c == b"..");
        if components.last().is_some_and(|last| last == b"**") {
            // `doc/**` means everything below `doc`, not `doc` itself.
            components.push(b"*".to_vec());
        }
        (names_something && stays_inside).then_some(Self { components, directories_only })
    }

    fn matches(&self, path: &[&[u8]]) -> bool {
        wildcard(
            self.components.as_slice(),
            path,
            |pattern| pattern.split_first().filter(|(first, _)| *first == b"**").map(|(_, rest)| rest),
            |pattern, name| {
                pattern.split_first().filter(|(first, _)| name_matches(first, name)).map(|(_, rest)| rest)
            },
            <[_]>::is_empty,
        )
    }
}

/// Shell-like match of one component, with `*`, `?`, `[…]` and `\` before a literal character.
fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    wildcard(
        pattern,
        name,
        |pattern| pattern.strip_prefix(b"*"),
        |pattern, byte| byte_matches(pattern, *byte),
        <[_]>::is_empty,
    )
}

/// Matches `items` against a pattern whose head is either a wildcard for any number of items (`any` gives
/// what follows it) or stands for one item (`one` gives what follows it, if it matches). Only the last
/// wildcard is ever tried again, so the cost is the product of the lengths, whatever the pattern.
fn wildcard<'a, P: ?Sized, I>(
    mut pattern: &'a P,
    mut items: &[I],
    any: impl Fn(&'a P) -> Option<&'a P>,
    one: impl Fn(&'a P, &I) -> Option<&'a P>,
    is_empty: impl Fn(&P) -> bool,
) -> bool {
    let mut again: Option<(&P, &[I])> = None;
    loop {
        if let Some(rest) = any(pattern) {
            pattern = rest;
            again = Some((rest, items));
        } else if items.is_empty() && is_empty(pattern) {
            return true;
        } else if let Some((first, below)) = items.split_first()
            && let Some(rest) = one(pattern, first)
        {
            (pattern, items) = (rest, below);
        } else {
            let Some((after, [_, below @ ..])) = again else { return false };
            (pattern, items) = (after, below);
            again = Some((after, below));
        }
    }
}

/// What follows the head of the pattern, if the head is not `*` and stands for `byte`.
fn byte_matches(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (matches, rest) = match *pattern {
        [] => return None,
        [b'?', ref rest @ ..] => (true, rest),
        [b'[', ref rest @ ..] => match class(rest) {
            Some((set, rest)) => (set.holds(byte), rest),
            None => (byte == b'[', rest),
        },
        [b'\\', literal, ref rest @ ..] | [literal, ref rest @ ..] => (literal == byte, rest),
    };
    matches.then_some(rest)
}

struct Class<'a> {
    negated: bool,
    members: &'a [u8],
}

/// Splits `abc]rest` (the text after a `[`) into the class and the rest; `None` if the bracket never
/// closes.
fn class(text: &[u8]) -> Option<(Class<'_>, &[u8])> {
    let negated = matches!(text.first(), Some(b'!' | b'^'));
    let text = &text[usize::from(negated)..];
    // A `]` right at the start is a member.
    let end = 1 + text.get(1..)?.iter().position(|b| *b == b']')?;
    Some((Class { negated, members: &text[..end] }, &text[end + 1..]))
}

impl Class<'_> {
    fn holds(&self, byte: u8) -> bool {
        let mut members = self.members;
        let mut found = false;
        while let Some((first, rest)) = members.split_first() {
            if let [b'-', last, after @ ..] = rest {
                found |= (*first..=*last).contains(&byte);
                members = after;
            } else {
                found |= *first == byte;
                members = rest;
            }
        }
        found != self.negated
    }
}

/// Reads the `.slugignore` of the source at `tree`, if there is one, and removes what it names. `None` if
/// there is no such file.
pub fn apply(tree: &Path) -> Result<Option<u64>, IgnoreError> {
    let failed = |cause| IgnoreError { path: PathBuf::from(FILE_NAME), cause };
    match crate::archive::read_inside(tree, OsStr::new(FILE_NAME).as_ref(), FILE_BYTES_MAX) {
        Ok(text) => Patterns::parse(&text).remove_from(tree).map(Some),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(failed(cause)),
    }
}

#[cfg(test)]
mod tests;
