//! A server with an app that seems to run, and a shell to type commands in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use cli::{Env, LocalServer, Screen, Terminals};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::fixture;

pub(crate) const OWNER: &str = "owner-token";
/// Somebody else's token.
pub(crate) const COLLEAGUE: &str = "colleague-token";

/// A server, and a person with an empty home folder before it.
pub(crate) struct Shell {
    pub(crate) url: String,
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) local: Option<LocalServer>,
    pub(crate) dir: TempDir,
    said: String,
    _server: Runtime,
    _data: TempDir,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: u8,
    pub(crate) output: String,
    pub(crate) error: String,
}

impl Shell {
    /// A person who has a token.
    pub(crate) fn start() -> Self {
        let mut shell = Self::stranger();
        let url = shell.url.clone();
        shell.vars.extend([("HOKKU_SERVER".to_owned(), url), ("HOKKU_API_KEY".to_owned(), OWNER.to_owned())]);
        shell
    }

    /// A person whom the server does not know.
    pub(crate) fn stranger() -> Self {
        let (data, dir) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let server = Runtime::new().expect("a runtime");
        let url = server.block_on(serve(data.path()));
        let home = dir.path().display().to_string();
        let vars = BTreeMap::from([("HOME".to_owned(), home)]);
        Self { url, vars, local: None, dir, said: String::new(), _server: server, _data: data }
    }

    /// Runs a command line, whose words are parted by blanks, and notes what it says.
    pub(crate) fn hokku(&mut self, line: &str) -> Ended {
        self.hokku_typing(line, "")
    }

    /// The same, with what is typed into it.
    pub(crate) fn hokku_typing(&mut self, line: &str, typed: &str) -> Ended {
        let (output, error) = (Written::default(), Written::default());
        let input = Box::new(io::Cursor::new(typed.as_bytes().to_vec()));
        let screen =
            Screen::new(input, Box::new(output.clone()), Box::new(error.clone()), Terminals::default(), true);
        let code = cli::run(line.split_whitespace().map(Into::into).collect(), self.env(screen));
        let ended = Ended { code, output: output.text(), error: error.text() };
        let _ = write!(self.said, "$ hokku {line}\n{}", ended.output);
        for line in ended.error.lines() {
            let _ = writeln!(self.said, "2> {line}");
        }
        let _ = writeln!(self.said, "[{code}]\n");
        ended
    }

    /// Everything that was said.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    pub(crate) fn git<const N: usize>(&self, args: [&str; N]) -> String {
        let run =
            Command::new("git").args(args).current_dir(self.dir.path()).env("HOME", self.dir.path()).output();
        let output = run.expect("git");
        assert!(output.status.success(), "git {args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    pub(crate) fn env(&self, screen: Screen) -> Env {
        let (vars, local) = (self.vars.clone(), self.local.clone());
        Env {
            var: Box::new(move |name| vars.get(name).cloned()),
            dir: self.dir.path().to_owned(),
            program: PathBuf::from("/usr/local/bin/hokku"),
            now: SystemTime::now,
            screen,
            local: Box::new(move || local.clone()),
            others: Vec::new(),
        }
    }
}

async fn serve(data: &Path) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let cx = fixture::context(data, port);
    let owner = fixture::account(&cx, "owner@example.com", OWNER).await;
    fixture::account(&cx, "colleague@example.com", COLLEAGUE).await;
    fixture::running_app(&cx, &owner, "running-app").await;
    // What the router says of a client that came over plain HTTP.
    let over_http = axum::middleware::map_request(async |mut request: axum::extract::Request| {
        request.headers_mut().insert("x-forwarded-proto", axum::http::HeaderValue::from_static("http"));
        request
    });
    cx.store.set_witness(api::witness(cx.clone()));
    let routes = api::routes(cx).layer(over_http);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://127.0.0.1:{port}")
}

/// What a command wrote.
#[derive(Clone, Default)]
pub(crate) struct Written {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// The reader goes away after so many lines.
    pub(crate) lines_max: Option<usize>,
}

impl Written {
    pub(crate) fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).expect("text")
    }
}

impl Write for Written {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        if self.lines_max.is_some_and(|most| lines >= most) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        bytes.extend_from_slice(written);
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
