//! Programs that a test runs: with a time limit, and with output that can be read while they run.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::until::{PATIENCE, until, until_true};

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit status; 128 and the signal's number after a signal, as in a shell.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Both outputs.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// It must have ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.said());
        self
    }
}

/// A command that runs; it is killed when nobody is interested in it any more.
pub(crate) struct Running {
    what: String,
    child: Child,
    outputs: TempDir,
}

impl Running {
    /// Starts it. Unless told otherwise it has no input.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_reading(command, Stdio::null())
    }

    /// Starts it with an input.
    pub(crate) fn start_reading(command: &mut Command, input: Stdio) -> Self {
        let outputs = tempfile::tempdir().expect("a folder");
        let file = |name: &str| File::create(outputs.path().join(name)).expect("a file");
        let child = command.stdin(input).stdout(file("out")).stderr(file("err")).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            what: format!("{:?} {:?}", command.get_program(), command.get_args().collect::<Vec<_>>()),
            child,
            outputs,
        }
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.outputs.path().join(name)).unwrap_or_default()).into_owned()
    }

    /// Standard output so far.
    pub(crate) fn out(&self) -> String {
        self.read("out")
    }

    /// Standard error so far.
    pub(crate) fn err(&self) -> String {
        self.read("err")
    }

    /// Waits until it has said something.
    #[track_caller]
    pub(crate) fn until_it_says(&mut self, text: &str, limit: Duration) {
        let what = format!("{} says `{text}`", self.what);
        until_true(&what, limit, || {
            let said = self.out() + &self.err();
            let ended = self.child.try_wait().expect("it can be asked");
            assert!(ended.is_none() || said.contains(text), "{what}: it ended, {ended:?}:\n{said}");
            said.contains(text)
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        use std::os::unix::process::ExitStatusExt;
        let status = until(&format!("{} ends", self.what), PATIENCE, || {
            self.child.try_wait().expect("it can be asked")
        });
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        Ran { code, out: self.out(), err: self.err() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or nobody waits for it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
