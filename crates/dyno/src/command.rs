//! What a dyno's command line really is.

use model::procfile::Procfile;

/// What the official CLI appends for `--exit-code`: the status of what stands before it, after a mark.
const EXIT_STATUS: &str = " ; echo \"\u{FFFF} heroku-command-exit-status: $?\"";

/// The command of a one-off dyno: when its first word is a process type, that type's command stands for it
/// (`heroku run worker --once`), as on Heroku.
///
/// What is asked for its exit status gets a shell of its own: a command such as `exit 7` would otherwise end the
/// shell before the status is told, on which the CLI fails.
#[must_use]
pub(crate) fn resolve(command: &str, processes: &Procfile) -> String {
    match command.strip_suffix(EXIT_STATUS) {
        None => typed(command, processes),
        Some(asked) => format!("bash -c {}{EXIT_STATUS}", quoted(&typed(asked, processes))),
    }
}

fn typed(command: &str, processes: &Procfile) -> String {
    let trimmed = command.trim_start();
    let (first, rest) = trimmed.split_at(trimmed.find(char::is_whitespace).unwrap_or(trimmed.len()));
    match processes.command(first) {
        Some(of_type) => format!("{of_type}{rest}"),
        None => command.to_owned(),
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use model::procfile::Procfile;

    use super::{EXIT_STATUS, resolve};

    #[test]
    fn a_process_type_stands_for_its_command() {
        let processes = Procfile::parse("worker: python worker.py\nweb: gunicorn app\n");
        for (typed, meant) in [
            ("worker", "python worker.py"),
            ("worker --once", "python worker.py --once"),
            ("bash", "bash"),
            ("workers", "workers"),
            ("python manage.py shell", "python manage.py shell"),
            ("echo web", "echo web"),
            ("", ""),
        ] {
            assert_eq!(resolve(typed, &processes), meant, "{typed}");
        }
    }

    #[test]
    fn a_command_asked_for_its_status_cannot_end_the_asking_shell() {
        let asked = |command: &str| resolve(&format!("{command}{EXIT_STATUS}"), &Procfile::default());
        assert_eq!(asked("exit 7"), format!("bash -c 'exit 7'{EXIT_STATUS}"));
        assert_eq!(asked("echo 'a'"), format!(r"bash -c 'echo '\''a'\'''{EXIT_STATUS}"));
    }
}
