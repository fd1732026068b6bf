//! `cargo xtask lint`: formatting, clippy, and the rules of the house.

use std::process::Command;

use crate::run::{Outcome, run, say};
use crate::{setup, tidy};

/// Checks without running anything of the product.
pub(crate) fn lint() -> Outcome {
    setup::setup()?;
    say("== rustfmt");
    run(Command::new("cargo").args(["fmt", "--all", "--check"]))?;
    say("== clippy");
    run(Command::new("cargo").args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    tidy::tidy()
}
