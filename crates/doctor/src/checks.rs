//! What is looked for in a source. One file per part of an app; each check finds nothing unless it is sure.

mod committed;
mod models;
mod packages;
mod processes;
mod settings;
mod static_files;

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::folder::Folder;
use crate::project::Project;

/// Most findings that are told.
pub const FINDINGS_MAX: usize = 30;

/// What is known of an app besides its source. All of it may be unknown, as on a laptop.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Host names under which it is served.
    pub hosts: Vec<String>,
    /// Names of its config vars.
    pub config: Option<BTreeSet<String>>,
    /// The config var `DJANGO_SETTINGS_MODULE`.
    pub settings_module: Option<String>,
    /// The present time, in seconds since the Unix epoch.
    pub seconds: Option<u64>,
}

impl Around {
    /// Whether a config var is known to be set.
    fn has_config(&self, name: &str) -> bool {
        self.config.as_ref().is_some_and(|names| names.contains(name))
    }

    /// Whether a config var is known not to be set.
    fn lacks_config(&self, name: &str) -> bool {
        self.config.as_ref().is_some_and(|names| !names.contains(name))
    }
}

/// Looks through a folder; what it finds, by file and line.
#[must_use]
pub fn examine(folder: &Folder, around: &Around) -> Vec<Finding> {
    let project = Project::read(folder, around);
    let mut findings = Vec::new();
    processes::check(&project, &mut findings);
    packages::check(&project, &mut findings);
    settings::check(&project, &mut findings);
    static_files::check(&project, &mut findings);
    models::check(&project, &mut findings);
    committed::check(folder, &mut findings);
    findings.sort_by(|a, b| (&a.file, a.line, a.check).cmp(&(&b.file, b.line, b.check)));
    findings.dedup_by(|a, b| (&a.file, a.line, a.check) == (&b.file, b.line, b.check));
    findings.truncate(FINDINGS_MAX);
    findings
}

#[cfg(test)]
mod tests;
