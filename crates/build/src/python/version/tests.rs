use slug::runtime::{Request, Version};

use super::{Choice, choose, default};
use crate::buildpack::Root;
use crate::python::packages::Manager;

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn chosen(files: &[(&str, &str)], manager: Manager, last: Option<&str>) -> String {
    match choose(&Root::of(files), manager, last.map(version)) {
        Ok(Choice::Named(request, origin)) => format!("{request} by {origin}"),
        Ok(Choice::Unnamed) => "none".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn versions_are_read_in_herokus_order_of_precedence() {
    const LOCK: &str =
        r#"{"_meta": {"requires": {"python_version": "3.11", "python_full_version": "3.11.7"}}}"#;
    let pip = |files: &[(&str, &str)], last| chosen(files, Manager::Pip, last);
    let runtime = ("runtime.txt", "python-3.12.6\n");
    let file = (".python-version", "# ours\n\n  3.13  \r\n");
    let lock = ("Pipfile.lock", LOCK);
    assert_eq!(pip(&[runtime, file, lock], Some("3.10.1")), "3.12.6 by runtime.txt");
    assert_eq!(pip(&[file, lock], Some("3.10.1")), "3.13 by .python-version");
    assert_eq!(pip(&[lock], Some("3.10.1")), "3.11.7 by Pipfile.lock");
    assert_eq!(pip(&[("Pipfile.lock", "{}")], Some("3.10.1")), "3.10 by same as the last build");
    assert_eq!(pip(&[("pyproject.toml", "requires-python = '>=3.14'")], None), "none");
}

#[test]
fn what_is_not_a_supported_version_is_explained() {
    let pip = |name: &str, text: &str| chosen(&[(name, text)], Manager::Pip, None);
    let table = [
        ("runtime.txt", "3.12"),
        ("runtime.txt", "python-3.12.x"),
        ("runtime.txt", "python-3"),
        ("runtime.txt", "python-2.7.18"),
        ("runtime.txt", "python-3.9"),
        ("runtime.txt", "python-3.15"),
        ("runtime.txt", "python-4.0"),
        ("runtime.txt", "python-3.99999"),
        (".python-version", "# nothing\n"),
        (".python-version", "3.12\n3.13\n"),
        (".python-version", "python-3.12"),
        (".python-version", "3.12.1.1"),
        (".python-version", "3.+1"),
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", r#"{"_meta": {"requires": {"python_version": ">3"}}}"#),
        ("python-version", "3.12"),
        ("Runtime.txt", "python-3.12"),
    ];
    let text: String = table.map(|(name, text)| format!("{name} {text:?}: {}\n", pip(name, text))).concat();
    insta::assert_snapshot!(text);
}

#[test]
fn uv_wants_its_version_in_its_own_file() {
    assert_eq!(chosen(&[(".python-version", "3.12")], Manager::Uv, None), "3.12 by .python-version");
    assert_eq!(chosen(&[], Manager::Uv, Some("3.12.1")), "UvNeedsVersionFile");
    assert_eq!(chosen(&[("runtime.txt", "python-3.12")], Manager::Uv, None), "UvIgnoresRuntimeTxt");
}

#[test]
fn the_default_is_a_series_that_can_be_had() {
    let default = |versions: &[&str]| {
        let versions: Vec<Version> = versions.iter().map(|text| version(text)).collect();
        let Request { major, minor, patch } = default(&versions);
        assert_eq!((major, patch), (3, None));
        minor
    };
    assert_eq!(default(&["3.10.1", "3.12.1", "3.13.0", "3.14.0"]), 13);
    assert_eq!(default(&["3.10.1", "3.12.1", "3.14.0"]), 12);
    assert_eq!(default(&["3.8.1", "3.10.1", "3.11.9", "3.15.0"]), 11);
    assert_eq!(default(&["3.8.1", "3.15.0"]), 13);
    assert_eq!(default(&[]), 13);
}
