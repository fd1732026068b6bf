//! Keyboard and screen: data on standard output, words on standard error, colours only on a terminal.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use serde::Serialize;

use crate::words;

/// Longest line that is typed, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Which of the three are terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input.
    pub input: bool,
    /// Standard output.
    pub output: bool,
    /// Standard error.
    pub error: bool,
}

/// Where commands read and write.
pub struct Screen {
    input: Option<BufReader<Box<dyn Read + Send>>>,
    output: Box<dyn Write>,
    error: Box<dyn Write>,
    terminals: Terminals,
    colours: bool,
    line_is_open: bool,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("terminals", &self.terminals).finish_non_exhaustive()
    }
}

/// Colours, by what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Bold,
    Good,
    Bad,
    Warning,
    /// One of several colours that tell things apart.
    Tone(usize),
}

/// Colours of [`Paint::Tone`].
const TONES: [u8; 6] = [36, 33, 32, 35, 34, 96];

impl Screen {
    /// A screen of these parts; `colours` says whether terminals get them.
    #[must_use]
    pub fn new(
        input: Box<dyn Read + Send>,
        output: Box<dyn Write>,
        error: Box<dyn Write>,
        terminals: Terminals,
        colours: bool,
    ) -> Self {
        let input = Some(BufReader::new(input));
        Self { input, output, error, terminals, colours, line_is_open: false }
    }

    pub(crate) fn terminals(&self) -> Terminals {
        self.terminals
    }

    /// A line of data.
    pub(crate) fn say(&mut self, line: impl AsRef<str>) -> io::Result<()> {
        self.close_line();
        writeln!(self.output, "{}", line.as_ref())
    }

    /// Data as it is, at once.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.output.flush()
    }

    /// Data for programs.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        Ok(self.say(text)?)
    }

    /// A line beside the data. Without a standard error nobody can be told, here and below.
    pub(crate) fn note(&mut self, line: impl AsRef<str>) {
        self.close_line();
        let _ = writeln!(self.error, "{}", line.as_ref());
    }

    /// Says what is being done; [`Screen::done`] ends the line.
    pub(crate) fn start(&mut self, doing: impl AsRef<str>) {
        self.close_line();
        let _ = write!(self.error, "{}... ", doing.as_ref());
        let _ = self.error.flush();
        self.line_is_open = true;
    }

    /// Says that it was done, and what came of it.
    pub(crate) fn done(&mut self, result: impl AsRef<str>) {
        self.line_is_open = false;
        let result = result.as_ref();
        let comma = if result.is_empty() { "" } else { ", " };
        let _ = writeln!(self.error, "done{comma}{result}");
    }

    fn close_line(&mut self) {
        if std::mem::take(&mut self.line_is_open) {
            let _ = writeln!(self.error, "!");
        }
    }

    /// A text in a colour, if standard output is a terminal.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        if self.terminals.output && self.colours { painted(paint, text) } else { text.to_owned() }
    }

    /// The same for standard error.
    fn paint_note(&self, paint: Paint, text: &str) -> String {
        if self.terminals.error && self.colours { painted(paint, text) } else { text.to_owned() }
    }

    /// Help, the version, or why a command line was not understood; gives the exit code.
    pub(crate) fn show_usage(&mut self, usage: &clap::Error) -> u8 {
        let rendered = usage.render();
        let is_terminal = if usage.use_stderr() { self.terminals.error } else { self.terminals.output };
        let text =
            if is_terminal && self.colours { rendered.ansi().to_string() } else { rendered.to_string() };
        let to = if usage.use_stderr() { &mut self.error } else { &mut self.output };
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        u8::try_from(usage.exit_code()).unwrap_or(crate::FAILED)
    }

    /// Says why something was not done, and what to do next; gives the exit code.
    pub(crate) fn fail(&mut self, error: &anyhow::Error, code: u8) -> u8 {
        if words::is_closed_pipe(error) {
            return code;
        }
        let label = self.paint_note(Paint::Bad, "error:");
        self.note(format!("{label} {}", words::told(error)));
        if let Some(hint) = words::hint(error) {
            let label = self.paint_note(Paint::Warning, "hint:");
            self.note(format!("{label} {hint}"));
        }
        code
    }

    /// Asks for a line; `None` when there is none any more.
    pub(crate) fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        self.close_line();
        write!(self.error, "{question}")?;
        self.error.flush()?;
        let Some(input) = &mut self.input else { return Ok(None) };
        let mut line = String::new();
        let read = input.take(LINE_BYTES_MAX).read_line(&mut line)?;
        if !self.terminals.input {
            writeln!(self.error)?;
        }
        Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// Asks for a line that is not shown.
    pub(crate) fn ask_secret(&mut self, question: &str) -> io::Result<Option<String>> {
        let quiet = if self.terminals.input { Some(Typing::hidden()?) } else { None };
        let answer = self.ask(question);
        if quiet.is_some() {
            writeln!(self.error)?;
        }
        answer
    }

    /// The rest of the input, for who reads it elsewhere.
    pub(crate) fn take_input(&mut self) -> Option<Box<dyn Read + Send>> {
        self.input.take().map(|input| Box::new(input) as Box<dyn Read + Send>)
    }
}

fn painted(paint: Paint, text: &str) -> String {
    let code = match paint {
        Paint::Bold => 1,
        Paint::Good => 32,
        Paint::Bad => 31,
        Paint::Warning => 33,
        Paint::Tone(which) => TONES[which % TONES.len()],
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// A keyboard that behaves otherwise until this is dropped.
pub(crate) struct Typing {
    before: Termios,
}

impl Typing {
    /// Every key goes to the reader as it is: line editing and Ctrl-C happen at the other end.
    pub(crate) fn raw() -> io::Result<Self> {
        Self::with(Termios::make_raw)
    }

    /// What is typed is not shown.
    fn hidden() -> io::Result<Self> {
        Self::with(|terminal| terminal.local_modes.remove(LocalModes::ECHO))
    }

    fn with(change: impl FnOnce(&mut Termios)) -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut after = before.clone();
        change(&mut after);
        tcsetattr(io::stdin(), OptionalActions::Now, &after)?;
        Ok(Self { before })
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Columns and lines of the terminal.
pub(crate) fn window() -> Option<(u16, u16)> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}
