//! A dump's table of contents, as `pg_restore --list` prints it: what of it is restored here.
//!
//! A tenant's role may make most things, but not all that a superuser's dump holds. What it may not make and the data
//! do not need is left out and told as a warning; everything else that fails, fails the restore.

use std::collections::BTreeMap;

/// Extensions that the server offers, and whether an ordinary role may make them.
pub(crate) type Offered = BTreeMap<String, bool>;

/// What is restored of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Selection {
    /// The list for `pg_restore --use-list`.
    pub(crate) list: String,
    /// What is left out, in words.
    pub(crate) left_out: Vec<String>,
    /// Whether extensions are made.
    pub(crate) has_extensions: bool,
    /// Schemas that the dump makes.
    schemas: Vec<String>,
}

/// Kinds of entries that only a superuser can make.
const SUPERUSERS: [&str; 2] = ["EVENT TRIGGER", "SUBSCRIPTION"];

/// What holds a database that is over its plan (ADR 21); where it is needed, it is made anew.
const GUARD: &str = "EVENT TRIGGER - hokku_guard ";

enum Verdict {
    Restored,
    /// It is there anyway.
    Silent,
    LeftOut(String),
}

/// Reads a table of contents.
pub(crate) fn select(contents: &str, offered: &Offered, installed: &[String]) -> Selection {
    let mut selection = Selection::default();
    for line in contents.lines() {
        let Some(entry) = entry(line) else { continue };
        if let Some(schema) = entry.strip_prefix("SCHEMA - ") {
            selection.schemas.extend(schema.split(' ').next().map(str::to_owned));
        }
        match judge(entry, offered, installed) {
            Verdict::Restored => {
                selection.has_extensions |= entry.starts_with("EXTENSION - ");
                selection.list.push_str(line);
                selection.list.push('\n');
            }
            Verdict::Silent => {}
            Verdict::LeftOut(why) => selection.left_out.push(why),
        }
    }
    selection
}

impl Selection {
    /// Whether the dump makes a schema.
    pub(crate) fn makes_schema(&self, name: &str) -> bool {
        self.schemas.iter().any(|schema| schema == name)
    }
}

/// What follows the numbers: `2; 3079 16390 EXTENSION - hstore `. Lines that begin with `;` are remarks.
fn entry(line: &str) -> Option<&str> {
    let (number, rest) = line.split_once("; ")?;
    let is_entry = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = rest.splitn(3, ' ');
    let (Some(_), Some(_), Some(entry), true) = (parts.next(), parts.next(), parts.next(), is_entry) else {
        return None;
    };
    Some(entry)
}

fn judge(entry: &str, offered: &Offered, installed: &[String]) -> Verdict {
    // An extension comes with its own comment; the schema `public` and the language are always there.
    let there_anyway = ["COMMENT - EXTENSION ", "SCHEMA - public", "PROCEDURAL LANGUAGE - plpgsql"];
    let language = ["COMMENT - PROCEDURAL LANGUAGE ", "COMMENT - LANGUAGE ", "ACL - LANGUAGE "];
    if there_anyway.iter().chain(&language).any(|start| entry.starts_with(start)) {
        return Verdict::Silent;
    }
    if let Some(rest) = entry.strip_prefix("EXTENSION - ") {
        return extension(rest.split(' ').next().unwrap_or_default(), offered, installed);
    }
    if entry.starts_with(GUARD) {
        return Verdict::Silent;
    }
    for kind in SUPERUSERS {
        if let Some(rest) = entry.strip_prefix(kind) {
            let name = rest.trim_start_matches(" - ").split(' ').next().unwrap_or_default();
            let kind = kind.to_lowercase();
            return Verdict::LeftOut(format!("the {kind} {name} (only a superuser can make it)"));
        }
        if entry.starts_with(&format!("COMMENT - {kind} ")) {
            return Verdict::Silent;
        }
    }
    Verdict::Restored
}

fn extension(name: &str, offered: &Offered, installed: &[String]) -> Verdict {
    match offered.get(name) {
        _ if name == "plpgsql" || installed.iter().any(|it| it == name) => Verdict::Silent,
        Some(true) => Verdict::Restored,
        Some(false) => Verdict::LeftOut(format!("the extension {name} (only a superuser can make it)")),
        None => Verdict::LeftOut(format!("the extension {name} (this server does not offer it)")),
    }
}

#[cfg(test)]
mod tests;
