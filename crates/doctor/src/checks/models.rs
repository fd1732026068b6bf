//! Whether the models of an app say more than its migrations.
//!
//! Told by names alone: whatever a migration makes, it names in a string. So a model or field whose name stands in no
//! string of the app's migrations has none. What is changed otherwise is not seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Check, Finding, plain, quoted};
use crate::folder::Folder;
use crate::project::{Project, Settings};
use crate::python::{Kind, Module, Token};

/// Classes whose children have a table.
const PARENTS: [&str; 3] = ["Model", "AbstractUser", "AbstractBaseUser"];
/// The one field that is not called `…Field`.
const KEY: &str = "ForeignKey";

pub(super) fn check(project: &Project<'_>, findings: &mut Vec<Finding>) {
    let (Some(django), Some(settings)) = (&project.django, project.settings()) else { return };
    if settings.speaks_of("MIGRATION_MODULES") {
        return;
    }
    for path in project.folder.paths().filter(|path| path.ends_with("/models.py")) {
        let app = path.strip_suffix("/models.py").unwrap_or_default();
        let is_installed =
            app.strip_prefix(&django.base).is_some_and(|app| is_installed(settings, &app.replace('/', ".")));
        if is_installed {
            findings.extend(unmigrated(project, &django.base, app, path));
        }
    }
}

fn is_installed(settings: &Settings, app: &str) -> bool {
    settings
        .any_text(|text| text == app || text.strip_prefix(app).is_some_and(|rest| rest.starts_with(".apps.")))
}

fn unmigrated(project: &Project<'_>, base: &str, app: &str, path: &str) -> Option<Finding> {
    let models = models(&Module::read(path, &project.folder.text(path)?));
    let known = named_in_migrations(project.folder, app);
    let mut missing = models.iter().flat_map(|(name, model)| {
        let whole =
            (!known.contains(&name.to_lowercase())).then(|| (model.line, format!("The model {name}")));
        let fields = model.fields.iter().filter(|(field, _)| !known.contains(&field.to_lowercase()));
        let fields: Vec<_> = match whole {
            Some(_) => Vec::new(),
            None => fields.map(|(field, line)| (*line, format!("The field {name}.{field}"))).collect(),
        };
        whole.into_iter().chain(fields)
    });
    let (line, what) = missing.next()?;
    let more = missing.count();
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    let label = app.rsplit('/').next().unwrap_or(app);
    let manage = quoted(&format!("{base}manage.py"));
    Some(Finding {
        check: Check::ModelsChanged,
        file: path.to_owned(),
        line,
        found: plain(&format!("{what} is in no migration{more}")),
        why: "The database never gets its table or column, and the first query for it fails: \"relation … does not \
              exist\"."
            .to_owned(),
        mend: format!("python {manage} makemigrations {}", quoted(label)),
    })
}

#[derive(Debug, Default)]
struct Model {
    line: usize,
    fields: BTreeMap<String, usize>,
}

/// The models that have a table of their own.
fn models(module: &Module) -> BTreeMap<String, Model> {
    let mut models: BTreeMap<String, Model> = BTreeMap::new();
    let mut without_table = BTreeSet::new();
    for statement in &module.statements {
        let blocks: Vec<_> = statement.blocks().collect();
        match blocks.as_slice() {
            [class] if class.outer.is_none() => {
                let Some(name) = class_name(&class.header).filter(|_| is_model(&class.header)) else {
                    continue;
                };
                let model = models
                    .entry(name.to_owned())
                    .or_insert_with(|| Model { line: class.line, ..Model::default() });
                if let Some((field, value)) = statement.assignment()
                    && is_field(value)
                {
                    model.fields.insert(field.to_owned(), statement.line);
                }
            }
            [meta, class] if class_name(&meta.header) == Some("Meta") => {
                let marks = ["abstract", "proxy", "app_label", "managed", "swappable"];
                if let (Some((name, _)), Some(class)) = (statement.assignment(), class_name(&class.header))
                    && marks.contains(&name)
                {
                    without_table.insert(class.to_owned());
                }
            }
            _ => {}
        }
    }
    models.retain(|name, _| !without_table.contains(name));
    models
}

fn class_name(header: &[Token]) -> Option<&str> {
    let [class, name, ..] = header else { return None };
    class.is("class").then_some(name.text.as_str())
}

fn is_model(header: &[Token]) -> bool {
    header.iter().skip(2).any(|token| token.kind == Kind::Name && PARENTS.contains(&token.text.as_str()))
}

/// `models.CharField(…)`
fn is_field(value: &[Token]) -> bool {
    let [models, dot, name, open, ..] = value else { return false };
    models.is("models") && dot.is(".") && open.is("(") && (name.text.ends_with("Field") || name.is(KEY))
}

/// Every string in the app's migrations, in small letters.
fn named_in_migrations(folder: &Folder, app: &str) -> BTreeSet<String> {
    let prefix = format!("{app}/migrations/");
    let files = folder.paths().filter(|path| path.starts_with(&prefix) && path.ends_with(".py"));
    let modules = files.filter_map(|path| Some(Module::read(path, &folder.text(path)?)));
    modules.flat_map(|module| module.texts().map(str::to_lowercase).collect::<Vec<_>>()).collect()
}
