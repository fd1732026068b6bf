//! Finding the programs of Postgres.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// Oldest version whose settings we know.
const MAJOR_MIN: u32 = 14;
/// Where distributions put a version each; `*` stands for the version.
const VERSIONED: [(&str, &str); 2] = [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];
/// Where a single version may be.
const SINGLE: [&str; 3] = ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"];

/// A folder with all the programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    dir: PathBuf,
    pub(crate) major: u32,
}

/// No usable programs were found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPrograms {
    #[error(
        "found no Postgres of version {MAJOR_MIN} or newer (looked in {looked}); install the package `postgresql`"
    )]
    None { looked: String },
    #[error(
        "the data was written by Postgres {major}, but only {found:?} is installed; install `postgresql-{major}`"
    )]
    OtherVersion { major: u32, found: Vec<u32> },
}

impl Programs {
    /// The newest version, or the one that wrote the data that is there already.
    pub(crate) async fn find(given: Option<&Path>, data: Option<u32>) -> Result<Self, NoPrograms> {
        let dirs = given.map_or_else(usual_dirs, |dir| vec![dir.to_owned()]);
        let looked = dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ");
        let mut found = Vec::new();
        for dir in dirs {
            if let Some(major) = major_of(&dir).await.filter(|major| *major >= MAJOR_MIN) {
                found.push(Self { dir, major });
            }
        }
        // Of two folders with the same version, the first stays first.
        found.sort_by_key(|programs| Reverse(programs.major));
        let majors: Vec<u32> = found.iter().map(|programs| programs.major).collect();
        let wanted = |programs: &Self| data.is_none_or(|major| major == programs.major);
        found.into_iter().find(wanted).ok_or(match data {
            Some(major) if !majors.is_empty() => NoPrograms::OtherVersion { major, found: majors },
            _ => NoPrograms::None { looked },
        })
    }

    /// Where they are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A program's path.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn usual_dirs() -> Vec<PathBuf> {
    let versioned = VERSIONED.iter().flat_map(|(parent, prefix)| {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let versions = entries.filter(move |entry| {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix));
            version.is_some_and(|version| !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()))
        });
        versions.map(|entry| entry.path().join("bin"))
    });
    versioned.chain(SINGLE.iter().map(PathBuf::from)).collect()
}

/// The version of the programs in a folder, if all that we need are there.
async fn major_of(dir: &Path) -> Option<u32> {
    if !["initdb", "pg_ctl", "postgres"].iter().all(|name| dir.join(name).is_file()) {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").env_clear().output().await.ok()?;
    major_in(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_in(said: &str) -> Option<u32> {
    let version = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests;
