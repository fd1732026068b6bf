use std::path::PathBuf;
use std::time::Duration;

use model::id::BuildId;
use model::procfile::Procfile;
use oci::container::{Exit, Status};
use slug::archive::UnpackError;
use slug::runtime::Request;

use super::{Say, diagnosis, words};
use crate::buildpack::ChoiceError;
use crate::failure::Failure;
use crate::python::packages::{Installer, Manager, PackagesError};
use crate::python::version::{Origin, VersionError};

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn everything_that_is_said_while_all_goes_well() {
    let version = "3.12.6".parse().expect("a version");
    let request = Request { major: 3, minor: 12, patch: None };
    let links = [PathBuf::from("etc"), PathBuf::from("a/b")];
    let procfile = Procfile::parse("web: gunicorn a.wsgi\nrelease: python manage.py migrate\n");
    let said = [
        Say::Building { stack: "hokku-12" },
        Say::Again,
        Say::PreparingStack,
        Say::Ignored { paths: 12 },
        Say::LinksLeftOut(&links),
        Say::Determining,
        Say::UsingBuildpack { name: "heroku/python" },
        Say::Detected { language: "Python" },
        Say::PreparingPython { request },
        Say::PythonVersion { version, origin: Origin::RuntimeTxt },
        Say::PythonVersion { version, origin: Origin::VersionFile },
        Say::PythonVersion { version, origin: Origin::LastBuild },
        Say::PythonVersion { version, origin: Origin::Default },
        Say::InstallingPython { version },
        Say::CachedPython { version },
        Say::RunningHook { name: "pre_compile" },
        Say::InstallingPackages { installer: Installer::UvPip },
        Say::Output("Resolved 32 packages in 14ms"),
        Say::Output(""),
        Say::InstalledPackages { packages: 32 },
        Say::InstalledPackages { packages: 1 },
        Say::CachedPackages { packages: 32 },
        Say::NoPackages,
        Say::Collectstatic,
        Say::CollectstaticDisabled,
        Say::CollectstaticDisabledByFile,
        Say::NoManagePy,
        Say::Types(&procfile),
        Say::Types(&Procfile::default()),
        Say::Compressing,
        Say::Done { bytes: 91_540_685 },
    ];
    insta::assert_snapshot!(said.map(|say| say.to_string()).concat());
}

fn told(failures: Vec<Failure>) -> String {
    failures.iter().map(|failure| format!("=== {failure:.20?}\n{}\n", words::failure(failure))).collect()
}

#[test]
fn why_a_source_cannot_be_taken() {
    let listing = texts(&["Procfile", "web.py"]);
    let names = texts(&["heroku/nodejs", "heroku/python"]);
    insta::assert_snapshot!(told(vec![
        Failure::Archive(UnpackError::TooLarge { what: "entries", max: 300_000 }),
        Failure::Archive(UnpackError::UnsafePath { path: "../x".to_owned() }),
        Failure::Choice(ChoiceError::NothingDetected),
        Failure::Choice(ChoiceError::NotCompatible { listing }),
        Failure::Choice(ChoiceError::Unsupported { name: "heroku/ruby".to_owned() }),
        Failure::Choice(ChoiceError::Several { names }),
    ]));
}

#[test]
fn what_is_wrong_with_a_python_version() {
    let request = Request { major: 3, minor: 12, patch: Some(6) };
    let (origin, found) = (Origin::RuntimeTxt, "3.x".to_owned());
    let available =
        ["3.9.18", "3.10.13", "3.12.1", "3.13.0"].map(|text| text.parse().expect("a version")).to_vec();
    let old = Request { major: 3, minor: 9, patch: None };
    let new = Request { major: 3, minor: 15, patch: None };
    let versions = [
        VersionError::BadRuntimeTxt { found: found.clone() },
        VersionError::BadVersionFile { found: found.clone() },
        VersionError::EmptyVersionFile,
        VersionError::SeveralVersions { found: texts(&["3.12", "3.13"]) },
        VersionError::BadPipfileLock { found },
        VersionError::Misspelt { name: "python-version" },
        VersionError::EndOfLife { request: old, origin },
        VersionError::Unknown { request: new, origin },
        VersionError::UvNeedsVersionFile,
        VersionError::UvIgnoresRuntimeTxt,
    ];
    let mut failures: Vec<Failure> = versions.into_iter().map(Failure::Version).collect();
    failures.push(Failure::Unavailable { request, origin, available });
    failures.push(Failure::Unavailable { request, origin, available: Vec::new() });
    insta::assert_snapshot!(told(failures));
}

#[test]
fn what_is_wrong_with_packages() {
    let errors = vec![
        PackagesError::Several { managers: vec![Manager::Pip, Manager::Uv] },
        PackagesError::PipfileWithoutLock,
        PackagesError::OnlySetupPy,
        PackagesError::None { listing: texts(&["app/", "manage.py"]) },
        PackagesError::Unsupported { manager: Manager::Poetry },
        PackagesError::Unsupported { manager: Manager::Pipenv },
        PackagesError::BadInstaller { value: "conda".to_owned() },
        PackagesError::HasPythonDir,
        PackagesError::HasVenv { dir: ".venv" },
    ];
    insta::assert_snapshot!(told(errors.into_iter().map(Failure::Packages).collect()));
}

#[test]
fn how_steps_fail() {
    let exit = |status| Exit { status, oom_killed: false };
    let limit = Duration::from_secs(25 * 60);
    let mut text = told(vec![
        Failure::Install { installer: Installer::Pip, said: "something new".to_owned() },
        Failure::Collectstatic {
            said: "  File \"<frozen os>\", line 685, in __getitem__\nKeyError: 'STRIPE_KEY'\n".to_owned(),
        },
        Failure::Collectstatic { said: "something new".to_owned() },
        Failure::Hook { name: "post_compile", exit: exit(Status::Code(3)) },
        Failure::Step { exit: exit(Status::Signal(9)) },
        Failure::OutOfMemory { bytes: 4 << 30 },
        Failure::TimedOut { limit },
        Failure::TooLarge { bytes: (1 << 30) + (1 << 29) },
    ]);
    text.push_str(&words::platform_failure(BuildId::from_u128(7)));
    insta::assert_snapshot!(text);
}

#[test]
fn known_errors_are_diagnosed() {
    let collectstatic = [
        "django.core.exceptions.ImproperlyConfigured: STATICFILES_STORAGE/STORAGES are mutually exclusive.",
        "You're using the staticfiles app without having set the STATIC_ROOT setting to a filesystem path.",
        "Unknown command: 'collectstatic'",
        "ModuleNotFoundError: No module named 'environ'",
        "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.",
        "  File \"<frozen os>\", line 685, in __getitem__\nKeyError: 'AWS_REGION'",
        "KeyError: 'a key of some dict'",
        "psycopg2.OperationalError: could not translate host name \"db\" to address",
        "ValueError: Missing staticfiles manifest entry for 'a.css'",
        "something new",
    ];
    let install = [
        "ERROR: No matching distribution found for a==9",
        "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.",
        "  Caused by: dns error: failed to lookup address information",
        "  Caused by: failed to copy file: No space left on device (os error 28)",
        "src/a.c:1:10: fatal error: mysql.h: No such file or directory",
        "something new",
    ];
    let advice = |said: &str, advice: Option<String>| format!("=== {said}\n{}\n", advice.unwrap_or_default());
    let mut text = collectstatic.map(|said| advice(said, diagnosis::collectstatic(said))).concat();
    text.push_str(&install.map(|said| advice(said, diagnosis::install(said))).concat());
    insta::assert_snapshot!(text);
}
