//! Running programs and talking to the person who started us.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What went wrong, in words.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// How often a condition is looked at while we wait for it.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Prints a line.
pub(crate) fn say(text: &str) {
    // Nobody listens any more: there is nothing to do about it.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line to standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The shown form of a command.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs a command with our own output, and nothing on its input.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let text = shown(command);
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{text}` failed: {status}")),
        Err(error) => Err(format!("`{text}` could not be started: {error}")),
    }
}

/// Runs a command and returns what it printed; what it complained about is part of the error.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let text = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{text}` could not be started: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(format!("`{text}` failed: {}\n{stdout}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Finds a program on `PATH` or in the places of root's programs.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    places.map(|place| place.join(program)).find(|file| file.is_file())
}

/// Waits until `met`; false if `limit` passes first.
pub(crate) fn wait_until(limit: Duration, mut met: impl FnMut() -> Outcome<bool>) -> Outcome<bool> {
    let began = Instant::now();
    while !met()? {
        if began.elapsed() > limit {
            return Ok(false);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(true)
}

/// Turns an I/O error into words.
pub(crate) fn not(doing: &str, path: &Path) -> impl FnOnce(std::io::Error) -> String {
    let text = format!("could not {doing} {}", path.display());
    move |error| format!("{text}: {error}")
}

/// Sends a signal to a process, or with a `-` before the number to a group.
pub(crate) fn signal(name: &str, process: &str) -> Outcome {
    // The shell's own `kill`: the program of that name is not on every machine.
    run(Command::new("sh").args(["-c", r#"kill -s "$1" -- "$2""#, "sh", name, process]))
}

/// Whether the process lives and is more than a zombie.
pub(crate) fn lives(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The state follows the program's name in parentheses.
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}
