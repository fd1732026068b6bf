use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Origin, PythonError, Request, Runtimes, Sources, Version, prefixes};
use crate::blobs::{Blobs, ImportError};
use crate::digest::Digest;
use crate::stack::tests::{cache, inside, stack};

/// A self-contained Python of this machine; the tests of relocation need one to copy.
fn prefix() -> (Version, PathBuf) {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = super::machine::find_all(&prefixes(home.as_deref(), &path));
    found
        .into_iter()
        .max_by_key(|(version, _)| version.minor.min(12))
        .expect("pyenv or another self-contained Python")
}

fn runtimes(dir: &Path, sources: Sources) -> Runtimes {
    let blobs = Blobs::open(&dir.join("blobs")).expect("opened");
    Runtimes::open(blobs, dir, sources).expect("opened")
}

fn request(version: Version) -> Request {
    Request { major: version.major, minor: version.minor, patch: None }
}

#[test]
fn a_python_of_this_machine_works_on_the_run_base_at_its_new_place() {
    let stack = stack();
    let (version, prefix) = prefix();
    let dir = tempfile::tempdir().expect("temporary directory");
    let sources = Sources { prefixes: vec![prefix.clone()], ..Sources::default() };
    let runtimes = runtimes(dir.path(), sources);
    let made = runtimes.python(&request(version), &stack).expect("made");
    assert_eq!((made.version, &made.origin), (version, &Origin::Machine(prefix.clone())));

    let mut layers = stack.run_layers.clone();
    layers.push(runtimes.blobs.path(&made.layer.digest));
    let script = format!(
        r#"export PATH=/app/.heroku/python/bin:$PATH
           python -c 'import bz2, ctypes, lzma, readline, sqlite3, ssl, sys, zlib; print(sys.version.split()[0], sys.prefix)'
           for name in python3 python{series}; do $name -c 'import sys; print(sys.executable)'; done
           python -m pip --version | cut -d' ' -f 1,3-; head -1 /app/.heroku/python/bin/pip
           python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"], sysconfig.get_config_var("INCLUDEPY"))'
           python -m venv /app/v && /app/v/bin/python -c 'import sys; print(sys.prefix)'
           python -c 'import json; print("trusted byte code:", open(json.__cached__, "rb").read(8)[4])'
           grep -rIl '{old}' /app/.heroku || true
           find /app ! -user app | head"#,
        series = format_args!("{}.{}", version.major, version.minor),
        old = prefix.display(),
    );
    let out = inside(&layers, "1000:1000", &script);
    let out = out.replace(&version.to_string(), "3.X.Y");
    let out = out.replace(&format!("{}.{}", version.major, version.minor), "3.X");
    insta::assert_snapshot!(out, @r"
    3.X.Y /app/.heroku/python
    /app/.heroku/python/bin/python3
    /app/.heroku/python/bin/python3.X
    pip from /app/.heroku/python/lib/python3.X/site-packages/pip (python 3.X)
    #!/app/.heroku/python/bin/python3.X
    /app/.heroku/python/lib/python3.X/site-packages /app/.heroku/python/include/python3.X
    /app/v
    trusted byte code: 1
    ");

    let layer = made.layer.clone();
    let again =
        runtimes.python(&Request { patch: Some(version.patch), ..request(version) }, &stack).expect("stored");
    assert_eq!((again.layer, again.origin), (layer.clone(), Origin::Stored));
    let blobs = Blobs::open(&dir.path().join("of-another-server")).expect("opened");
    let other = Runtimes::open(blobs.clone(), dir.path(), Sources::default()).expect("opened");
    let shared = other.python(&request(version), &stack).expect("shared");
    assert_eq!((&shared.layer, shared.origin), (&layer, Origin::Stored));
    blobs.verify(&layer.digest).expect("whole");
    assert!(!dir.path().join("runtimes/unfinished").exists());
}

/// The `uv` to test with: from `HOKKU_UV` or `PATH`, else installed from PyPI into the tests' cache.
fn uv() -> PathBuf {
    const VERSION: &str = "0.13.9";
    let configured = std::env::var_os("HOKKU_UV").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(uv) = crate::tools::uv(configured.as_deref(), &path) {
        return uv;
    }
    let dir = cache().join(format!("uv-{VERSION}"));
    if !dir.exists() {
        let (version, prefix) = prefix();
        let into = tempfile::tempdir_in(cache()).expect("temporary directory");
        let python = prefix.join(format!("bin/python{}.{}", version.major, version.minor));
        let pip = Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
            .arg(into.path())
            .arg(format!("uv=={VERSION}"))
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .status();
        assert!(pip.expect("pip runs").success());
        // Another test process may have been faster.
        let _ = std::fs::rename(into.path(), &dir);
    }
    dir.join("bin/uv")
}

/// A mirror as `uv` understands them, with one download of `version` at `url`.
fn mirror(dir: &Path, version: Version, url: &str) -> Vec<(OsString, OsString)> {
    let Version { major, minor, patch } = version;
    let arch = serde_json::json!({ "family": std::env::consts::ARCH, "variant": null });
    let download = serde_json::json!({
        "name": "cpython", "arch": arch, "os": "linux", "libc": "gnu", "major": major, "minor": minor, "patch": patch,
        "prerelease": "", "url": url, "sha256": null, "variant": null, "build": null,
    });
    let key = format!("cpython-{version}-linux-{}-gnu", std::env::consts::ARCH);
    let list = dir.join("downloads.json");
    std::fs::write(&list, serde_json::json!({ key: download }).to_string()).expect("written");
    vec![("UV_PYTHON_DOWNLOADS_JSON_URL".into(), list.into())]
}

#[test]
fn a_python_is_downloaded_through_uv_and_works() {
    let (version, prefix) = prefix();
    let dir = tempfile::tempdir().expect("temporary directory");
    // The archives of the real mirror look like this: everything below `python/`.
    let archive = dir.path().join("python.tar.gz");
    let tar = Command::new("tar")
        .args(["--create", "--use-compress-program", "gzip -1", "--transform", "s#^\\.#python#", "--file"])
        .arg(&archive)
        .args(["--exclude=test", "--exclude=*.a", "--exclude=__pycache__", "--directory"])
        .arg(&prefix)
        .arg(".")
        .status();
    assert!(tar.expect("tar runs").success());
    let uv_environment = mirror(dir.path(), version, &format!("file://{}", archive.display()));
    let runtimes = runtimes(dir.path(), Sources { uv: Some(uv()), uv_environment, ..Sources::default() });
    assert_eq!(runtimes.newest_known(version.major, version.minor), Some(version));

    let stack = stack();
    let made = runtimes.python(&request(version), &stack).expect("made");
    assert_eq!((made.version, made.origin), (version, Origin::Downloaded));
    let layers = [stack.run_layers[0].clone(), runtimes.blobs.path(&made.layer.digest)];
    let out = inside(
        &layers,
        "1000:1000",
        "python=/app/.heroku/python/bin/python; $python -c 'import ssl, sys; print(sys.version.split()[0])'
         $python -m pip install --no-index nothing 2>&1 | grep -o externally-managed || true; ls /app/.heroku",
    );
    assert_eq!(out, format!("{version}\npython\n"));
    let again = runtimes.python(&request(version), &stack).expect("stored");
    assert_eq!(again.origin, Origin::Stored, "there is nothing newer to download");
}

#[test]
fn a_failed_download_falls_back_to_the_machine_and_is_told_when_nothing_does() {
    let (version, prefix) = prefix();
    let newer = Version { patch: version.patch + 50, ..version };
    let dir = tempfile::tempdir().expect("temporary directory");
    let uv_environment = mirror(dir.path(), newer, "file:///nonexistent/python.tar.gz");
    let sources = Sources { uv: Some(uv()), uv_environment, prefixes: vec![prefix] };
    let runtimes = runtimes(dir.path(), sources);
    let stack = stack();
    let made = runtimes.python(&request(version), &stack).expect("made");
    assert_eq!(made.version, version);
    assert!(matches!(made.origin, Origin::Machine(_)));
    assert_eq!(runtimes.python(&request(version), &stack).expect("stored").origin, Origin::Stored);
    assert_eq!(runtimes.newest_known(version.major, version.minor), Some(newer));

    let exact = Request { patch: Some(newer.patch), ..request(newer) };
    let refused = runtimes.python(&exact, &stack).expect_err("cannot be downloaded");
    assert!(matches!(&refused, PythonError::Unavailable { download: Some(_), .. }), "{refused:?}");
}

#[test]
fn what_cannot_be_had_is_answered_with_what_can() {
    let (version, prefix) = prefix();
    let dir = tempfile::tempdir().expect("temporary directory");
    let runtimes = runtimes(dir.path(), Sources { prefixes: vec![prefix], ..Sources::default() });
    let wanted = Request { major: 3, minor: 99, patch: Some(1) };
    let refused = runtimes.python(&wanted, &stack()).expect_err("does not exist");
    assert_eq!(refused.to_string(), format!("Python 3.99.1 is not available here; there is: {version}"));
    assert!(matches!(refused, PythonError::Unavailable { available, .. } if available == [version]));
}

#[test]
fn a_damaged_stored_runtime_is_not_used_and_forgotten() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let runtimes = runtimes(dir.path(), Sources::default());
    let digest = Digest::of(b"what was stored");
    let image =
        dir.path().join(format!("runtimes/python-3.12.1-{}-{digest}.erofs", super::relocate::recipe()));
    std::fs::write(&image, "what a disk made of it").expect("written");
    let version = Version { major: 3, minor: 12, patch: 1 };
    assert_eq!(runtimes.available(), [version]);
    let refused = runtimes.python(&request(version), &stack()).expect_err("damaged");
    assert!(matches!(refused, PythonError::Import { cause: ImportError::Damaged { .. }, .. }), "{refused:?}");
    assert!(runtimes.available().is_empty());
}

#[test]
fn full_versions_only() {
    let version = Version { major: 3, minor: 12, patch: 6 };
    assert_eq!("3.12.6".parse(), Ok(version));
    assert_eq!(version.to_string(), "3.12.6");
    for text in ["", "3", "3.12", "3.12.6.1", "3.12.x", "3.13.0rc1", "+3.12.6", "3..6", "3.12.99999"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
    let newest = Request { major: 3, minor: 12, patch: None };
    let exact = Request { patch: Some(6), ..newest };
    assert!(newest.accepts(version) && exact.accepts(version));
    assert!(
        !exact.accepts(Version { patch: 7, ..version }) && !newest.accepts(Version { minor: 13, ..version })
    );
    assert_eq!((newest.to_string(), exact.to_string()), ("3.12".to_owned(), "3.12.6".to_owned()));
}
