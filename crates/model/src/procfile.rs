//! The Procfile: which process types an app has, and the command of each.
//!
//! The grammar is Heroku's classic one: a line `name: command`, where the colon is optional but white space
//! after the name is not; lines that do not match are ignored, a repeated name's last line wins.

use std::collections::BTreeMap;

use crate::formation::ProcessType;

/// Largest Procfile read, in bytes.
pub const BYTES_MAX: usize = 64 * 1024;
/// The process type whose command runs before a release goes live.
pub const RELEASE: &str = "release";
/// The process type that receives HTTP.
pub const WEB: &str = "web";

/// Process types with their commands, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Procfile {
    /// Command of each type, as written.
    pub commands: BTreeMap<ProcessType, String>,
}

impl Procfile {
    /// Reads a Procfile's text. Never fails: unreadable lines are left out, as on Heroku.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self { commands: text.lines().filter_map(parse_line).collect() }
    }

    /// The command of the release phase, if one is declared.
    #[must_use]
    pub fn release_command(&self) -> Option<&str> {
        self.command(RELEASE)
    }

    /// The command of a process type by its name.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&str> {
        let kind = name.parse().ok()?;
        self.commands.get::<ProcessType>(&kind).map(String::as_str)
    }
}

fn parse_line(line: &str) -> Option<(ProcessType, String)> {
    let line = line.trim();
    let name_end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))?;
    let (name, rest) = line.split_at(name_end);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let command = rest.trim_start();
    if command.len() == rest.len() || command.is_empty() {
        return None; // no white space after the name, or no command
    }
    Some((name.parse().ok()?, command.to_owned()))
}

#[cfg(test)]
mod tests;
