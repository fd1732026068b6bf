//! What Django's settings say: secrets, debugging, hosts, storages.

use crate::finding::{Check, Finding, masked, plain, quoted};
use crate::project::{Assignment, Project, Settings};
use crate::python::{Kind, Token, Value, comma_parts, value};

/// Shorter ones are placeholders.
const SECRET_CHARS_MIN: usize = 8;
/// How a config var is read, up to the bracket before its name.
const READERS: [&[&str]; 4] = [
    &["os", ".", "environ", ".", "get", "("],
    &["os", ".", "getenv", "("],
    &["environ", ".", "get", "("],
    &["getenv", "("],
];
/// Other ways, where the default has a name (django-environ, python-decouple).
const LIBRARY_READERS: [&[&str]; 3] = [&["config", "("], &["env", "("], &["env", ".", "str", "("]];
/// Hosts that only the machine itself goes by.
const LOCAL_HOSTS: [&str; 6] = ["localhost", ".localhost", "127.0.0.1", "[::1]", "0.0.0.0", "testserver"];
/// Django's versions in which both ways of naming storages are known, and refused side by side.
const BOTH_STORAGES: std::ops::RangeInclusive<(u32, u32)> = (4, 2)..=(5, 0);

pub(super) fn check(project: &Project<'_>, findings: &mut Vec<Finding>) {
    let Some(settings) = project.settings() else { return };
    findings.extend(secret_key(project, settings));
    findings.extend(debug(project, settings));
    findings.extend(allowed_hosts(project, settings));
    findings.extend(storages(project, settings));
}

