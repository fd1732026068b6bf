//! What kind of app a folder holds: its Procfile, its requirements, and, if it is Django's, its settings.

use std::collections::BTreeSet;

use model::procfile::Procfile;

use crate::checks::Around;
use crate::folder::Folder;
use crate::python::{Kind, Module, Statement, Token, comma_parts};
use crate::requirements::Requirements;

/// Most files that settings may be spread over.
const SETTINGS_FILES_MAX: usize = 12;
/// Deepest folder in which `manage.py` is looked for, as the build does.
const MANAGE_DEPTH_MAX: usize = 2;

/// A folder, looked through.
#[derive(Debug)]
pub(crate) struct Project<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) around: &'a Around,
    pub(crate) requirements: Requirements,
    /// The Procfile's text, if there is one.
    pub(crate) procfile_text: Option<String>,
    pub(crate) procfile: Procfile,
    pub(crate) django: Option<Django>,
}

/// A Django site.
#[derive(Debug)]
pub(crate) struct Django {
    /// The folder of `manage.py` with a `/` at its end, or nothing.
    pub(crate) base: String,
    /// The WSGI module (`mysite.wsgi`).
    pub(crate) wsgi: Option<String>,
    pub(crate) settings: Option<Settings>,
}

/// Django's settings: every file that makes them up, what is included before what includes it.
#[derive(Debug)]
pub(crate) struct Settings {
    modules: Vec<Module>,
    /// Whether every file was found.
    pub(crate) complete: bool,
}

/// A value that the settings give a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assignment<'a> {
    pub(crate) file: &'a str,
    pub(crate) statement: &'a Statement,
    pub(crate) value: &'a [Token],
}

impl<'a> Project<'a> {
    pub(crate) fn read(folder: &'a Folder, around: &'a Around) -> Self {
        let procfile_text = folder.text("Procfile");
        Self {
            folder,
            around,
            requirements: Requirements::read(folder),
            procfile: Procfile::parse(procfile_text.as_deref().unwrap_or_default()),
            procfile_text,
            django: Django::find(folder, around),
        }
    }

    pub(crate) fn settings(&self) -> Option<&Settings> {
        self.django.as_ref()?.settings.as_ref()
    }

    /// The line of the Procfile on which a process type stands.
    pub(crate) fn procfile_line(&self, kind: &str) -> usize {
        let text = self.procfile_text.as_deref().unwrap_or_default();
        let is_it = |line: &str| Procfile::parse(line).command(kind).is_some();
        text.lines().enumerate().filter(|(_, line)| is_it(line)).last().map_or(1, |(at, _)| at + 1)
    }

    /// The path of a Python module, looked for from the folder `base` (with its `/`).
    pub(crate) fn module(&self, base: &str, name: &str) -> Option<String> {
        module(self.folder, base, name)
    }
}

fn module(folder: &Folder, base: &str, name: &str) -> Option<String> {
    let path = format!("{base}{}", name.replace('.', "/"));
    [format!("{path}.py"), format!("{path}/__init__.py")].into_iter().find(|path| folder.has(path))
}

impl Django {
    fn find(folder: &Folder, around: &Around) -> Option<Self> {
        let depth = |path: &&str| path.matches('/').count();
        let manage = folder.paths().filter(|path| *path == "manage.py" || path.ends_with("/manage.py"));
        let manage = manage.filter(|path| depth(path) <= MANAGE_DEPTH_MAX).min_by_key(depth)?;
        let base = manage.strip_suffix("manage.py").unwrap_or_default().to_owned();
        // It stands in commands that people are given, as does the WSGI module.
        let is_plain = |path: &str| path.chars().all(|c| c.is_ascii_alphanumeric() || "_-/".contains(c));
        if !is_plain(&base) {
            return None;
        }
        let wsgi = folder.paths().filter_map(|path| path.strip_prefix(&base)?.strip_suffix(".py"));
        let wsgi = wsgi.filter(|path| path.ends_with("/wsgi")).min_by_key(|path| path.len());
        let wsgi = wsgi.filter(|path| is_plain(path));
        let named = || settings_module(&Module::read(manage, &folder.text(manage)?));
        let settings = around.settings_module.clone().or_else(named);
        let settings = settings.and_then(|name| Settings::read(folder, &base, &name));
        Some(Self { wsgi: wsgi.map(|path| path.replace('/', ".")), settings, base })
    }
}

/// What `manage.py` sets `DJANGO_SETTINGS_MODULE` to.
fn settings_module(manage: &Module) -> Option<String> {
    manage.statements.iter().find_map(|statement| {
        let tokens = &statement.tokens;
        let at = tokens.iter().position(|it| it.kind == Kind::Text && it.text == "DJANGO_SETTINGS_MODULE")?;
        let name = tokens[at + 1..].iter().find(|token| token.kind == Kind::Text)?;
        Some(name.text.clone())
    })
}

