//! What should not have been committed: keys, files of secrets, databases.

use crate::finding::{Check, Finding, masked, plain, quoted};
use crate::folder::Folder;

/// Most bytes that are read in all in search of keys.
const BYTES_MAX: usize = 64 << 20;
/// Most keys that are told of one file.
const KEYS_MAX: usize = 5;
/// How Amazon's key ids begin, and how many characters follow.
const ID_STARTS: [&str; 2] = ["AKIA", "ASIA"];
const ID_REST: usize = 16;
/// Names of the variable that holds the secret half of a key, in small letters, and its length.
const SECRET_NAMES: [&str; 2] = ["secret_access_key", "aws_secret_key"];
const SECRET_CHARS: usize = 40;
/// Amazon's own documentation has keys with this word.
const SAMPLE: &str = "EXAMPLE";
/// Endings of `.env` files that are made to be committed.
const SAMPLES: [&str; 6] = ["example", "sample", "template", "dist", "defaults", "test"];
const SQLITE: &[u8] = b"SQLite format 3\0";
/// Endings of database files.
const DATABASES: [&str; 3] = [".sqlite3", ".sqlite", ".sqlite3-journal"];

pub(super) fn check(folder: &Folder, findings: &mut Vec<Finding>) {
    let mut left = BYTES_MAX;
    for path in folder.paths() {
        let name = path.rsplit('/').next().unwrap_or(path);
        if DATABASES.iter().any(|ending| name.ends_with(ending)) {
            findings.extend(database(folder, path));
            continue;
        }
        let Some(bytes) = folder.bytes(path).filter(|bytes| bytes.len() <= left) else { continue };
        left -= bytes.len();
        let is_binary = bytes.iter().take(8192).any(|byte| *byte == 0);
        if is_binary {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        findings.extend(env_file(path, name, &text));
        findings.extend(aws_keys(path, &text));
    }
}

fn database(folder: &Folder, path: &str) -> Option<Finding> {
    folder.head(path, SQLITE.len() as u64).starts_with(SQLITE).then(|| Finding {
        check: Check::DatabaseFile,
        file: path.to_owned(),
        line: 1,
        found: "A SQLite database is committed".to_owned(),
        why: "It holds your own data and accounts, and what the app writes to it on a dyno is gone at the next restart or \
              deploy: use `hokku addons:create heroku-postgresql`."
            .to_owned(),
        mend: untrack(path),
    })
}

fn env_file(path: &str, name: &str, text: &str) -> Option<Finding> {
    let rest = name.strip_prefix(".env")?;
    let is_one = rest.is_empty() || rest.strip_prefix('.').is_some_and(|kind| !SAMPLES.contains(&kind));
    let sets = |line: &str| {
        let (key, value) = line.trim().strip_prefix("export ").unwrap_or(line.trim()).split_once('=')?;
        let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (is_key && !value.trim().is_empty()).then(|| key.to_owned())
    };
    let (at, key) =
        text.lines().enumerate().find_map(|(at, line)| Some((at, sets(line)?))).filter(|_| is_one)?;
    Some(Finding {
        check: Check::EnvFile,
        file: path.to_owned(),
        line: at + 1,
        found: format!("A file of environment variables is committed ({}, …)", plain(&key)),
        why: "What is in it is for one machine, and often secret; git keeps it for ever. On the platform these are config \
              vars: `hokku config:set`."
            .to_owned(),
        mend: untrack(path),
    })
}

fn untrack(path: &str) -> String {
    let path = quoted(path);
    format!("git rm --cached --quiet {path} && echo {path} >> .gitignore")
}

fn aws_keys(path: &str, text: &str) -> Vec<Finding> {
    let found = text.lines().enumerate().filter_map(|(at, line)| {
        let id = key_id(line).map(|id| format!("An AWS key id stands in the source: {}", masked(id)));
        let key = id.or_else(|| {
            secret(line).map(|it| format!("An AWS secret key stands in the source: {}", masked(it)))
        });
        Some((at + 1, key?))
    });
    let finding = |(line, found)| Finding {
        check: Check::AwsKey,
        file: path.to_owned(),
        line,
        found,
        why:
            "Who reads the repository can use your account at your cost. It stays in git's history: make the \
              key inactive at Amazon, and make a new one."
                .to_owned(),
        mend: format!(
            "perl -ni -e 'print unless $. == {line}' {} && hokku config:set AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…",
            quoted(path)
        ),
    };
    found.take(KEYS_MAX).map(finding).collect()
}

/// A key id that stands alone.
fn key_id(line: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = line.as_bytes();
    ID_STARTS.iter().flat_map(|start| line.match_indices(start)).find_map(|(at, start)| {
        let end = at + start.len() + ID_REST;
        let id = line.get(at..end)?;
        let is_id = id.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
        let part_at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(|byte| is_part(*byte));
        let alone = !part_at(at.checked_sub(1)) && !part_at(Some(end));
        (is_id && alone && !id.ends_with(SAMPLE)).then_some(id)
    })
}

/// The secret half of a key, after the name that such a variable has.
fn secret(line: &str) -> Option<&str> {
    let small = line.to_ascii_lowercase();
    let at = SECRET_NAMES.iter().find_map(|name| Some(small.find(name)? + name.len()))?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/+=".contains(c);
    let value = line[at..].trim_start_matches(['"', '\'', ']', ')', ' ', '\t']).strip_prefix(['=', ':'])?;
    let value = value.trim_start_matches([' ', '\t', '"', '\'', '=']);
    let end = value.find(|c| !is_part(c)).unwrap_or(value.len());
    let value = &value[..end];
    let has = |of: fn(&char) -> bool| value.chars().any(|c| of(&c));
    let is_mixed =
        has(char::is_ascii_digit) && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    (value.len() == SECRET_CHARS && is_mixed && !value.contains(SAMPLE)).then_some(value)
}
