//! The project's own chores, in plain std Rust so that they build in seconds.
//!
//! `cargo xtask help` lists them; each says what it does, and installs what it needs.

mod bench;
mod demo;
mod guide;
mod lint;
mod readme;
mod run;
mod server;
mod setup;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  demo           install what is missing, start a server, push the sample Django app, show it, leave it running
  demo --stop    stop the demo's server and everything it runs; with --purge remove its data too
  demo --env     print the exports that point a shell at the demo's server
  test [ARGS]    install what is missing and run all tests; with ARGS, for the test runner, only those
  readme         run the README's commands
  guide          go through the whole deployment guide and write docs/guide.md; with --check, compare it (a test does that too)
  lint           rustfmt, clippy and tidy
  ci             lint, then test
  bench NAME     measure: push, data
  setup          only install what is missing (Debian packages, uv from PyPI, heroku from npm)
  env            print the exports that put hokku, heroku and uv on a shell's PATH
  tidy           check the rules of the house: sizes, dependencies between crates, licences, docs
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["demo"] => demo::demo(),
        ["demo", "--stop"] => demo::stop(false),
        ["demo", "--stop", "--purge"] => demo::stop(true),
        ["demo", "--env"] => demo::exports(),
        ["test", rest @ ..] => test::test(rest),
        ["guide"] => guide::guide(false),
        ["guide", "--check"] => guide::guide(true),
        ["readme"] => readme::readme(),
        ["env"] => setup::setup().map(|tools| run::say(&tools.exports(&server::programs()))),
        ["lint"] => lint::lint(),
        ["ci"] => lint::lint().and_then(|()| test::test(&[])),
        ["bench", name, rest @ ..] => bench::bench(name, rest),
        ["setup"] => setup::setup().map(drop),
        ["tidy"] => tidy::tidy(),
        ["help" | "--help" | "-h"] => {
            run::say(HELP);
            Ok(())
        }
        other => Err(format!("unknown command `{}`\n\n{HELP}", other.join(" "))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            run::complain(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
}
