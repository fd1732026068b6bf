//! One-off dynos.

mod attached;
mod detached;
pub(super) mod exit_status;

use std::collections::BTreeMap;

use wire::{DynoRequest, Text};

use crate::args::run::{Command, Wish};
use crate::context::Context;
use crate::words::Problem;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Run(args) => attached::run(cx, args).await,
        Command::Detached(args) => detached::run(cx, args).await,
    }
}

/// What to ask the server for, and the command as it was typed.
fn request(wish: &Wish) -> Result<(DynoRequest, String), Problem> {
    let command = command_line(&wish.command);
    let mut env = BTreeMap::new();
    for var in wish.env.iter().filter(|var| !var.is_empty()) {
        let in_form = var.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) =
            in_form.ok_or_else(|| Problem::NotInForm { given: var.clone(), form: "KEY=VALUE" })?;
        env.insert(key.to_owned(), Text::from(value));
    }
    let request = DynoRequest {
        command: command.clone(),
        env,
        size: wish.size.clone(),
        kind: wish.kind.clone(),
        ..DynoRequest::default()
    };
    Ok((request, command))
}

/// Words as one line for a shell. One word alone is that line already; of several, those that a shell would part are
/// put in quotes, so that they arrive as they were typed.
fn command_line(words: &[String]) -> String {
    if let [line] = words {
        return line.clone();
    }
    let is_plain = |char: char| !char.is_whitespace() && !"'\"\\$`&|;<>()*?[]{}!#~".contains(char);
    let quoted = words.iter().map(|word| {
        if !word.is_empty() && word.chars().all(is_plain) {
            return word.clone();
        }
        format!("'{}'", word.replace('\'', r"'\''"))
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::command_line;

    #[test]
    fn words_arrive_as_they_were_typed() {
        for (words, line) in [
            (vec!["echo $A | wc"], "echo $A | wc"),
            (vec!["python", "manage.py", "migrate", "--noinput"], "python manage.py migrate --noinput"),
            (vec!["python", "-c", "print('a b')"], r"python -c 'print('\''a b'\'')'"),
            (vec!["echo", "", "$HOME"], "echo '' '$HOME'"),
        ] {
            let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
            assert_eq!(command_line(&words), line);
        }
    }
}
