//! Which packages and which Python are asked for.

use crate::finding::{Check, Finding, plain};
use crate::project::Project;

/// What settings name, the package that brings it, and beginnings of other packages that may bring it too.
const BROUGHT: [(&str, &str, &[&str]); 9] = [
    ("django", "Django", &["django", "wagtail", "mezzanine"]),
    ("whitenoise", "whitenoise", &["django-heroku"]),
    (
        "dj_database_url",
        "dj-database-url",
        &["django-heroku", "django-environ", "environs", "django-database-url"],
    ),
    ("django_heroku", "django-heroku", &["django-on-heroku"]),
    ("storages", "django-storages", &["django-s3", "django-minio"]),
    ("rest_framework", "djangorestframework", &["drf", "dj-rest", "django-rest", "djangorestframework"]),
    ("corsheaders", "django-cors-headers", &[]),
    ("decouple", "python-decouple", &[]),
    ("environ", "django-environ", &[]),
];
/// Packages that speak to Postgres, by the beginnings of their names.
const DRIVERS: [&str; 5] = ["psycopg", "django-heroku", "django-on-heroku", "pg8000", "aws-psycopg2"];

/// Minor versions of Python 3 with the month after which they get no security fixes, in seconds since the epoch
/// (PEPs 569, 596, 619, 664, 693, 719, 745).
const ENDS: [(u32, u64, &str); 7] = [
    (8, 1_730_419_200, "October 2024"),
    (9, 1_761_955_200, "October 2025"),
    (10, 1_793_491_200, "October 2026"),
    (11, 1_825_027_200, "October 2027"),
    (12, 1_856_649_600, "October 2028"),
    (13, 1_888_185_600, "October 2029"),
    (14, 1_919_721_600, "October 2030"),
];
/// What to move to.
const ADVISED: &str = "3.13";

pub(super) fn check(project: &Project<'_>, findings: &mut Vec<Finding>) {
    if !project.requirements.exist {
        findings.extend(no_requirements(project));
    } else if project.folder.has("requirements.txt") && project.requirements.complete {
        findings.extend(BROUGHT.iter().filter_map(|it| requirement_missing(project, it)));
        findings.extend(no_driver(project));
    }
    findings.extend(end_of_life(project));
}

fn no_requirements(project: &Project<'_>) -> Option<Finding> {
    let python = project.folder.paths().find(|path| path.ends_with(".py") && !path.contains('/'))?;
    let is_django = project.django.is_some();
    let (mend, file) = match is_django {
        true => ("printf 'Django\\ngunicorn\\n' > requirements.txt", "requirements.txt"),
        false => ("touch requirements.txt", "requirements.txt"),
    };
    Some(Finding {
        check: Check::NoRequirements,
        file: file.to_owned(),
        line: 1,
        found: format!("There is {}, and no requirements.txt in the top folder", plain(python)),
        why: "It names the packages that are installed, and is how a Python app is recognised: without it the push is \
              rejected. `pip freeze > requirements.txt` writes down all that you have at home."
            .to_owned(),
        mend: mend.to_owned(),
    })
}

/// Something that the settings name in a string (`INSTALLED_APPS`, `MIDDLEWARE`) or import without a net.
fn requirement_missing(project: &Project<'_>, wanted: &(&str, &str, &[&str])) -> Option<Finding> {
    let (module, package, others) = wanted;
    let settings = project.settings()?;
    let requirements = &project.requirements;
    let base = &project.django.as_ref()?.base;
    if requirements.has(package) || others.iter().any(|other| requirements.has_any(other)) {
        return None;
    }
    if project.module(base, module).is_some() || project.folder.has_dir(&format!("{base}{module}")) {
        return None; // the app's own
    }
    let imported = settings.statements().find(|(_, statement)| {
        let [import, name, ..] = statement.tokens.as_slice() else { return false };
        statement.block.is_none() && (import.is("import") || import.is("from")) && name.is(module)
    });
    let (file, statement) = imported?;
    Some(Finding {
        check: Check::RequirementMissing,
        file: file.to_owned(),
        line: statement.line,
        found: format!("The settings import {module}, and requirements.txt does not name {package}"),
        why: "It is not installed, so the app cannot be loaded: ModuleNotFoundError.".to_owned(),
        mend: format!("echo {package} >> requirements.txt"),
    })
}

fn no_driver(project: &Project<'_>) -> Option<Finding> {
    let settings = project.settings()?;
    if DRIVERS.iter().any(|driver| project.requirements.has_any(driver)) {
        return None;
    }
    let engine = |text: &str| {
        text.starts_with("django.db.backends.postgresql") || text == "django.contrib.gis.db.backends.postgis"
    };
    let databases = settings.assignments("DATABASES").last()?;
    let named = settings.any_text(engine);
    let by_url = settings.speaks_of("dj_database_url") && project.around.has_config("DATABASE_URL");
    (named || by_url).then(|| Finding {
        check: Check::PostgresDriver,
        file: databases.file.to_owned(),
        line: databases.statement.line,
        found: "The database is Postgres, and requirements.txt names no driver for it".to_owned(),
        why: "Django cannot open the database: \"Error loading psycopg2 or psycopg module\".".to_owned(),
        mend: "echo psycopg2-binary >> requirements.txt".to_owned(),
    })
}

fn end_of_life(project: &Project<'_>) -> Option<Finding> {
    let now = project.around.seconds?;
    let file = ["runtime.txt", ".python-version"].into_iter().find(|file| project.folder.has(file))?;
    let text = project.folder.text(file)?;
    let is_version = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let (at, version) = text.lines().map(str::trim).enumerate().find(|(_, line)| is_version(line))?;
    let version = version.trim_start_matches("python-");
    let minor: u32 = version.strip_prefix("3.")?.split('.').next()?.parse().ok()?;
    let (_, _, month) = ENDS.iter().find(|(it, end, _)| *it == minor && now >= *end)?;
    let new = if file == "runtime.txt" { format!("python-{ADVISED}") } else { ADVISED.to_owned() };
    Some(Finding {
        check: Check::PythonEndOfLife,
        file: file.to_owned(),
        line: at + 1,
        found: format!("Python {} is named", plain(version)),
        why: format!("Python 3.{minor} gets no security fixes since {month}: its known holes stay open."),
        mend: format!("echo {new} > {file}"),
    })
}
