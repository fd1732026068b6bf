//! The child process of one build step, for the tests of this crate: `build-box build-box SPEC.json`, as the
//! platform's own program is called.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(2).map(PathBuf::from) {
        Some(spec) => ExitCode::from(build::sandbox::run_box(&spec)),
        None => ExitCode::from(2),
    }
}
