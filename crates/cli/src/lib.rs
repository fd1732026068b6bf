//! The native command line: `hokku apps`, `hokku logs --tail`, … in Heroku's own grammar.
//!
//! ```text
//! what was typed ─args─► a command ─context─► which server, which app ─commands/…─► requests (wire) ─► words
//! ```
//! A client of the Platform API like any other: it can do nothing that a third-party client could not. Standard output
//! carries data, everything said beside it goes to standard error. The environment, the clock, the terminal and the
//! server that may run on this machine are handed in.
//!
//! Exit codes: 0 when it was done, 1 when not, 2 when the command line was not understood; `run` and `pg:psql` end with
//! the code of what they ran.

mod args;
mod commands;
mod context;
mod credentials;
mod events;
mod remotes;
mod server;
mod table;
mod terminal;
mod words;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use context::Context;
pub use terminal::{Screen, Terminals};

/// Exit code of what was not done.
const FAILED: u8 = 1;

/// Gives the value of an environment variable.
pub type Variables = Box<dyn Fn(&str) -> Option<String>>;

/// The world that commands run in.
pub struct Env {
    /// The environment.
    pub var: Variables,
    /// The present folder.
    pub dir: PathBuf,
    /// This program, for git to call.
    pub program: PathBuf,
    /// The clock.
    pub now: fn() -> SystemTime,
    /// Keyboard and screen.
    pub screen: Screen,
    /// The server of this machine, if there is one whose files can be read.
    pub local: Box<dyn Fn() -> Option<LocalServer>>,
    /// Commands that the program has besides these, so that help and completions know them.
    pub others: Vec<clap::Command>,
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// A server on this machine.
#[derive(Clone)]
pub struct LocalServer {
    /// Its API (`https://localhost:5443`).
    pub url: String,
    /// Its owner's token.
    pub token: Option<String>,
    /// Certificates to trust, in PEM.
    pub ca_pem: String,
}

impl fmt::Debug for LocalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalServer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Runs one command line (without the program's name) and gives its exit code.
#[must_use]
pub fn run(args: Vec<OsString>, mut env: Env) -> u8 {
    let line = match args::parse(args, &env.others) {
        Ok(line) => line,
        Err(refused) => return env.screen.show_usage(&refused),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return env.screen.fail(&error.into(), FAILED),
    };
    let mut cx = Context::new(env, line.options);
    let done = runtime.block_on(commands::run(line.command, &mut cx));
    // Whatever still waits, such as a look-up of a name, is not waited for.
    runtime.shutdown_background();
    match done {
        Ok(()) => cx.exit_code,
        Err(error) => cx.env.screen.fail(&error, FAILED),
    }
}
