//! What the last words of a process mean, and what to do about it.
//!
//! A table of texts that are known, nothing else: what is not known gets no diagnosis. Fed line by line, so that it can
//! listen to a dyno for all its life; a line costs some comparisons.

mod database;
mod django;
mod process;
mod python;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use crate::finding::plain;

/// Most diagnoses that one listener gives.
pub const DIAGNOSES_MAX: usize = 20;
/// Lines before the present one that are remembered: a traceback says first where and then what.
const LINES_BEFORE: usize = 3;
/// Longest line that is read; of longer ones the beginning.
const LINE_BYTES_MAX: usize = 2_000;

/// Longest name (of a module, a host, a table) that is taken for one.
const NAME_BYTES_MAX: usize = 100;

/// What the trouble is. The word of each is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// A module that is not there.
    ModuleMissing,
    /// The Procfile names a WSGI module or app that is not there.
    WsgiModule,
    /// The program that a command names is not there.
    ProgramMissing,
    /// A table or column is not there: a migration was not run.
    MigrationMissing,
    /// The app keeps its data in SQLite on the dyno.
    DatabaseOnDyno,
    /// There is no `DATABASE_URL`.
    DatabaseUrl,
    /// The database is not where the settings say.
    DatabaseHost,
    /// The database wants TLS, or the other way round.
    DatabaseTls,
    /// The database does not know the password.
    DatabasePassword,
    /// The database has no connection left.
    DatabaseConnections,
    /// There is no driver for Postgres.
    DatabaseDriver,
    /// `SECRET_KEY` is not set.
    SecretKey,
    /// Another config var is not set.
    ConfigVar,
    /// `ALLOWED_HOSTS` lacks the host.
    DisallowedHost,
    /// `CSRF_TRUSTED_ORIGINS` lacks the origin.
    Origin,
    /// A static file is not in the manifest.
    StaticFile,
    /// `collectstatic` cannot run.
    Collectstatic,
    /// `STORAGES` beside django-heroku's static files.
    Storages,
    /// Listens on an address that nobody else reaches.
    Address,
    /// Listens on another port than `$PORT`.
    Port,
    /// Listens on nothing.
    NotListening,
    /// Out of memory.
    Memory,
    /// A request took longer than gunicorn lets it.
    WorkerTimeout,
    /// A web process that ended by itself.
    Ended,
}

/// The likely cause of a trouble, and its cure. Foreign text in it is short and clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What the trouble is.
    pub trouble: Trouble,
    /// What it is about: a module, a variable, a host; may be empty.
    pub about: String,
    /// The likely cause, a sentence.
    pub cause: String,
    /// What to do, with a command where there is one.
    pub cure: String,
}

impl fmt::Display for Diagnosis {
    /// One line for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Likely cause: {} Cure: {}", self.cause, self.cure)
    }
}

impl Diagnosis {
    /// Two lines for a push.
    #[must_use]
    pub fn lines(&self) -> String {
        format!("Likely cause: {}\nCure: {}", self.cause, self.cure)
    }

    pub(crate) fn new(trouble: Trouble, about: &str, cause: String, cure: String) -> Self {
        Self { trouble, about: plain(about), cause: plain_sentence(&cause), cure: plain_sentence(&cure) }
    }
}

/// No control characters in our lines, whatever a foreign text holds.
fn plain_sentence(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// How a process ended, or was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with the shell's status.
    Status(i32),
    /// It did not listen on its port in time; what it did listen on.
    NotListening(Listens),
    /// It used more memory than it has (R14), or was killed for that (R15).
    Memory,
}

/// What a process listens on that did not listen on `$PORT` for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listens {
    /// On nothing.
    Nowhere,
    /// On its port, for processes of the same dyno only.
    Loopback(u16),
    /// On another port.
    Port(u16),
}

/// Listens to the output of one process.
#[derive(Debug, Default)]
pub struct Listener {
    /// The process's command.
    command: String,
    web: bool,
    before: VecDeque<String>,
    told: BTreeSet<(Trouble, String)>,
    last: Option<Diagnosis>,
}

impl Listener {
    /// For a process with this command; `web` is one that must listen.
    #[must_use]
    pub fn new(command: &str, web: bool) -> Self {
        Self { command: command.to_owned(), web, ..Self::default() }
    }

    /// Takes a line of output; a diagnosis if it is a known trouble that was not told yet.
    pub fn line(&mut self, line: &str) -> Option<Diagnosis> {
        let line = &line[..line.floor_char_boundary(LINE_BYTES_MAX)];
        let found = if may_tell(line) { self.look(line) } else { None };
        if self.before.len() == LINES_BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(line.to_owned());
        let found = found?;
        self.last = Some(found.clone());
        self.first_time(found)
    }

    /// Takes the end of the process; a diagnosis if that alone tells something new.
    pub fn end(&mut self, end: End) -> Option<Diagnosis> {
        let found = process::end(end, self.web, self.last.is_some())?;
        self.last = Some(found.clone());
        self.first_time(found)
    }

    /// The newest diagnosis: what an end is most likely about.
    #[must_use]
    pub fn last(&self) -> Option<&Diagnosis> {
        self.last.as_ref()
    }

    fn first_time(&mut self, found: Diagnosis) -> Option<Diagnosis> {
        let is_new =
            self.told.len() < DIAGNOSES_MAX && self.told.insert((found.trouble, found.about.clone()));
        is_new.then_some(found)
    }

    fn look(&self, line: &str) -> Option<Diagnosis> {
        let seen = Seen { line, before: &self.before, command: &self.command };
        django::look(&seen)
            .or_else(|| database::look(&seen))
            .or_else(|| process::look(&seen))
            .or_else(|| python::look(&seen))
    }
}

/// The diagnosis of a text as a whole: the last one that it gives.
#[must_use]
pub fn diagnose(text: &str, command: &str) -> Option<Diagnosis> {
    let mut listener = Listener::new(command, false);
    text.lines().for_each(|line| drop(listener.line(line)));
    listener.last
}

/// What a row of the table looks at.
struct Seen<'a> {
    line: &'a str,
    before: &'a VecDeque<String>,
    command: &'a str,
}

impl<'a> Seen<'a> {
    fn has(&self, text: &str) -> bool {
        self.line.contains(text)
    }

    /// The text between `before` and `after`.
    fn between(&self, before: &str, after: &str) -> Option<&'a str> {
        let (_, rest) = self.line.split_once(before)?;
        rest.split_once(after).map(|(text, _)| text).filter(|text| text.len() <= NAME_BYTES_MAX)
    }

    /// The text in the quotes, of either kind, that follow `before`.
    fn quoted_after(&self, before: &str) -> Option<&'a str> {
        let (_, rest) = self.line.split_once(before)?;
        let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        rest[1..].split_once(quote).map(|(text, _)| text).filter(|text| text.len() <= NAME_BYTES_MAX)
    }

    /// Whether one of the lines just before has this text.
    fn before_has(&self, text: &str) -> bool {
        self.before.iter().any(|line| line.contains(text))
    }
}

/// Words of which a line has one if any row of the table may know it: most lines need no more than this.
fn may_tell(line: &str) -> bool {
    const WORDS: [&str; 15] = [
        "Error",
        "FATAL",
        "Failed to find",
        "HTTP_HOST",
        "Improperly",
        "Missing staticfiles",
        "Origin checking",
        "SIGKILL",
        "STATIC_ROOT",
        "Unknown command",
        "WORKER TIMEOUT",
        "connection to server",
        "could not translate",
        "not found",
        "unapplied migration",
    ];
    WORDS.iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests;
