//! `cargo xtask guide`: goes through the whole deployment guide with the official client and writes `docs/guide.md`. The
//! test of that name does it; here it is only told to write the page, or to compare it as it does among all other tests.

use std::process::Command;
use std::time::Instant;

use crate::run::{Outcome, run, say};
use crate::setup;
use crate::test::with_tools;

/// The test, and what makes it write.
const TEST: &str = "guide::the_deployment_guide";
const MODE: &str = "HOKKU_GUIDE";

/// Writes the page, or with `check` fails with the difference if another one would be written.
pub(crate) fn guide(check: bool) -> Outcome {
    let tools = setup::setup()?;
    let began = Instant::now();
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--quiet", "--package", "hokku", "--test", "it", TEST, "--", "--exact"]);
    cargo.env(MODE, if check { "check" } else { "write" });
    run(with_tools(&mut cargo, &tools))?;
    let done = if check { "docs/guide.md is what comes" } else { "docs/guide.md is written" };
    say(&format!("   {done}; it took {} s", began.elapsed().as_secs()));
    Ok(())
}
