//! What the Procfile starts.

use crate::finding::{Check, Finding, plain, quoted};
use crate::project::{Django, Project};
use crate::python::Module;

/// Options of gunicorn that stand alone; every other one without `=` is followed by its value.
const ALONE: [&str; 12] = [
    "--reload",
    "--preload",
    "--daemon",
    "-D",
    "--capture-output",
    "--check-config",
    "--spew",
    "--no-sendfile",
    "--reuse-port",
    "--proxy-protocol",
    "--disable-redirect-access-to-syslog",
    "--enable-stdio-inheritance",
];
/// Names that are easily taken for `Procfile`.
const MISSPELT: [&str; 4] = ["procfile", "procfile.txt", "procfile.", "proc_file"];

pub(super) fn check(project: &Project<'_>, findings: &mut Vec<Finding>) {
    if project.procfile_text.is_none() {
        findings.extend(no_procfile(project));
        return;
    }
    for (kind, command) in &project.procfile.commands {
        let line = project.procfile_line(kind.as_str());
        if let Some(gunicorn) = Gunicorn::of(command) {
            findings.extend(program_missing(project, line, kind.as_str()));
            findings.extend(wsgi_module(project, line, &gunicorn));
        }
    }
    findings.extend(no_release_phase(project));
}

fn no_procfile(project: &Project<'_>) -> Option<Finding> {
    let misspelt = project.folder.paths().find(|path| MISSPELT.contains(&path.to_ascii_lowercase().as_str()));
    let found = |found: String, file: &str, mend: String| {
        Finding {
        check: Check::NoProcfile,
        file: file.to_owned(),
        line: 1,
        found,
        why: "The Procfile says what is run. Without one the app has no web process, and every request is answered \
              with an error (H14)."
            .to_owned(),
        mend,
    }
    };
    if let Some(name) = misspelt {
        let mend = format!("git mv {} Procfile", quoted(name));
        return Some(found(format!("{} is not read: the name is Procfile", plain(name)), name, mend));
    }
    let wsgi = project.django.as_ref().and_then(|django| django.wsgi.as_ref());
    let has = |name: &str| project.folder.has(name);
    let mend = match wsgi {
        Some(wsgi) => {
            let manage = format!("{}manage.py", project.django.as_ref()?.base);
            format!(
                "printf 'release: python {manage} migrate --noinput\\nweb: gunicorn {wsgi}\\n' > Procfile"
            )
        }
        None => {
            let program = ["app.py", "main.py", "server.py", "web.py"].into_iter().find(|it| has(it))?;
            format!("echo 'web: python {program}' > Procfile")
        }
    };
    Some(found("There is no Procfile".to_owned(), "Procfile", mend))
}

/// A command that runs gunicorn, as far as it can be read.
struct Gunicorn {
    module: String,
    /// The name in the module after `:`.
    attribute: Option<String>,
}

impl Gunicorn {
    /// Of a plain command; one with the shell's own signs before it, or that changes folders, is not read.
    fn of(command: &str) -> Option<Self> {
        let command = command.rsplit("&&").next().filter(|_| !command.contains("cd "))?;
        let mut words = command.split_whitespace().skip_while(|word| *word == "exec" || word.contains('='));
        let mut first = words.next()?;
        if matches!(first, "python" | "python3") && words.next() == Some("-m") {
            first = words.next()?;
        }
        if first != "gunicorn" || command.contains("--chdir") || command.contains("--pythonpath") {
            return None;
        }
        let mut named = None;
        while let Some(word) = words.next() {
            if word.starts_with('-') {
                let takes_value = !word.contains('=') && !ALONE.contains(&word);
                // `-w4` holds its value; `-w 4` and `--workers 4` do not.
                if takes_value && (word.starts_with("--") || word.len() == 2) {
                    words.next();
                }
            } else if !word.contains('=') {
                named = Some(word);
            }
        }
        let (module, attribute) =
            named?.split_once(':').map_or((named?, None), |(it, name)| (it, Some(name)));
        let is_name = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !part.starts_with(char::is_numeric)
        };
        let attribute = attribute.map(|name| name.trim_end_matches("()").to_owned());
        module.split('.').all(is_name).then(|| Self { module: module.to_owned(), attribute })
    }
}

