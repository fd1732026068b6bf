//! `cargo xtask test`: every test, with everything it needs in place.

use std::process::Command;
use std::time::Instant;

use crate::readme;
use crate::run::{Outcome, find, root, run, say};
use crate::setup::{self, Tools};

/// Installs what is missing and runs all tests: the sample app's own, the README's commands, and the workspace's, whose
/// counts come last. One that fails does not keep the others from running. With `args` only the workspace's run, and
/// the arguments go to the test runner.
pub(crate) fn test(args: &[&str]) -> Outcome {
    let tools = setup::setup()?;
    timed("building the tests", || {
        run(Command::new("cargo").current_dir(root()).args([
            "build",
            "--quiet",
            "--workspace",
            "--all-targets",
        ]))
    })?;
    let mut failed = Vec::new();
    let mut part = |title: &str, test: &dyn Fn() -> Outcome| failed.extend(timed(title, test).err());
    if args.is_empty() {
        part("the sample app's own tests", &|| sample_app(&tools));
        part("the README's commands", &readme::readme);
    }
    part("the workspace's tests", &|| workspace(&tools, args));
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn timed(title: &str, part: impl FnOnce() -> Outcome) -> Outcome {
    say(&format!("== {title}"));
    let began = Instant::now();
    let result = part();
    let word = if result.is_ok() { "done" } else { "FAILED" };
    say(&format!("== {title}: {word} in {} s", began.elapsed().as_secs()));
    result
}

fn workspace(tools: &Tools, args: &[&str]) -> Outcome {
    let mut cargo = Command::new("cargo");
    // nextest shows progress and keeps tests apart; plain `cargo test` passes too.
    let nextest: &[&str] = &["nextest", "run", "--no-fail-fast"];
    let runner = if find("cargo-nextest").is_some() { nextest } else { &["test", "--no-fail-fast"] };
    // A failed assertion tells its place by itself.
    cargo.args(runner).arg("--workspace").args(args).env("RUST_BACKTRACE", "0");
    run(with_tools(&mut cargo, tools))
}

/// With everything that tests look for.
pub(crate) fn with_tools<'a>(cargo: &'a mut Command, tools: &Tools) -> &'a mut Command {
    cargo.env("PATH", tools.search_path()).env("HOKKU_UV", &tools.uv).env("HOKKU_CACHE_DIR", setup::cache());
    cargo.current_dir(root())
}

/// The sample app has tests of its own, on SQLite, as its author would run them.
fn sample_app(tools: &Tools) -> Outcome {
    let app = root().join("apps/django-events");
    let mut uv = Command::new(&tools.uv);
    uv.current_dir(&app).args(["run", "--no-project", "--quiet", "--with-requirements", "requirements.txt"]);
    uv.env("UV_CACHE_DIR", setup::cache().join("uv")).env("PYTHONDONTWRITEBYTECODE", "1");
    run(uv.args(["python", "manage.py", "test"]))
}
