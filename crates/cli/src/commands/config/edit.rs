//! `config:edit`: all config vars in an editor, as `KEY=value` lines.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use wire::{ConfigVars, ConfigVarsChange};

use super::{quoted, set};
use crate::args::AppChoice;
use crate::context::{Context, path};
use crate::words::Problem;

const EDITOR: &str = "vi";
const FORM: &str = "KEY=value, with values of several words or lines in single quotes";

/// A file that goes with this value.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // It holds secrets. When it cannot be removed, only its user can read it.
        let _ = fs::remove_file(&self.0);
    }
}

pub(super) async fn run(cx: &mut Context, choice: AppChoice) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&choice)?;
    let at = path(&["apps", &app, "config-vars"]);
    let before: ConfigVars = client.get(&at).await?;
    let text: String = before.iter().map(|(key, value)| format!("{key}={}\n", quoted(value))).collect();
    let edited = edit(cx, &text)?;
    let change = difference(&before, &read(&edited)?);
    if change.is_empty() {
        cx.env.screen.note(format!("Nothing was changed on {app}"));
        return Ok(());
    }
    for (key, value) in &change {
        let sign = if value.is_none() {
            '-'
        } else if before.contains_key(key) {
            '~'
        } else {
            '+'
        };
        cx.env.screen.note(format!("{sign} {key}"));
    }
    let answer = cx.env.screen.ask(&format!("Update config of {app} with these values? [y/N] "))?;
    if !answer.is_some_and(|answer| answer.trim().eq_ignore_ascii_case("y")) {
        cx.env.screen.note("Nothing was changed");
        return Ok(());
    }
    let now: ConfigVars = client.get(&at).await?;
    if now != before {
        let what = format!("the config of {app} was changed by somebody else meanwhile");
        return Err(Problem::Missing { what, hint: "edit it again" }.into());
    }
    set::make(cx, &app, "Changing", &change).await.map(drop)
}

/// The text after its user edited it, in a file that only they can read.
fn edit(cx: &Context, text: &str) -> anyhow::Result<String> {
    let folder = cx.folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let draft = Draft(folder.join(format!("config-{}.env", std::process::id())));
    let shown = draft.0.display().to_string();
    // One that a killed editor left behind.
    let _ = fs::remove_file(&draft.0);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.0);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("could not write {shown}"))?;
    let editor = cx.var("VISUAL").or_else(|| cx.var("EDITOR")).unwrap_or_else(|| EDITOR.to_owned());
    open(&editor, &draft.0)?;
    fs::read_to_string(&draft.0).with_context(|| format!("could not read {shown}"))
}

/// Runs the editor, which may be a command with options.
fn open(editor: &str, file: &Path) -> anyhow::Result<()> {
    let status = Command::new("/bin/sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(file).status();
    let status = status.map_err(|cause| Problem::NotStarted { program: "/bin/sh", cause })?;
    if status.success() {
        return Ok(());
    }
    let what = format!("`{editor}` ended with {status}, so nothing was changed");
    Err(Problem::Missing { what, hint: "name your editor in VISUAL or EDITOR" }.into())
}

/// Reads lines of `KEY=value`, in the quotes that were written.
fn read(text: &str) -> Result<ConfigVars, Problem> {
    let mut vars = ConfigVars::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(vars);
        }
        if rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            continue;
        }
        let wrong = || {
            let line = rest.lines().next().unwrap_or_default();
            // The value may be a secret.
            let key = line.split('=').next().unwrap_or_default();
            Problem::NotInForm { given: key.to_owned(), form: FORM }
        };
        let (key, after) = rest.split_once('=').ok_or_else(wrong)?;
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(wrong());
        }
        let (value, after) = value(after).ok_or_else(wrong)?;
        vars.insert(key.to_owned(), value);
        rest = after;
    }
}

/// A value as a shell reads it, and what stands behind its line: plain text, `'…'` and `\'`.
fn value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match next {
            '\n' => break,
            '\'' => {
                let (inner, after) = rest[1..].split_once('\'')?;
                value.push_str(inner);
                rest = after;
            }
            '\\' if rest[1..].starts_with('\'') => {
                value.push('\'');
                rest = &rest[2..];
            }
            '\r' if rest[1..].starts_with('\n') => rest = &rest[1..],
            plain => {
                value.push(plain);
                rest = &rest[plain.len_utf8()..];
            }
        }
    }
    Some((value, rest))
}

/// What has to be sent.
fn difference(before: &ConfigVars, after: &ConfigVars) -> ConfigVarsChange {
    let gone = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), None));
    let new = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    gone.chain(new.map(|(key, value)| (key.clone(), Some(value.clone())))).collect()
}

#[cfg(test)]
mod tests {
    use wire::ConfigVars;

    use super::{difference, quoted, read};

    fn vars(pairs: &[(&str, &str)]) -> ConfigVars {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let all = vars(&[
            ("A", "plain"),
            ("B", "two words"),
            ("C", "it's"),
            ("D", "line one\nline two\n"),
            ("E", "a=b#c \"d\" \\ é"),
            ("F", ""),
        ]);
        let text: String = all.iter().map(|(key, value)| format!("{key}={}\n", quoted(value))).collect();
        assert_eq!(read(&text).expect("vars"), all);
    }

    #[test]
    fn what_people_type_is_read_and_rubbish_is_not() {
        let typed = "# a comment\n\nA=1\r\n  B='x'\n";
        assert_eq!(read(typed).expect("vars"), vars(&[("A", "1"), ("B", "x")]));
        for wrong in ["nonsense", "A=1\nno equals", "=x", "A B=1", "A='open"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let refused = read("OK=1\nSECRET='hunter2").expect_err("an open quote").to_string();
        assert!(refused.contains("SECRET") && !refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn only_what_differs_is_sent() {
        let change = difference(
            &vars(&[("A", "1"), ("B", "2"), ("C", "3")]),
            &vars(&[("A", "1"), ("B", "x"), ("D", "4")]),
        );
        let told: Vec<_> = change.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
        assert_eq!(told, [("B", Some("x")), ("C", None), ("D", Some("4"))]);
    }
}
