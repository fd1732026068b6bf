//! Pythons that `uv` can download: standalone builds from its mirror (`UV_PYTHON_INSTALL_MIRROR`,
//! `UV_PYTHON_DOWNLOADS_JSON_URL`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::{Request, Sources, Version};
use crate::tools::{self, ToolError};

/// The longest that listing may take; the list is built into `uv` or a file, unless its address is
/// configured.
const LIST_LIMIT: Duration = Duration::from_secs(20);

/// The longest that a download of some 30 MB may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(180);

#[derive(Deserialize)]
struct Listed {
    version: String,
    implementation: String,
    variant: String,
}

/// The releases that `uv` knows where to get and that answer the request; none if it cannot tell.
pub(super) fn known(sources: &Sources, request: &Request) -> Vec<Version> {
    let Some(mut command) = uv(sources, LIST_LIMIT) else { return Vec::new() };
    command.args([
        "list",
        &request.to_string(),
        "--all-versions",
        "--only-downloads",
        "--output-format",
        "json",
    ]);
    let Ok(json) = tools::output("uv", &mut command) else { return Vec::new() };
    let listed: Vec<Listed> = serde_json::from_slice(&json).unwrap_or_default();
    listed
        .into_iter()
        .filter(|listed| listed.implementation == "cpython" && listed.variant == "default")
        .filter_map(|listed| listed.version.parse().ok())
        .filter(|version| request.accepts(*version))
        .collect()
}

/// Downloads a version into `into`, an empty directory; its prefix.
pub(super) fn install(sources: &Sources, version: Version, into: &Path) -> Result<PathBuf, ToolError> {
    let start = |cause| ToolError::Start { program: "uv".to_owned(), cause };
    let none = || start(std::io::ErrorKind::NotFound.into());
    let mut command = uv(sources, INSTALL_LIMIT).ok_or_else(none)?;
    // No links into the home directory of whoever runs the server, and no second copy in a cache.
    command.args(["install", "--no-bin", "--no-cache", "--install-dir"]).arg(into).arg(version.to_string());
    tools::output("uv python install", &mut command)?;
    let program = format!("bin/python{}.{}", version.major, version.minor);
    let installed = fs::read_dir(into).map_err(start)?.flatten();
    // A link named after the minor version stands beside the real directory.
    installed
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .find(|prefix| prefix.join(&program).is_file())
        .ok_or_else(none)
}

fn uv(sources: &Sources, limit: Duration) -> Option<Command> {
    let mut command = tools::command(sources.uv.as_ref()?, limit);
    // One retry: where there is no way out, the answer should come within seconds.
    command.args(["--no-config", "--no-progress", "--color", "never", "python"]).env("UV_HTTP_RETRIES", "1");
    command.envs(sources.uv_environment.iter().map(|(name, value)| (name, value)));
    Some(command)
}
