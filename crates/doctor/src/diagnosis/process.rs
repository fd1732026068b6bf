//! Programs, ports and memory.

use super::{Diagnosis, End, Listens, Seen, Trouble};

/// The shell's status for a program that is not there.
const NOT_FOUND: i32 = 127;

pub(super) fn look(seen: &Seen<'_>) -> Option<Diagnosis> {
    if let Some((before, _)) = seen.line.split_once(": command not found") {
        let program = before.rsplit([' ', ':']).next().filter(|it| !it.is_empty() && it.len() < 50)?;
        return Some(program_missing(program));
    }
    if seen.has("WORKER TIMEOUT (pid:") {
        return Some(Diagnosis::new(
            Trouble::WorkerTimeout,
            "",
            "A request took longer than gunicorn's time-out (30 seconds unless --timeout says otherwise), so its worker \
             was ended."
                .to_owned(),
            "Do long work in a worker process, and give outside services time-outs of their own; the router waits 30 \
             seconds anyway (H12)."
                .to_owned(),
        ));
    }
    (seen.has("was sent SIGKILL! Perhaps out of memory?") || seen.line.trim_end() == "MemoryError")
        .then(memory)
}

fn program_missing(program: &str) -> Diagnosis {
    Diagnosis::new(
        Trouble::ProgramMissing,
        program,
        format!("The program `{program}` is not installed."),
        format!(
            "If a package brings it: `echo {program} >> requirements.txt`, commit and push; else correct the Procfile."
        ),
    )
}

fn memory() -> Diagnosis {
    Diagnosis::new(
        Trouble::Memory,
        "",
        "The process uses more memory than its dyno has: often too many gunicorn workers, or a large query or upload held \
         whole."
            .to_owned(),
        "`hokku config:set WEB_CONCURRENCY=1`, or a larger dyno: `hokku ps:type web=standard-2x`.".to_owned(),
    )
}

/// What an end tells by itself; `is_known` when the last words told something already.
pub(super) fn end(end: End, web: bool, is_known: bool) -> Option<Diagnosis> {
    match end {
        End::Memory => Some(memory()),
        End::NotListening(listens) => not_listening(listens, is_known),
        End::Status(_) if is_known => None,
        End::Status(NOT_FOUND) => Some(Diagnosis::new(
            Trouble::ProgramMissing,
            "",
            "The program that the command names is not installed (status 127).".to_owned(),
            "Add the package that brings it to requirements.txt, or correct the Procfile. Commit and push."
                .to_owned(),
        )),
        End::Status(0) if web => Some(Diagnosis::new(
            Trouble::Ended,
            "",
            "The web command came to its end by itself; a web process has to go on and answer requests."
                .to_owned(),
            "Have the Procfile's web line run a server in the foreground, such as `gunicorn <project>.wsgi`."
                .to_owned(),
        )),
        End::Status(_) => None,
    }
}

fn not_listening(listens: Listens, is_known: bool) -> Option<Diagnosis> {
    const CURE: &str = "Bind 0.0.0.0:$PORT. gunicorn does so by itself when the Procfile gives it no --bind; runserver \
                        needs `0.0.0.0:$PORT`. Commit and push.";
    let of =
        |trouble, about: String, cause: String| Some(Diagnosis::new(trouble, &about, cause, CURE.to_owned()));
    match listens {
        Listens::Loopback(port) => of(
            Trouble::Address,
            port.to_string(),
            format!("The process listens on 127.0.0.1:{port} only, which nobody outside its dyno reaches."),
        ),
        Listens::Port(port) => of(
            Trouble::Port,
            port.to_string(),
            format!(
                "The process listens on port {port}, and not on the one that the platform gives it in $PORT."
            ),
        ),
        Listens::Nowhere if is_known => None,
        Listens::Nowhere => of(
            Trouble::NotListening,
            String::new(),
            "The process runs, but listens on no port: it is no web server, or is still busy starting."
                .to_owned(),
        ),
    }
}
