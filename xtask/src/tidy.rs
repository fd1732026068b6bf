//! `cargo xtask tidy`: the rules of the house that a machine can check. Each says why it is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, output, root, say};

/// Longest source file, in lines: beyond that it has two meanings.
const FILE_LINES_MAX: usize = 700;
/// Most crates: what a newcomer can hold.
const CRATES_MAX: usize = 20;
/// Most packages in Cargo.lock.
const PACKAGES_MAX: usize = 430;
/// Longest ARCHITECTURE.md, in lines: a map that is read.
const ARCHITECTURE_LINES_MAX: usize = 250;
/// Names that say nothing about what is inside.
const JUNK_DRAWERS: [&str; 6] = ["common", "core", "utils", "types", "shared", "helpers"];
/// Beginnings of paths that exist on one machine only. Cut in two so that this file does not hold them.
const MACHINE_PATHS: [(&str, &str); 4] =
    [("/wo", "rk/main"), ("/wo", "rk/shared"), ("/ro", "ot/."), ("/opt/hokku", "-dev")];

/// Which crate may use which; `hokku` and the xtask may use all. Nothing else is allowed.
const ARROWS: [(&str, &[&str]); 19] = [
    ("model", &[]),
    ("store", &["model"]),
    ("logs", &["model"]),
    ("slug", &["model"]),
    ("oci", &["model"]),
    ("doctor", &["model"]),
    ("router", &["model", "logs"]),
    ("wire", &[]),
    ("git", &["model", "slug", "logs", "store"]),
    ("api", &["model", "wire", "slug", "logs", "certs", "store"]),
    ("build", &["model", "doctor", "slug", "oci", "logs", "store"]),
    ("release", &["model", "doctor", "logs", "store"]),
    ("deliver", &["model", "wire", "logs", "store"]),
    ("certs", &["model", "store"]),
    ("bucket", &["model"]),
    ("addon", &["model", "oci", "bucket", "logs", "store"]),
    ("dyno", &["model", "doctor", "slug", "oci", "router", "logs", "store"]),
    ("cli", &["doctor", "wire"]),
    ("dashboard", &["wire"]),
];

/// What product code may do in certain files only: the text, those files, and why. Tests and examples are free.
const AT_HOME: [(&str, &[&str], &str); 3] = [
    ("SystemTime::now", &["crates/hokku/src/clock.rs"], "the wall clock is handed in (ADR 7)"),
    ("rusqlite::", &["crates/store/src/"], "SQL is in `store` (invariant 1)"),
    (
        "std::env::var",
        &["crates/hokku/src/", "crates/cli/src/", "crates/git/src/hook.rs"],
        "the environment is read by `hokku` and `cli`",
    ),
];

/// Checks everything and tells all that is wrong.
pub(crate) fn tidy() -> Outcome {
    say("== tidy");
    let root = root();
    let files = tracked(&root)?;
    let mut wrong = Vec::new();
    file_sizes(&root, &files, &mut wrong);
    machine_paths(&root, &files, &mut wrong);
    at_home(&root, &files, &mut wrong);
    crates(&root, &mut wrong);
    packages(&root, &mut wrong);
    architecture(&root, &mut wrong);
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("tidy found {}:\n  {}", wrong.len(), wrong.join("\n  ")))
}

/// The files that git knows; in an unpacked archive there is no git, and nothing to check.
fn tracked(root: &Path) -> Outcome<Vec<PathBuf>> {
    let list = output(Command::new("git").current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    Ok(list.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

fn file_sizes(root: &Path, files: &[PathBuf], wrong: &mut Vec<String>) {
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs")) {
        let lines = fs::read_to_string(root.join(file)).map_or(0, |text| text.lines().count());
        if lines > FILE_LINES_MAX {
            wrong.push(format!(
                "{}: {lines} lines, at most {FILE_LINES_MAX}; split it by meaning",
                file.display()
            ));
        }
    }
}

fn machine_paths(root: &Path, files: &[PathBuf], wrong: &mut Vec<String>) {
    for file in files {
        let Ok(text) = fs::read_to_string(root.join(file)) else { continue };
        for (start, end) in MACHINE_PATHS {
            let path = format!("{start}{end}");
            if let Some(line) = text.lines().position(|line| line.contains(&path)) {
                wrong.push(format!("{}:{}: a path of one machine ({path})", file.display(), line + 1));
            }
        }
    }
}

fn at_home(root: &Path, files: &[PathBuf], wrong: &mut Vec<String>) {
    let product = |name: &str| {
        let tests = name.contains("/tests/") || name.ends_with("tests.rs") || name.contains("fixture");
        name.starts_with("crates/") && name.contains("/src/") && name.ends_with(".rs") && !tests
    };
    for name in files.iter().map(|file| file.to_string_lossy()).filter(|name| product(name)) {
        let Ok(text) = fs::read_to_string(root.join(name.as_ref())) else { continue };
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (word, homes, reason) in AT_HOME {
            let elsewhere = !homes.iter().any(|home| name.starts_with(home));
            if elsewhere && let Some(line) = code.lines().position(|line| line.contains(word)) {
                wrong.push(format!("{name}:{}: `{word}` is not at home here: {reason}", line + 1));
            }
        }
    }
}

fn crates(root: &Path, wrong: &mut Vec<String>) {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let names: BTreeSet<String> = fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    if names.len() > CRATES_MAX {
        wrong.push(format!("{} crates, at most {CRATES_MAX}", names.len()));
    }
    for name in &names {
        if JUNK_DRAWERS.contains(&name.as_str()) {
            wrong.push(format!("crates/{name}: a name that says nothing"));
        }
        let manifest =
            fs::read_to_string(root.join("crates").join(name).join("Cargo.toml")).unwrap_or_default();
        if manifest.contains("\n[features]") {
            wrong.push(format!("crates/{name}: has cargo features; product crates have none"));
        }
        if name == "hokku" {
            continue;
        }
        let Some(allowed) = allowed.get(name.as_str()) else {
            wrong.push(format!("crates/{name}: not in the table of dependencies; a new crate needs an ADR"));
            continue;
        };
        for used in dependencies(&manifest).filter(|used| names.contains(*used)) {
            if !allowed.contains(used) {
                wrong.push(format!("crates/{name}: must not use {used}"));
            }
        }
    }
}

/// The names in a manifest's `[dependencies]`; what only tests use is free.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let body = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let body = body.split("\n[").next().unwrap_or_default();
    body.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty())
}

fn packages(root: &Path, wrong: &mut Vec<String>) {
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let count = lock.lines().filter(|line| *line == "[[package]]").count();
    if count > PACKAGES_MAX {
        wrong.push(format!("Cargo.lock: {count} packages, at most {PACKAGES_MAX}"));
    }
}

/// The map names every crate.
fn architecture(root: &Path, wrong: &mut Vec<String>) {
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    let lines = text.lines().count();
    if lines > ARCHITECTURE_LINES_MAX {
        wrong.push(format!("ARCHITECTURE.md: {lines} lines, at most {ARCHITECTURE_LINES_MAX}"));
    }
    for entry in fs::read_dir(root.join("crates")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !text.contains(&format!("`{name}`")) {
            wrong.push(format!("ARCHITECTURE.md does not speak of crate `{name}`"));
        }
    }
}
