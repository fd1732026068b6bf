//! A small shim: runs the container of a spec file on its own standard streams (through a terminal
//! if the spec asks for one) and ends as the container ends, the way a shell tells it.
//!
//! ```text
//! cargo run -p oci --example shim -- SPEC.json crun|runc [CONTROL-SOCKET]
//! ```
//! Over the control socket it tells `up PID` and `exit JSON` and answers one line for each line it
//! gets: `signal N`, `kill`, `pids`, `memory`, `listening PORT`, `resize COLUMNS ROWS`, `warnings`.
//!
//! The tests of this crate drive containers through it, since a process that runs containers must
//! have one thread, which a test harness has not.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use oci::container::{self, Exit, Running, Stdio};
use oci::runtime::{CommandRuntime, Kind};
use oci::sandbox;
use oci::spec::{Spec, Window};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match shim() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let mut text = format!("shim: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                text.push_str(&format!(": {error}"));
                cause = error.source();
            }
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::from(255)
        }
    }
}

fn shim() -> Result<u8> {
    let mut args = std::env::args().skip(1);
    let spec = args.next().ok_or("a spec file must be named")?;
    let kind = if args.next().as_deref() == Some("runc") { Kind::Runc } else { Kind::Crun };
    let control = args.next().map(UnixStream::connect).transpose()?;
    let spec: Spec = serde_json::from_slice(&fs::read(spec)?)?;
    let runtime = CommandRuntime::find_kind(kind)?;
    let sandbox = sandbox::enter(&runtime)?;
    let mut running = container::run(&sandbox, &spec, streams(&spec)?, &runtime)?;
    let exit = watch(&mut running, control.as_ref())?;
    running.delete(&runtime)?;
    if let Some(mut control) = control {
        writeln!(control, "exit {}", serde_json::to_string(&exit)?)?;
    }
    Ok(u8::try_from(exit.status.shell_code())?)
}

fn streams(spec: &Spec) -> Result<Stdio> {
    if spec.terminal.is_some() {
        return Ok(Stdio::Terminal);
    }
    let copy = |fd: &dyn AsFd| fd.as_fd().try_clone_to_owned();
    Ok(Stdio::Fds { stdin: copy(&io::stdin())?, stdout: copy(&io::stdout())?, stderr: copy(&io::stderr())? })
}

/// Relays the terminal and answers the control socket until the container ends.
fn watch(running: &mut Running, control: Option<&UnixStream>) -> Result<Exit> {
    let Some(mut answers) = control else { return Ok(running.wait()?) };
    writeln!(answers, "up {}", running.pid())?;
    let mut asked = BufReader::new(control.ok_or("no control")?);
    loop {
        let ready = wait_for(running, answers)?;
        if ready[0] {
            let mut line = String::new();
            if asked.read_line(&mut line)? == 0 {
                return Ok(running.wait()?);
            }
            let answer = answer(running, &line).unwrap_or_else(|error| format!("error {error}"));
            writeln!(answers, "{answer}")?;
        }
        let more = ready[1] && relay_out(running)?;
        if ready[2] {
            relay_in(running)?;
        }
        if !more && let Some(exit) = running.poll_exit()? {
            return Ok(exit);
        }
    }
}

/// Which of control socket, terminal and (with a terminal) standard input have something.
fn wait_for(running: &Running, control: &UnixStream) -> Result<[bool; 3]> {
    let stdin = io::stdin();
    let fds = [
        Some(control.as_fd()),
        running.terminal(),
        running.terminal().map(|_| stdin.as_fd()),
        Some(running.handle()),
    ];
    let mut polled: Vec<_> = fds.iter().flatten().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    poll(&mut polled, PollTimeout::NONE)?;
    let ready = |fd: Option<i32>| {
        fd.is_some_and(|fd| polled.iter().any(|p| p.as_fd().as_raw_fd() == fd && p.any() == Some(true)))
    };
    Ok([0, 1, 2].map(|n: usize| ready(fds[n].map(|fd| fd.as_raw_fd()))))
}

/// Terminal to standard output; false once the last process has closed it.
fn relay_out(running: &Running) -> Result<bool> {
    let Some(master) = running.terminal() else { return Ok(false) };
    let mut bytes = [0; 4096];
    match nix::unistd::read(master, &mut bytes) {
        Ok(0) | Err(nix::Error::EIO) => Ok(false),
        Ok(n) => {
            io::stdout().write_all(&bytes[..n])?;
            io::stdout().flush()?;
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

fn relay_in(running: &Running) -> Result<()> {
    let Some(master) = running.terminal() else { return Ok(()) };
    let mut bytes = [0; 4096];
    let n = io::stdin().lock().read(&mut bytes)?;
    // The end of the input is control-D, as a terminal tells it.
    nix::unistd::write(master, if n == 0 { b"\x04" } else { &bytes[..n] })?;
    Ok(())
}

fn answer(running: &Running, line: &str) -> Result<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    Ok(match words[..] {
        ["signal", number] => running.signal_all(Signal::try_from(number.parse::<i32>()?)?)?.to_string(),
        ["kill"] => running.kill_all().map(|()| "killed".to_owned())?,
        ["pids"] => running.pids()?.len().to_string(),
        ["memory"] => serde_json::to_string(&running.memory()?)?,
        ["listening", port] => format!("{:?}", running.is_listening(port.parse()?)?),
        ["resize", columns, rows] => {
            running.resize(Window { columns: columns.parse()?, rows: rows.parse()? })?;
            "resized".to_owned()
        }
        ["warnings"] => format!("{:?}", running.warnings()),
        _ => return Err("unknown".into()),
    })
}