fn program_missing(project: &Project<'_>, line: usize, kind: &str) -> Option<Finding> {
    let requirements = &project.requirements;
    let may_come_along = requirements.has_any("gunicorn") || requirements.has_any("uvicorn-worker");
    (requirements.complete && !may_come_along && project.folder.has("requirements.txt")).then(|| Finding {
        check: Check::ProgramMissing,
        file: "Procfile".to_owned(),
        line,
        found: format!("`{kind}` runs gunicorn, which requirements.txt does not name"),
        why: "The program is not installed, so the process ends at once with status 127.".to_owned(),
        mend: "echo gunicorn >> requirements.txt".to_owned(),
    })
}

fn wsgi_module(project: &Project<'_>, line: usize, gunicorn: &Gunicorn) -> Option<Finding> {
    let django = project.django.as_ref()?;
    let right = django.wsgi.as_ref().filter(|_| django.base.is_empty())?;
    let Gunicorn { module, attribute } = gunicorn;
    let found = match project.module("", module) {
        None if is_ours(project, django, module) => format!("There is no module `{module}` in the source"),
        None => return None,
        Some(path) => {
            let name = attribute.as_deref().unwrap_or("application");
            if has_name(project, &path, name) {
                return None;
            }
            format!("`{}` has nothing called `{name}`", plain(&path))
        }
    };
    Some(Finding {
        check: Check::WsgiModule,
        file: "Procfile".to_owned(),
        line,
        found: plain(&found),
        why: format!("gunicorn cannot load the app and ends. The source has {right}."),
        mend: {
            let wrong = attribute.as_ref().map_or_else(|| module.clone(), |name| format!("{module}:{name}"));
            format!("perl -pi -e 's/\\Q{wrong}\\E/{right}/ if $. == {line}' Procfile")
        },
    })
}

/// Whether a module would have to be in the source: its package is, or it is called as Django's own is.
fn is_ours(project: &Project<'_>, django: &Django, module: &str) -> bool {
    let package = module.split('.').next().unwrap_or_default();
    let last = module.rsplit('.').next().unwrap_or_default();
    project.folder.has_dir(&format!("{}{package}", django.base)) || matches!(last, "wsgi" | "asgi")
}

/// Whether a file gives a name a meaning, or may.
fn has_name(project: &Project<'_>, path: &str, name: &str) -> bool {
    let Some(text) = project.folder.text(path) else { return true };
    let module = Module::read(path, &text);
    let headers = module.statements.iter().flat_map(|it| it.blocks()).flat_map(|block| block.header.iter());
    let mut tokens = module.statements.iter().flat_map(|it| &it.tokens).chain(headers);
    tokens.any(|token| token.is(name) || (token.is("*") && text.contains("import *")))
}

fn no_release_phase(project: &Project<'_>) -> Option<Finding> {
    let django = project.django.as_ref()?;
    let commands: Vec<&String> = project.procfile.commands.values().collect();
    // A release command may do it in a script of its own.
    if project.procfile.release_command().is_some()
        || commands.iter().any(|command| command.contains("migrate"))
    {
        return None;
    }
    let is_migration = |path: &&str| {
        path.split_once("migrations/").is_some_and(|(app, name)| {
            (app.is_empty() || app.ends_with('/'))
                && name.ends_with(".py")
                && name.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    let migrations = project.folder.paths().filter(is_migration).count();
    let first = project.folder.paths().find(is_migration)?;
    let noun = if migrations == 1 { "migration" } else { "migrations" };
    let manage = quoted(&format!("{}manage.py", django.base));
    Some(Finding {
        check: Check::NoReleasePhase,
        file: "Procfile".to_owned(),
        line: project.procfile_text.as_deref().unwrap_or_default().lines().count().max(1),
        found: format!("{migrations} {noun} ({}{}), and no release phase", plain(first), if migrations > 1 { ", …" } else { "" }),
        why: "Nothing applies migrations at a deploy: new code runs on the old tables until somebody remembers \
              `hokku run python manage.py migrate`."
            .to_owned(),
        mend: format!("printf '\\nrelease: python {manage} migrate --noinput\\n' >> Procfile"),
    })
}
