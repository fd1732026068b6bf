//! What a dyno's command line really is.

use model::procfile::Procfile;

/// The command of a one-off dyno: when its first word is a process type, that type's command stands for it
/// (`heroku run worker --once`), as on Heroku.
#[must_use]
pub(crate) fn resolve(command: &str, processes: &Procfile) -> String {
    let trimmed = command.trim_start();
    let (first, rest) = trimmed.split_at(trimmed.find(char::is_whitespace).unwrap_or(trimmed.len()));
    match processes.command(first) {
        Some(of_type) => format!("{of_type}{rest}"),
        None => command.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use model::procfile::Procfile;

    use super::resolve;

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
}
