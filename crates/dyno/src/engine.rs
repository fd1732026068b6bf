//! The seam behind which dynos run: this machine's containers today, another engine tomorrow, a fake in tests.

use std::net::SocketAddrV4;

use model::config_var::Secret;
use model::dyno::{DynoKind, DynoName, Exit};
use model::formation::DynoSize;
use model::id::{AppId, DynoId};

/// One start of a dyno's process: everything an engine needs to know, and nothing it would have to look up.
#[derive(Debug, Clone)]
pub struct Life {
    /// The dyno.
    pub dyno: DynoId,
    /// Which start of it this is, from 1.
    pub number: u32,
    /// Its app.
    pub app: AppId,
    /// Its name, as it is logged and set as `DYNO`.
    pub name: DynoName,
    /// Why it exists.
    pub kind: DynoKind,
    /// Its size.
    pub size: DynoSize,
    /// Whether it must bind `$PORT` to be up. The engine chooses the port.
    pub web: bool,
    /// The command, for a shell.
    pub command: String,
    /// Config vars and the like; the engine adds `DYNO`, `PORT`, `HOME` and `PATH`.
    pub env: Vec<(String, Secret)>,
    /// The slug's manifest, as the `slug` crate writes it.
    pub manifest: String,
    /// For a dyno that a client attaches to: the terminal it gets, if any.
    pub attach: Option<Terminal>,
    /// The transcript that gets its output besides the log.
    pub transcript: Option<String>,
}

/// What an attached dyno talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Plain pipes.
    None,
    /// A terminal of this size.
    Sized {
        /// Cells per line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
}

/// What an engine tells of a dyno's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The dyno.
    pub dyno: DynoId,
    /// Which start of it.
    pub life: u32,
    /// What happened.
    pub news: News,
}

/// What happened to a dyno.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Its port will be reached here.
    Placed(SocketAddrV4),
    /// A web dyno has bound its port; another dyno's process runs.
    Up,
    /// Its process has ended and nothing of it is left.
    Exited {
        /// How it ended.
        exit: Exit,
        /// Its last words, for whoever waits for it.
        last_words: LastWords,
    },
}

/// What a process left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastWords {
    /// The last lines it printed.
    pub lines: Vec<String>,
    /// What the doctor makes of its output and end: cause and cure, a line each.
    pub diagnosis: Option<String>,
}

/// Runs dynos. Every call returns at once; what comes of it is told as [`Report`]s over the channel that the engine
/// was made with. Calls about lives that are over or unknown end in a report too, so nobody waits for ever.
pub trait Engine: Send + Sync {
    /// Starts a process.
    fn start(&self, life: Life);

    /// Takes up watching a life that may have gone on while the server was away. A life that is lost is reported as
    /// exited.
    fn adopt(&self, dyno: DynoId, life: u32);

    /// Asks the process to end: SIGTERM, and SIGKILL after the grace time. Repeating it changes nothing.
    fn stop(&self, dyno: DynoId, life: u32);

    /// Every dyno of which anything is left on the engine.
    fn present(&self) -> Vec<DynoId>;

    /// Ends and removes whatever is left of a dyno that the platform no longer knows.
    fn discard(&self, dyno: DynoId);
}
