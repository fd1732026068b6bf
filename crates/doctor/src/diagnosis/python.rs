//! Modules and config vars that are not there.

use super::{Diagnosis, Seen, Trouble};

/// Modules that are called otherwise than the package that brings them.
const PACKAGES: [(&str, &str); 26] = [
    ("PIL", "pillow"),
    ("allauth", "django-allauth"),
    ("bs4", "beautifulsoup4"),
    ("corsheaders", "django-cors-headers"),
    ("crispy_forms", "django-crispy-forms"),
    ("cv2", "opencv-python-headless"),
    ("dateutil", "python-dateutil"),
    ("debug_toolbar", "django-debug-toolbar"),
    ("decouple", "python-decouple"),
    ("dj_database_url", "dj-database-url"),
    ("django", "Django"),
    ("django_filters", "django-filter"),
    ("django_heroku", "django-heroku"),
    ("dotenv", "python-dotenv"),
    ("environ", "django-environ"),
    ("import_export", "django-import-export"),
    ("jwt", "PyJWT"),
    ("magic", "python-magic"),
    ("markdown", "Markdown"),
    ("mptt", "django-mptt"),
    ("psycopg2", "psycopg2-binary"),
    ("rest_framework", "djangorestframework"),
    ("sklearn", "scikit-learn"),
    ("storages", "django-storages"),
    ("taggit", "django-taggit"),
    ("yaml", "PyYAML"),
];

pub(super) fn look(seen: &Seen<'_>) -> Option<Diagnosis> {
    if let Some(module) = seen.quoted_after("No module named ") {
        return Some(module_missing(seen, module));
    }
    if let Some(attribute) = seen.quoted_after("Failed to find attribute ") {
        let module = seen.between("' in '", "'").unwrap_or("the module");
        return Some(Diagnosis::new(
            Trouble::WsgiModule,
            attribute,
            format!("The module {module}, which the Procfile names, has nothing called {attribute}."),
            "Correct the part behind the colon in the Procfile's web line: Django's is \
             `gunicorn <project>.wsgi`, which means <project>.wsgi:application. Commit and push."
                .to_owned(),
        ));
    }
    config_var(seen)
}

fn module_missing(seen: &Seen<'_>, module: &str) -> Diagnosis {
    let top = module.split('.').next().unwrap_or(module);
    if let Some(named) = served_module(seen.command)
        .filter(|named| module == *named || named.starts_with(&format!("{module}.")))
    {
        return Diagnosis::new(
            Trouble::WsgiModule,
            named,
            format!("There is no module `{named}`, which the Procfile names."),
            "Correct the Procfile's web line: the module is the folder that has wsgi.py, as in \
             `web: gunicorn <folder>.wsgi`. Commit and push."
                .to_owned(),
        );
    }
    if module != top {
        return Diagnosis::new(
            Trouble::ModuleMissing,
            module,
            format!("There is no module `{module}`."),
            format!(
                "If it is yours, check its name and that git knows its file (`git status --ignored`); if it is a \
                 package's, check the package's version in requirements.txt ({top})."
            ),
        );
    }
    let package = PACKAGES.iter().find(|(name, _)| *name == module).map_or(module, |(_, package)| package);
    Diagnosis::new(
        Trouble::ModuleMissing,
        module,
        format!("The module `{module}` is not installed."),
        format!(
            "`echo {package} >> requirements.txt`, commit and push. If the module is your own: check that git knows its \
             file (`git status --ignored`)."
        ),
    )
}

/// The module that gunicorn is to load.
fn served_module(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace().skip_while(|word| *word != "gunicorn").skip(1);
    let is_module = |word: &&str| {
        !word.starts_with('-') && (word.contains('.') || word.contains(':')) && !word.contains('/')
    };
    let word = words.find(|word| is_module(word) && !word.contains("0.0"))?;
    word.split(':').next()
}

fn config_var(seen: &Seen<'_>) -> Option<Diagnosis> {
    let key_error = seen.quoted_after("KeyError: ").filter(|name| {
        let of_environment = seen.before_has("<frozen os>") || seen.before_has("/os.py\"");
        of_environment || matches!(*name, "DATABASE_URL" | "SECRET_KEY")
    });
    let by_library = seen
        .between("Set the ", " environment variable")
        .or_else(|| seen.between("UndefinedValueError: ", " not found. Declare it as envvar"))
        .or_else(|| seen.between("The ", " setting must not be empty"));
    let in_words = || {
        let (before, _) =
            seen.line.split_once(" is not set").filter(|_| seen.has("Improperly") || seen.has("Error"))?;
        before.rsplit(' ').next()
    };
    let name = key_error.or(by_library).or_else(in_words).filter(is_variable)?;
    Some(match name {
        "DATABASE_URL" => super::database::no_url(),
        "SECRET_KEY" => Diagnosis::new(
            Trouble::SecretKey,
            "",
            "The config var SECRET_KEY is not set, and Django does not start without one.".to_owned(),
            "`hokku config:set SECRET_KEY=\"$(openssl rand -base64 42)\"`; builds need it too.".to_owned(),
        ),
        _ => Diagnosis::new(
            Trouble::ConfigVar,
            name,
            format!("The config var {name} is not set."),
            format!("`hokku config:set {name}=…`; `hokku config` lists those that are."),
        ),
    })
}

fn is_variable(name: &&str) -> bool {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.len() > 1
        && name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(is_part)
}
