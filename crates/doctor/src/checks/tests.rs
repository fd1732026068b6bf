use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{Around, examine};
use crate::finding::{Check, report};
use crate::folder::Folder;

/// 2026-11-22.
const NOW: u64 = 1_795_305_600;

const SETTINGS: &str = "\
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ[\"SECRET_KEY\"]
DEBUG = os.environ.get(\"DEBUG\") == \"1\"
ALLOWED_HOSTS = [\"*\"]
INSTALLED_APPS = [
    \"django.contrib.staticfiles\",
    \"shop\",
]
MIDDLEWARE = [
    \"django.middleware.security.SecurityMiddleware\",
    \"whitenoise.middleware.WhiteNoiseMiddleware\",
]
STATIC_URL = \"static/\"
STATIC_ROOT = BASE_DIR / \"staticfiles\"
";
const MODELS: &str = "\
from django.db import models

class Thing(models.Model):
    name = models.CharField(max_length=9)
    price: int = models.IntegerField()

    class Meta:
        ordering = ['name']

class Base(models.Model):
    class Meta:
        abstract = True
    never = models.TextField()
";
const MIGRATION: &str = "\
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [migrations.CreateModel(name='Thing', fields=[('name', models.CharField()), ('price', models.IntegerField())])]
";

/// A small site that is in order.
const HEALTHY: [(&str, &str); 10] = [
    ("Procfile", "release: python manage.py migrate\nweb: gunicorn site1.wsgi --log-file -\n"),
    ("requirements.txt", "Django==4.2.25\ngunicorn\nwhitenoise\n"),
    ("runtime.txt", "python-3.12.6\n"),
    ("manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n"),
    ("site1/__init__.py", ""),
    ("site1/settings.py", SETTINGS),
    ("site1/wsgi.py", "application = get_wsgi_application()\n"),
    ("shop/models.py", MODELS),
    ("shop/migrations/__init__.py", ""),
    ("shop/migrations/0001_initial.py", MIGRATION),
];

/// The small site with some files changed; an empty text removes one.
fn site(changes: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in HEALTHY.iter().chain(changes) {
        write(dir.path(), name, text.as_bytes());
    }
    for (name, _) in changes.iter().filter(|(_, text)| text.is_empty()) {
        fs::remove_file(dir.path().join(name)).expect("it was there");
    }
    dir
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

fn around() -> Around {
    Around { seconds: Some(NOW), ..Around::default() }
}

fn checks(dir: &Path, around: &Around) -> Vec<Check> {
    examine(&Folder::walk(dir), around).into_iter().map(|finding| finding.check).collect()
}

/// The settings with one statement, found by its first line, replaced.
fn settings(with: &str, instead_of: &str) -> String {
    assert!(SETTINGS.contains(instead_of), "{instead_of}");
    SETTINGS.replace(instead_of, with)
}

/// Runs a command as a developer would, with a `hokku` and a `git` that agree to everything.
fn mend(dir: &Path, command: &str) {
    let bin = tempfile::tempdir().expect("a folder");
    for (name, script) in
        [("hokku", "exit 0"), ("git", "[ $1 = rm ] && rm -- ${@: -1} || mv $2 $3"), ("python", "exit 0")]
    {
        let path = bin.path().join(name);
        fs::write(&path, format!("#!/bin/bash\n{script}\n")).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    let path = format!("{}:/usr/bin:/bin", bin.path().display());
    let ran =
        Command::new("bash").args(["-c", command]).current_dir(dir).env("PATH", path).output().expect("bash");
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
}

const KEY: &str = "django-insecure-0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u";

/// A trouble, and the files that make it.
type Case = (Check, Vec<(&'static str, String)>);

fn settings_troubles() -> Vec<Case> {
    let s = settings;
    vec![
        (
            Check::SecretKey,
            vec![(
                "site1/settings.py",
                s(&format!("SECRET_KEY = '{KEY}'"), "SECRET_KEY = os.environ[\"SECRET_KEY\"]"),
            )],
        ),
        (
            Check::Debug,
            vec![("site1/settings.py", s("DEBUG = True", "DEBUG = os.environ.get(\"DEBUG\") == \"1\""))],
        ),
        (
            Check::Debug,
            vec![(
                "site1/settings.py",
                s(
                    "DEBUG = bool(os.environ.get('DEBUG', True))",
                    "DEBUG = os.environ.get(\"DEBUG\") == \"1\"",
                ),
            )],
        ),
        (
            Check::AllowedHosts,
            vec![(
                "site1/settings.py",
                s("ALLOWED_HOSTS = [\n    'localhost',\n    '127.0.0.1',\n]", "ALLOWED_HOSTS = [\"*\"]"),
            )],
        ),
        (Check::StaticRoot, vec![("site1/settings.py", s("", "STATIC_ROOT = BASE_DIR / \"staticfiles\"\n"))]),
        (
            Check::StaticFiles,
            vec![("site1/settings.py", s("", "    \"whitenoise.middleware.WhiteNoiseMiddleware\",\n"))],
        ),
        (
            Check::Storages,
            vec![
                (
                    "site1/settings.py",
                    format!(
                        "import django_heroku\n{SETTINGS}STORAGES = {{}}\nif 'HEROKU' in os.environ:\n    django_heroku.settings(locals())\n"
                    ),
                ),
                ("requirements.txt", "Django==4.2.25\ngunicorn\ndjango-heroku\n".to_owned()),
            ],
        ),
    ]
}

fn other_troubles() -> Vec<Case> {
    vec![
        (Check::RequirementMissing, vec![("site1/settings.py", format!("import decouple\n{SETTINGS}"))]),
        (
            Check::PostgresDriver,
            vec![(
                "site1/settings.py",
                format!(
                    "{SETTINGS}DATABASES = {{'default': {{'ENGINE': 'django.db.backends.postgresql'}}}}\n"
                ),
            )],
        ),
        (Check::PythonEndOfLife, vec![("runtime.txt", "python-3.10.14\n".to_owned())]),
        (Check::NoProcfile, vec![("Procfile", String::new())]),
        (
            Check::NoProcfile,
            vec![
                ("Procfile", String::new()),
                ("procfile", "web: gunicorn site1.wsgi\nrelease: true\n".to_owned()),
            ],
        ),
        (Check::ProgramMissing, vec![("requirements.txt", "Django==4.2.25\nwhitenoise\n".to_owned())]),
        (
            Check::WsgiModule,
            vec![(
                "Procfile",
                "release: true\nweb: gunicorn -w 4 --bind 0.0.0.0:$PORT sitel.wsgi:application\n".to_owned(),
            )],
        ),
        (Check::WsgiModule, vec![("Procfile", "release: true\nweb: gunicorn site1.wsgi:app\n".to_owned())]),
        (Check::NoReleasePhase, vec![("Procfile", "web: gunicorn site1.wsgi".to_owned())]),
        (Check::NoRequirements, vec![("requirements.txt", String::new())]),
        (Check::EnvFile, vec![(".env", "# local\nexport SECRET_KEY=abc\n".to_owned())]),
        (Check::AwsKey, vec![("shop/upload.py", "import boto3\nKEY = 'AKIAINVENTEDKEY4TEST'\n".to_owned())]),
        (
            Check::AwsKey,
            vec![(
                "config.yml",
                "aws_secret_access_key: \"0123456789abcdefghijKLMNOPQRST/+uvwxyz01\"\n".to_owned(),
            )],
        ),
    ]
}

/// Every kind of trouble: what is told, and that its command mends it.
#[test]
fn each_trouble_is_found_and_mended_by_its_command() {
    let mut told = String::new();
    for (check, changes) in settings_troubles().into_iter().chain(other_troubles()) {
        let changes: Vec<_> = changes.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let dir = site(&changes);
        let findings = examine(&Folder::walk(dir.path()), &around());
        assert!(
            findings.iter().all(|it| it.check == check) && findings.len() == 1,
            "{check:?}: {findings:#?}"
        );
        told += &format!("{}\n{}\n", check.as_str(), report(&findings, ""));
        assert!(
            !told.contains(KEY) && !told.contains("INVENTED") && !told.contains("KLMNOP"),
            "secrets are not shown"
        );
        mend(dir.path(), &findings[0].mend);
        assert_eq!(checks(dir.path(), &around()), [], "{}", findings[0].mend);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_committed_database_and_changed_models_are_found() {
    let dir = site(&[(
        "shop/models.py",
        &MODELS.replace("price: int", "colour = models.TextField()\n    price: int"),
    )]);
    write(dir.path(), "db.sqlite3", b"SQLite format 3\0 and so on");
    let findings = examine(&Folder::walk(dir.path()), &around());
    insta::assert_snapshot!(report(&findings, " !     "));
    mend(dir.path(), &findings[0].mend);
    assert_eq!(checks(dir.path(), &around()), [Check::ModelsChanged]);

    let dir = site(&[("shop/migrations/0001_initial.py", "")]);
    assert_eq!(checks(dir.path(), &around()), [Check::ModelsChanged], "no migration at all");
}

/// What a careless look would take for a trouble.
#[test]
fn what_is_in_order_is_left_alone() {
    let plain = |with: &str, instead_of: &str| vec![("site1/settings.py", settings(with, instead_of))];
    let secret = "SECRET_KEY = os.environ[\"SECRET_KEY\"]";
    let debug = "DEBUG = os.environ.get(\"DEBUG\") == \"1\"";
    let hosts = "ALLOWED_HOSTS = [\"*\"]";
    let cases: Vec<Vec<(&str, String)>> = vec![
        vec![],
        plain("SECRET_KEY = 'for-the-laptop-only-0123456789'\nif 'DYNO' in os.environ:\n    SECRET_KEY = os.environ['SECRET_KEY']", secret),
        plain("SECRET_KEY = os.environ.get('SECRET_KEY')\nif not SECRET_KEY and DEBUG:\n    SECRET_KEY = 'for-the-laptop-only-0123456789'", secret),
        plain("SECRET_KEY = 'for-the-laptop-only-0123456789'\nSECRET_KEY = os.environ['SECRET_KEY']", secret),
        plain("# SECRET_KEY = 'for-the-laptop-only-0123456789'\n\"\"\"\nSECRET_KEY = 'x0123456789'\n\"\"\"", secret),
        plain("DEBUG = True\nif 'DYNO' in os.environ:\n    DEBUG = False", debug),
        plain("if os.environ.get('LOCAL'):\n    DEBUG = True\nelse:\n    DEBUG = False", debug),
        plain("DEBUG = os.environ.get('DEBUG', '')", debug),
        plain("DEBUG = os.environ.get('DEBUG', 'True') == 'True'", debug),
        plain("ALLOWED_HOSTS = []\nALLOWED_HOSTS += os.environ['HOSTS'].split(',')", hosts),
        plain("ALLOWED_HOSTS = ['localhost', 'shop.example.com']", hosts),
        plain("ALLOWED_HOSTS = []\nimport django_heroku\ndjango_heroku.settings(locals(), staticfiles=False)", hosts)
            .into_iter()
            .chain([("requirements.txt", "Django==4.2.25\ngunicorn\nwhitenoise\ndjango-heroku\n".to_owned())])
            .collect(),
        vec![
            ("site1/settings.py", format!("import django_heroku\n{SETTINGS}STORAGES = {{}}\ndjango_heroku.settings(locals())\n")),
            ("requirements.txt", "Django==5.2\ngunicorn\ndjango-heroku\n".to_owned()),
        ],
        vec![("site1/settings.py", format!("try:\n    import decouple\nexcept ImportError:\n    pass\n{SETTINGS}"))],
        vec![("site1/settings.py", format!("{SETTINGS}try:\n    from .local import *\nexcept ImportError:\n    pass\n").replace("STATIC_ROOT = BASE_DIR / \"staticfiles\"\n", ""))],
        vec![
            ("site1/settings.py", "from .base import *\nDEBUG = False\n".to_owned()),
            ("site1/base.py", settings("DEBUG = True", debug)),
        ],
        vec![("Procfile", "web: cd src && gunicorn elsewhere.wsgi\nrelease: true\n".to_owned())],
        vec![("Procfile", "web: python manage.py migrate && gunicorn site1.wsgi:application -w 3\n".to_owned())],
        vec![("Procfile", "web: gunicorn -c gunicorn.conf.py -k gevent site1.wsgi\nrelease: ./release.sh\n".to_owned())],
        vec![("Procfile", "web: gunicorn --worker-class uvicorn.workers.UvicornWorker site1.wsgi\nrelease: true\n".to_owned())],
        vec![("requirements.txt", "-e .\n".to_owned())],
        vec![("requirements.txt", "-r base.txt\n".to_owned()), ("base.txt", "Django\ngunicorn\nWhiteNoise\n".to_owned())],
        vec![("runtime.txt", "python-3.11.9\n".to_owned())],
        vec![(".env.example", "SECRET_KEY=abc\n".to_owned()), (".envrc", "export A=1\n".to_owned())],
        vec![("README.md", "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\naws_secret_access_key = YOUR_KEY\n".to_owned())],
        vec![("data.txt", "XAKIAABCDEFGHIJKLMNOP AKIAABCDEFGHIJKLMNOPQ akiaabcdefghijklmnop\n".to_owned())],
        vec![("shop/models.py", MODELS.replace("('price'", "").replace("price: int = models", "price: int = custom"))],
        vec![("other/models.py", "from django.db import models\nclass Not(models.Model):\n    x = models.TextField()\n".to_owned())],
        vec![("shop/models.py", MODELS.replace("ordering = ['name']", "managed = False").replace("class Thing", "class Strange"))],
    ];
    for changes in cases {
        let changes: Vec<_> = changes.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let findings = examine(&Folder::walk(site(&changes).path()), &around());
        assert_eq!(findings, [], "{changes:#?}");
    }
}

#[test]
fn what_is_known_of_the_app_sharpens_the_look() {
    let names = |all: &[&str]| Some(all.iter().map(|&it| it.to_owned()).collect::<BTreeSet<_>>());
    let text = SETTINGS
        .replace("os.environ[\"SECRET_KEY\"]", "os.environ.get('SECRET_KEY', 'fallback-0123456789')")
        .replace("os.environ.get(\"DEBUG\") == \"1\"", "os.environ.get('DEBUG')")
        .replace("[\"*\"]", "['.example.com']");
    let dir = site(&[("site1/settings.py", &text)]);
    assert_eq!(checks(dir.path(), &around()), [], "nothing is known");
    let hosts = |host: &str| vec![host.to_owned()];
    let bare = Around { hosts: hosts("shop.example.org"), config: names(&["DEBUG"]), ..around() };
    assert_eq!(checks(dir.path(), &bare), [Check::SecretKey, Check::Debug, Check::AllowedHosts]);
    let good = Around { hosts: hosts("shop.example.com"), config: names(&["SECRET_KEY"]), ..around() };
    assert_eq!(checks(dir.path(), &good), []);
    let other = Around { settings_module: Some("site1.other".to_owned()), ..bare };
    assert_eq!(checks(dir.path(), &other), [], "other settings, which are not there");
}

/// The apps of this repository: only those that are made to be broken have findings.
#[test]
fn the_sample_apps_are_healthy() {
    let apps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps");
    for name in ["django-events", "hello", "needs-psycopg2", "slow-boot", "crashes", "never-binds"] {
        let hosts = vec!["events.localhost".to_owned()];
        let config = Some(BTreeSet::new());
        let findings = examine(&Folder::walk(&apps.join(name)), &Around { hosts, config, ..around() });
        assert_eq!(findings, [], "{name}");
    }
}

#[test]
fn links_are_not_followed_and_what_git_does_not_know_is_not_read() {
    let dir = site(&[]);
    write(dir.path(), "secret.txt", b"AKIAINVENTEDKEY4TEST\n");
    let outside = site(&[("app.py", "key = 'AKIAINVENTEDKEY4TEST'\n")]);
    std::os::unix::fs::symlink(outside.path(), dir.path().join("linked")).expect("a link");
    std::os::unix::fs::symlink("secret.txt", dir.path().join("link.txt")).expect("a link");
    assert_eq!(checks(dir.path(), &around()), [Check::AwsKey]);
    let known = [
        "link.txt",
        "linked/app.py",
        "../x",
        "/etc/passwd",
        "gone",
        "manage.py",
        "Procfile",
        "requirements.txt",
    ];
    let folder = Folder::of(dir.path(), known.map(str::to_owned));
    assert_eq!(folder.paths().collect::<Vec<_>>(), ["Procfile", "manage.py", "requirements.txt"]);
}