impl Settings {
    fn read(folder: &Folder, base: &str, name: &str) -> Option<Self> {
        let mut settings = Self { modules: Vec::new(), complete: true };
        let mut seen = BTreeSet::new();
        settings.include(folder, base, name, &mut seen);
        (!settings.modules.is_empty()).then_some(settings)
    }

    /// Reads a module, after those that it takes everything from. The depth is bounded by the number of files.
    fn include(&mut self, folder: &Folder, base: &str, name: &str, seen: &mut BTreeSet<String>) {
        let Some((path, text)) =
            module(folder, base, name).and_then(|path| Some((path.clone(), folder.text(&path)?)))
        else {
            self.complete = false;
            return;
        };
        if seen.len() >= SETTINGS_FILES_MAX || !seen.insert(path.clone()) {
            self.complete &= seen.contains(&path);
            return;
        }
        let package = match path.ends_with("/__init__.py") {
            true => name,
            false => name.rsplit_once('.').map_or("", |(package, _)| package),
        };
        let module = Module::read(&path, &text);
        for statement in &module.statements {
            if let Some(other) = star_import(statement, package) {
                // What is taken in under a condition may be there or not.
                self.complete &= statement.is_certain();
                self.include(folder, base, &other, seen);
            }
        }
        self.modules.push(module);
    }

    /// Every statement that is run at import, with its file.
    pub(crate) fn statements(&self) -> impl Iterator<Item = (&str, &Statement)> {
        let all = self.modules.iter().flat_map(|it| it.statements.iter().map(|one| (it.path.as_str(), one)));
        all.filter(|(_, statement)| statement.is_at_import())
    }

    /// Every plain assignment to a name, in the order in which they are made.
    pub(crate) fn assignments<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Assignment<'a>> {
        self.statements().filter_map(move |(file, statement)| {
            let (assigned, value) = statement.assignment()?;
            (assigned == name).then_some(Assignment { file, statement, value })
        })
    }

    /// The last assignment that is made whatever happens, if nothing changes the name after it.
    pub(crate) fn final_value<'a>(&'a self, name: &'a str) -> Option<Assignment<'a>> {
        let mut last = None;
        for (file, statement) in self.statements() {
            let is_about = statement.tokens.first().is_some_and(|token| token.is(name));
            if !is_about {
                continue;
            }
            last = match statement.assignment() {
                Some((_, value)) if statement.is_certain() => Some(Assignment { file, statement, value }),
                // `+=`, `.append(…)`, or under a condition.
                _ => None,
            };
        }
        last
    }

    /// Whether any string of the settings passes.
    pub(crate) fn any_text(&self, passes: impl Fn(&str) -> bool) -> bool {
        self.modules.iter().flat_map(Module::texts).any(passes)
    }

    /// Whether any name of the settings is this one.
    pub(crate) fn speaks_of(&self, name: &str) -> bool {
        let statements = self.modules.iter().flat_map(|module| &module.statements);
        statements.flat_map(|it| &it.tokens).any(|token| token.is(name))
    }

    /// The call of `django_heroku.settings`, and whether it does what `option` (such as `staticfiles`) says.
    pub(crate) fn django_heroku(&self, option: &str) -> Option<(Assignment<'_>, bool)> {
        self.statements().find_map(|(file, statement)| {
            let at = statement.find(&["django_heroku", ".", "settings", "("])?;
            let arguments = comma_parts(&statement.tokens[at + 4..]);
            let off = |part: &&[Token]| matches!(part, [name, equals, no, ..] if name.is(option) && equals.is("=") && no.is("False"));
            let is_on = !arguments.iter().any(off);
            Some((Assignment { file, statement, value: &statement.tokens[at..] }, is_on))
        })
    }
}

/// `from .base import *`, as the module's full name.
fn star_import(statement: &Statement, package: &str) -> Option<String> {
    let [from, name @ .., import, star] = statement.tokens.as_slice() else { return None };
    if !(from.is("from") && import.is("import") && star.is("*")) {
        return None;
    }
    let written: String = name.iter().map(|token| token.text.as_str()).collect();
    let relative = written.trim_start_matches('.');
    let dots = written.len() - relative.len();
    if dots == 0 {
        return Some(written);
    }
    let mut parents: Vec<&str> = package.split('.').collect();
    parents.truncate((parents.len() + 1).saturating_sub(dots));
    parents.extend(Some(relative).filter(|it| !it.is_empty()));
    Some(parents.join("."))
}
