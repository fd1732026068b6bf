//! A terminal: a program in it believes that a person sits there.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::pty::{OpenptyResult, Winsize, openpty};

use crate::until::{PATIENCE, SOON, until};

pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Runs a command in a terminal of 80 × 24. `setsid` makes it the session's controlling terminal.
    pub(crate) fn start(command: &Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("a terminal");
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let mut inside = Command::new("setsid");
        inside.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args()).env_clear();
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
        if let Some(dir) = command.get_current_dir() {
            inside.current_dir(dir);
        }
        let child = inside.stdin(end()).stdout(end()).stderr(end()).spawn().expect("setsid runs");
        let (keyboard, screen) = (File::from(master), Arc::new(Mutex::new(Vec::new())));
        let (mut shown, seen) = (keyboard.try_clone().expect("a descriptor"), Arc::clone(&screen));
        // It ends with an error when the last program in the terminal has ended.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = shown.read(&mut buffer) {
                seen.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, keyboard, screen }
    }

    /// All that was shown, without colours and cursor movements.
    pub(crate) fn screen(&self) -> String {
        let shown = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = String::from_utf8_lossy(&shown);
        // A sequence ends with its first letter.
        let mut pieces = shown.split("\u{1b}[");
        let first = pieces.next().unwrap_or_default().to_owned();
        let text = |piece: &str| {
            piece
                .split_once(|c: char| c.is_ascii_alphabetic())
                .map_or(String::new(), |(_, text)| text.to_owned())
        };
        pieces.fold(first, |all, piece| all + &text(piece))
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub(crate) fn until_it_shows(&self, text: &str) {
        until(&format!("the terminal shows `{text}`"), SOON, || {
            let screen = self.screen();
            screen.contains(text).then_some(())
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
