//! A terminal: a program in it believes that a person sits there.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use nix::pty::{OpenptyResult, Winsize, openpty};
use vt100::Parser;

use crate::until::{PATIENCE, SOON, until};

/// How many lines can be read back. A program is told of fewer.
const LINES_KEPT: NonZero<u16> = NonZero::new(1200).expect("it is not zero");

/// Columns and lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) columns: u16,
    pub(crate) lines: u16,
}

pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Parser>>,
    eye: JoinHandle<()>,
}

impl Terminal {
    /// Runs a command in a terminal of 80 × 24.
    pub(crate) fn start(command: &Command) -> Self {
        Self::start_sized(command, Size { columns: 80, lines: 24 })
    }

    /// Runs a command in a terminal. `setsid` makes it the session's controlling terminal.
    pub(crate) fn start_sized(command: &Command, size: Size) -> Self {
        let columns = NonZero::new(size.columns).expect("a terminal has columns");
        let window = Winsize { ws_row: size.lines, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&window, None).expect("a terminal");
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let mut inside = Command::new("setsid");
        inside.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args()).env_clear();
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
        if let Some(dir) = command.get_current_dir() {
            inside.current_dir(dir);
        }
        let child = inside.stdin(end()).stdout(end()).stderr(end()).spawn().expect("setsid runs");
        let screen = Arc::new(Mutex::new(Parser::new(LINES_KEPT, columns, 0)));
        let keyboard = File::from(master);
        let (mut shown, seen) = (keyboard.try_clone().expect("a descriptor"), Arc::clone(&screen));
        // It ends with an error when the last program in the terminal has ended.
        let eye = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = shown.read(&mut buffer) {
                seen.lock().unwrap_or_else(PoisonError::into_inner).process(&buffer[..count]);
            }
        });
        Self { child, keyboard, screen, eye }
    }

    fn parser(&self) -> MutexGuard<'_, Parser> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a person sees, scrolled back to the start; lines that did not fit are whole again.
    pub(crate) fn screen(&self) -> String {
        let screen = self.parser().screen().contents();
        let lines = screen.lines().map(|line| format!("{}\n", line.trim_end()));
        lines.collect::<String>().trim_end().to_owned()
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub(crate) fn until_it_shows(&self, text: &str) {
        self.until_it_shows_times(text, 1);
    }

    /// Waits until a text is on the screen that often.
    #[track_caller]
    pub(crate) fn until_it_shows_times(&self, text: &str, times: usize) {
        until(&format!("the terminal shows `{text}` {times} times"), SOON, || {
            (self.screen().matches(text).count() >= times).then_some(())
        });
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal is open");
    }

    /// Waits for the end; the exit status and all that was shown.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let status = until("the program in the terminal ends", PATIENCE, || {
            self.child.try_wait().expect("it can be asked")
        });
        until("all of it is read", SOON, || self.eye.is_finished().then_some(()));
        (status.code(), self.screen())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            crate::server::show(&format!("--- the terminal showed:\n{}\n---", self.screen()));
        }
    }
}
