//! `hokku run bash -a shop`: Heroku's own clients know their options behind the command to run, too.
//!
//! The options are moved before it, and `--` is put between. What stands behind a `--` of the user's is left alone.

use std::ffi::OsString;

/// Commands whose arguments are a command line of its own.
const RUN: [&str; 2] = ["run", "run:detached"];
/// Their options with a value.
const WITH_VALUE: [&str; 9] = ["-a", "--app", "-r", "--remote", "-e", "--env", "-s", "--size", "--type"];
/// Their options without one.
const ALONE: [&str; 7] = ["-x", "--exit-code", "--no-tty", "--no-notify", "-h", "--help", "-t"];
const TAIL: &str = "--tail";
const SERVER: &str = "--server";

/// The same command line with the options of `run` before the command to run.
pub(crate) fn options_first(args: Vec<OsString>) -> Vec<OsString> {
    let Some(at) = command_at(&args).filter(|at| RUN.iter().any(|run| args[*at] == *run)) else {
        return args;
    };
    let detached = args[at] == "run:detached";
    let mut words = args;
    let mut rest = words.split_off(at + 1).into_iter().peekable();
    let mut run = Vec::new();
    while let Some(word) = rest.next() {
        let text = word.to_str().unwrap_or_default();
        let takes_value = WITH_VALUE.contains(&text) || text == SERVER;
        let has_value = text.split_once('=').is_some_and(|(name, _)| {
            name.starts_with("--") && (WITH_VALUE.contains(&name) || name == SERVER)
        });
        // `-t` and `--tail` are options of `run:detached` alone.
        let is_tail = text == "-t" || text == TAIL;
        let alone = if is_tail { detached } else { ALONE.contains(&text) };
        match text {
            "--" => {
                run.extend(rest);
                break;
            }
            // Without a value it is a word of the command (`ls -a`).
            _ if takes_value && rest.peek().is_some() => {
                words.push(word);
                words.extend(rest.next());
            }
            _ if has_value || alone => words.push(word),
            _ => run.push(word),
        }
    }
    if !run.is_empty() {
        words.push("--".into());
    }
    words.extend(run);
    words
}

/// Where the command's name stands: the first word that is no option.
fn command_at(args: &[OsString]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = args.get(at).and_then(|word| word.to_str()) {
        match word {
            SERVER => at += 2,
            _ if word.starts_with('-') => at += 1,
            _ => return Some(at),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::options_first;

    #[test]
    fn options_of_run_may_stand_anywhere() {
        for (typed, meant) in [
            ("run bash -a shop", "run -a shop -- bash"),
            ("run -a shop python manage.py migrate", "run -a shop -- python manage.py migrate"),
            ("run python manage.py shell --app=shop -x", "run --app=shop -x -- python manage.py shell"),
            ("run -a shop -- ls -a /", "run -a shop -- ls -a /"),
            ("run ls -a", "run -- ls -a"),
            ("run ls -la -t", "run -- ls -la -t"),
            ("run:detached work --server http://x -t", "run:detached --server http://x -t -- work"),
            ("--server http://x run env -e A=1", "--server http://x run -e A=1 -- env"),
            ("run --help", "run --help"),
            ("config:set run=1 -a shop", "config:set run=1 -a shop"),
            ("logs -a run", "logs -a run"),
            ("", ""),
        ] {
            let words = |text: &str| text.split_whitespace().map(OsString::from).collect::<Vec<_>>();
            assert_eq!(options_first(words(typed)), words(meant), "{typed}");
        }
    }
}