fn secret_key(project: &Project<'_>, settings: &Settings) -> Option<Finding> {
    let key = settings.final_value("SECRET_KEY")?;
    let (secret, found) = match value(key.value) {
        Value::Text(secret) => (secret, "SECRET_KEY stands in the source"),
        // A fallback harms only where the config var is not set.
        Value::Computed if project.around.lacks_config("SECRET_KEY") => (
            fallback(key.value)?,
            "SECRET_KEY falls back to one in the source, and the config var is not set",
        ),
        _ => return None,
    };
    if secret.chars().count() < SECRET_CHARS_MIN {
        return None;
    }
    let edit = edit(settings, &key, r#"SECRET_KEY = os.environ["SECRET_KEY"]"#);
    let set = r#"hokku config:set SECRET_KEY="$(openssl rand -base64 42)""#;
    let mend = if project.around.has_config("SECRET_KEY") { edit } else { format!("{set} && {edit}") };
    Some(finding(
        Check::SecretKey,
        &key,
        format!("{found}: {}", masked(&secret)),
        "Who can read the repository, now or later, can forge sessions and password resets. It stays in git's history, \
         so make a new one.",
        mend,
    ))
}

/// The string that is taken if a config var is not set: all of `tokens` is one call that reads it.
fn fallback(tokens: &[Token]) -> Option<String> {
    let (arguments, has_name) = arguments(tokens)?;
    let default = match arguments.get(1)? {
        [name, equals, rest @ ..] if has_name && name.is("default") && equals.is("=") => rest,
        _ if has_name => return None,
        plain => plain,
    };
    match value(default) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The arguments of a call that reads a config var, and whether its default has a name.
fn arguments(tokens: &[Token]) -> Option<(Vec<&[Token]>, bool)> {
    let begins =
        |with: &[&str]| tokens.len() > with.len() && with.iter().zip(tokens).all(|(it, token)| token.is(it));
    let plain = READERS.iter().find(|reader| begins(reader)).map(|reader| (reader.len(), false));
    let reader = plain.or_else(|| LIBRARY_READERS.iter().find(|it| begins(it)).map(|it| (it.len(), true)));
    let (start, has_name) = reader?;
    let (last, within) = tokens[start..].split_last()?;
    let is_one_call = last.is(")") && !within.iter().any(|token| token.is("(") || token.is(")"));
    is_one_call.then(|| (comma_parts(within), has_name))
}

fn debug(project: &Project<'_>, settings: &Settings) -> Option<Finding> {
    let debug = settings.final_value("DEBUG")?;
    let is_set = project.around.has_config("DEBUG");
    let found = match value(debug.value) {
        Value::True => "DEBUG is True".to_owned(),
        Value::Computed if is_unread_text(debug.value, is_set) => {
            "DEBUG is whatever the config var says, and every text is true: \"False\" too".to_owned()
        }
        _ => return None,
    };
    Some(finding(
        Check::Debug,
        &debug,
        found,
        "Every error shows a visitor your source, settings and queries, and the process remembers every query it made.",
        edit(settings, &debug, r#"DEBUG = os.environ.get("DEBUG") == "True""#),
    ))
}

/// Whether `DEBUG` is a config var's text as it is, and that is true: because it is set, or because its default is.
fn is_unread_text(tokens: &[Token], is_set: bool) -> bool {
    let tokens = match tokens {
        [bool, open, within @ .., close] if bool.is("bool") && open.is("(") && close.is(")") => within,
        all => all,
    };
    let Some((arguments, false)) = arguments(tokens) else { return false };
    let default_is_true = arguments.get(1).is_some_and(|default| match value(default) {
        Value::Text(text) => !text.is_empty(),
        other => other == Value::True,
    });
    is_set || default_is_true
}

fn allowed_hosts(project: &Project<'_>, settings: &Settings) -> Option<Finding> {
    if settings.django_heroku("allowed_hosts").is_some_and(|(_, all_are_allowed)| all_are_allowed) {
        return None;
    }
    let hosts = settings.final_value("ALLOWED_HOSTS")?;
    let Value::Texts(allowed) = value(hosts.value) else { return None };
    let passes = |host: &str| {
        allowed.iter().any(|pattern| {
            let wild = pattern.strip_prefix('.').is_some_and(|rest| host == rest || host.ends_with(pattern));
            pattern == "*" || wild || pattern.eq_ignore_ascii_case(host)
        })
    };
    let found = match project.around.hosts.iter().find(|host| !passes(host)) {
        Some(host) => format!("ALLOWED_HOSTS lacks the app's own host {}", plain(host)),
        None if !project.around.hosts.is_empty() => return None,
        None if allowed.is_empty() => "ALLOWED_HOSTS is empty".to_owned(),
        None if allowed.iter().all(|host| LOCAL_HOSTS.contains(&host.as_str())) => {
            "ALLOWED_HOSTS has only this machine's own names".to_owned()
        }
        None => return None,
    };
    Some(finding(
        Check::AllowedHosts,
        &hosts,
        found,
        "Django answers every request for another host with status 400. The router passes on only requests for the app's \
         own hosts, so here all may be allowed.",
        edit(settings, &hosts, r#"ALLOWED_HOSTS = ["*"]"#),
    ))
}

fn storages(project: &Project<'_>, settings: &Settings) -> Option<Finding> {
    let (call, true) = settings.django_heroku("staticfiles")? else { return None };
    settings.assignments("STORAGES").next()?;
    let series = project.requirements.series("django")?;
    if !BOTH_STORAGES.contains(&series) {
        return None;
    }
    let line = call.value.first().map_or(call.statement.line, |token| token.line);
    let edit = format!(
        "perl -pi -e 's/settings\\(locals\\(\\)/$&, staticfiles=False/ if $. == {line}' {}",
        quoted(call.file)
    );
    let is_usual = call.value.get(4).is_some_and(|token| token.is("locals"));
    Some(finding(
        Check::Storages,
        &call,
        "django_heroku.settings() sets STATICFILES_STORAGE, and STORAGES is set too".to_owned(),
        "Django refuses both together, and the app cannot be loaded: \"STATICFILES_STORAGE/STORAGES are mutually \
         exclusive\".",
        if is_usual { edit } else { by_hand(&call) },
    ))
}

fn finding(check: Check, at: &Assignment<'_>, found: String, why: &str, mend: String) -> Finding {
    Finding { check, file: at.file.to_owned(), line: at.statement.line, found, why: why.to_owned(), mend }
}

/// A command that puts one line in the place of a statement.
pub(super) fn edit(settings: &Settings, at: &Assignment<'_>, new: &str) -> String {
    // What is indented, or shares its line, is better changed by hand.
    let shares = |statement: &&crate::python::Statement| {
        statement.line <= at.statement.end && statement.end >= at.statement.line
    };
    let others =
        settings.statements().filter(|(file, _)| *file == at.file).map(|(_, it)| it).filter(shares).count();
    if at.statement.block.is_some() || others > 1 {
        return by_hand(at);
    }
    let needs_os = new.contains("os.");
    let mut before =
        settings.statements().filter(|(file, it)| *file == at.file && it.line < at.statement.line);
    let has_os = before.any(|(_, it)| it.tokens.len() == 2 && it.find(&["import", "os"]).is_some());
    let import = if needs_os && !has_os { r#""import os\n", "# } else { "" };
    let (first, last) = (at.statement.line, at.statement.end);
    format!(
        r#"perl -ni -e 'print {import}q({new}), "\n" if $. == {first}; print unless {first}..{last}' {}"#,
        quoted(at.file)
    )
}

fn by_hand(at: &Assignment<'_>) -> String {
    format!("${{EDITOR:-vi}} +{} {}", at.statement.line, quoted(at.file))
}

/// The last string of a row of tokens that passes.
pub(super) fn last_text(tokens: &[Token], passes: impl Fn(&str) -> bool) -> Option<&Token> {
    tokens.iter().rev().find(|token| token.kind == Kind::Text && passes(&token.text))
}
