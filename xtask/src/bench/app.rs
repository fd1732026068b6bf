//! An app of a benchmark: a copy of a sample in a repository of its own, handled with the official clients.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{Outcome, output, root, run};
use crate::server::Server;

pub(super) struct App<'a> {
    pub(super) server: &'a Server,
    pub(super) name: &'static str,
    pub(super) source: PathBuf,
}

impl<'a> App<'a> {
    /// A copy of the sample, created on the server.
    pub(super) fn new(server: &'a Server, sample: &str, name: &'static str) -> Outcome<Self> {
        let source = server.place().path(name);
        run(Command::new("cp").arg("-r").arg(root().join("apps").join(sample)).arg(&source))?;
        let app = Self { server, name, source };
        output(app.git().args(["init", "--quiet", "--initial-branch=main"]))?;
        app.commit("first")?;
        output(&mut app.heroku(&["create", name]))?;
        Ok(app)
    }

    /// Commits all that is there.
    pub(super) fn commit(&self, message: &str) -> Outcome {
        output(self.git().args(["add", "."]))?;
        output(self.git().args(["commit", "--quiet", "-m", message])).map(drop)
    }

    pub(super) fn git(&self) -> Command {
        self.server.client("git", &self.source)
    }

    pub(super) fn heroku(&self, words: &[&str]) -> Command {
        let mut heroku = self.server.client("heroku", &self.source);
        heroku.args(&words[..1]);
        if words[0] != "create" {
            heroku.args(["--app", self.name]);
        }
        heroku.args(&words[1..]);
        heroku
    }

    /// The app's config vars.
    pub(super) fn variables(&self) -> Outcome<Vec<(String, String)>> {
        let text = output(&mut self.heroku(&["config", "--shell"]))?;
        let unquoted = |value: &str| value.trim_matches(|c| c == '\'' || c == '"').to_owned();
        Ok(text
            .lines()
            .filter_map(|line| line.split_once('=').map(|(key, value)| (key.to_owned(), unquoted(value))))
            .collect())
    }
}
