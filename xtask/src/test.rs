//! `cargo xtask test`: every test, with everything it needs in place.

use std::process::Command;
use std::time::Instant;

use crate::run::{Outcome, find, root, run, say};
use crate::setup;

/// Installs what is missing and runs the tests; `args` go to the test runner.
pub(crate) fn test(args: &[&str]) -> Outcome {
    let tools = setup::setup()?;
    say("== building the tests");
    let began = Instant::now();
    run(Command::new("cargo").current_dir(root()).args(["build", "--workspace", "--all-targets"]))?;
    say(&format!("   built in {} s", began.elapsed().as_secs()));
    say("== the sample app's own tests");
    sample_app(&tools)?;
    say("== tests");
    let began = Instant::now();
    let mut cargo = Command::new("cargo");
    // nextest shows progress and keeps tests apart; plain `cargo test` passes too.
    let runner: &[&str] = if find("cargo-nextest").is_some() { &["nextest", "run"] } else { &["test"] };
    cargo.current_dir(root()).args(runner).arg("--workspace").args(args);
    cargo.env("PATH", tools.search_path()).env("HOKKU_UV", &tools.uv).env("HOKKU_CACHE_DIR", setup::cache());
    run(&mut cargo)?;
    say(&format!("   tests ran in {} s", began.elapsed().as_secs()));
    Ok(())
}

/// The sample app has tests of its own, on SQLite, as its author would run them.
fn sample_app(tools: &setup::Tools) -> Outcome {
    let app = root().join("apps/django-events");
    let mut uv = Command::new(&tools.uv);
    uv.current_dir(&app).args(["run", "--no-project", "--quiet", "--with-requirements", "requirements.txt"]);
    uv.env("UV_CACHE_DIR", setup::cache().join("uv"));
    run(uv.args(["python", "manage.py", "test"]))
}
