//! Makes an interpreter of this machine one that lives at [`PYTHON_HOME`] on a stack.
//!
//! The work is done by three scripts in namespaces of their own: one copies and mounts, one works inside
//! the build layers (so that the machine needs neither compiler tools nor luck), one tries the result on
//! the run base, as a dyno will.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{PYTHON_HOME, Version};
use crate::digest::Digest;
use crate::stack::Stack;
use crate::tools::{self, ToolError};

const COPY: &str = include_str!("copy.sh");
const ADAPT: &str = include_str!("adapt.sh");
const TRY: &str = include_str!("try.sh");

/// The longest that it may take; compiling the standard library is most of it.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// A name for the way runtimes are made: one made in another way is not used.
pub(super) fn recipe() -> String {
    let text = format!("{PYTHON_HOME}\n{COPY}\n{ADAPT}\n{TRY}");
    Digest::of(text.as_bytes()).to_string()[..12].to_owned()
}

/// Makes a tree below `work` that holds the interpreter at its place; the caller removes `work`.
pub(super) fn relocate(
    version: Version,
    prefix: &Path,
    stack: &Stack,
    work: &Path,
) -> Result<PathBuf, ToolError> {
    let tree = work.join("tree");
    let mut command = tools::command("unshare", LIMIT);
    command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["sh", "-c", COPY, "copy.sh"]).arg(work).arg(prefix).args([
        &version.to_string(),
        PYTHON_HOME,
        ADAPT,
        TRY,
    ]);
    command.arg(stack.run_layers.len().to_string()).args(&stack.build_layers);
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    tools::output("copy.sh", &mut command)?;
    Ok(tree)
}
