//! Where this machine gets its Debian packages from, so that a stack comes from the same place: the mirrors
//! in `/etc/apt`, and apt's own download settings (proxies, retries, checks).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::tools::{self, ToolError};

/// The settings taken over, by the beginning of their names. Others, such as hooks, are about this machine.
const SETTINGS: [&str; 8] = [
    "Acquire::http::",
    "Acquire::https::",
    "Acquire::Retries",
    "Acquire::ForceIPv",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::Queue-Mode",
    "Acquire::Max-FutureTime",
];

/// The public mirror, for a machine that has no sources of the wanted release, e.g. because it runs another
/// one.
const PUBLIC: [(&str, &str); 3] = [
    ("http://deb.debian.org/debian", ""),
    ("http://deb.debian.org/debian", "-updates"),
    ("http://deb.debian.org/debian-security", "-security"),
];

/// One line of a `sources.list`.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    uri: String,
    suite: String,
    signed_by: Option<String>,
}

/// The download settings of this machine, in apt's configuration syntax.
pub(super) fn settings() -> Result<String, ToolError> {
    let dump =
        tools::output("apt-config", tools::command("apt-config", Duration::from_secs(30)).arg("dump"))?;
    Ok(taken_over(&String::from_utf8_lossy(&dump)))
}

fn taken_over(dump: &str) -> String {
    let wanted = |line: &&str| SETTINGS.iter().any(|name| line.starts_with(name));
    dump.lines().filter(wanted).map(|line| format!("{line}\n")).collect()
}

/// The text of a `sources.list` for the Debian release `suite`, its updates and its security updates.
pub(super) fn sources(suite: &str) -> String {
    let sources: Vec<Source> = files(Path::new("/etc/apt"))
        .into_iter()
        .filter_map(|path| Some((path.extension()? == "sources", fs::read_to_string(&path).ok()?)))
        .flat_map(|(stanzas, text)| if stanzas { from_stanzas(&text) } else { from_lines(&text) })
        .filter(|source| source.is_of(suite))
        .collect();
    let public = || {
        PUBLIC.map(|(uri, pocket)| Source {
            uri: uri.to_owned(),
            suite: format!("{suite}{pocket}"),
            signed_by: None,
        })
    };
    let base = sources.iter().any(|source| source.suite == suite);
    let sources = if base { sources } else { public().into() };
    sources.iter().map(Source::line).collect()
}

/// The files that apt reads its sources from.
fn files(apt: &Path) -> Vec<PathBuf> {
    let parts = fs::read_dir(apt.join("sources.list.d"));
    let parts = parts.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let named = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "list" || kind == "sources");
    let mut files: Vec<PathBuf> = parts.chain([apt.join("sources.list")]).filter(named).collect();
    files.sort();
    files
}

impl Source {
    /// Whether this is Debian's own archive of the release: other vendors use the release's name as well,
    /// but not with `main`, which is all that is read here.
    fn is_of(&self, suite: &str) -> bool {
        matches!(self.suite.strip_prefix(suite), Some("" | "-updates" | "-security"))
    }

    fn line(&self) -> String {
        let Self { uri, suite, signed_by } = self;
        let options = signed_by.as_ref().map(|key| format!("[signed-by={key}] ")).unwrap_or_default();
        format!("deb {options}{uri} {suite} main\n")
    }
}

/// Reads `deb [options] uri suite component…` lines.
fn from_lines(text: &str) -> Vec<Source> {
    text.lines().filter_map(from_line).collect()
}

fn from_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim().strip_prefix("deb ")?.trim_start();
    let (options, rest) = match line.strip_prefix('[') {
        Some(line) => line.split_once(']')?,
        None => ("", line),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?.to_owned(), words.next()?.to_owned());
    let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    words.any(|component| component == "main").then(|| Source {
        uri,
        suite,
        signed_by: signed_by.map(str::to_owned),
    })
}

/// Reads deb822 stanzas.
fn from_stanzas(text: &str) -> Vec<Source> {
    let mut stanzas: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match stanzas.last_mut() {
            Some(stanza) if !line.trim().is_empty() => stanza.push(line),
            _ => stanzas.push(Vec::new()),
        }
    }
    stanzas.iter().flat_map(|stanza| from_stanza(stanza)).collect()
}

fn from_stanza(lines: &[&str]) -> Vec<Source> {
    let field = |name: &str| {
        let mut found = lines.iter().filter_map(|line| line.split_once(':'));
        found.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
    };
    let has = |name: &str, word: &str| field(name).split_whitespace().any(|one| one == word);
    if !has("Types", "deb") || !has("Components", "main") || has("Enabled", "no") {
        return Vec::new();
    }
    // A key written into the stanza itself is left out: Debian's own are in apt's default keyring.
    let signed_by = Some(field("Signed-By")).filter(|key| key.starts_with('/')).map(str::to_owned);
    let suites = |uri: &str| {
        let uri = uri.to_owned();
        let signed_by = signed_by.clone();
        field("Suites").split_whitespace().map(move |suite| Source {
            uri: uri.clone(),
            suite: suite.to_owned(),
            signed_by: signed_by.clone(),
        })
    };
    field("URIs").split_whitespace().flat_map(suites).collect()
}

#[cfg(test)]
mod tests;
