use std::fs;
use std::os::unix::fs::symlink;

use super::{ChoiceError, Root, choose};

fn names(names: &[&str]) -> Root {
    Root::of(&names.iter().map(|name| (*name, "")).collect::<Vec<_>>())
}

#[test]
fn python_is_told_by_any_of_its_signs() {
    for sign in ["requirements.txt", "manage.py", "venv/", "requirments.txt", "pyproject.toml"] {
        assert_eq!(choose(&[], &names(&["Procfile", sign])), Ok(()), "{sign}");
    }
    for other in ["Procfile", "venv", "package.json", "web.py"] {
        assert_eq!(choose(&[], &names(&[other])), Err(ChoiceError::NothingDetected), "{other}");
    }
}

#[test]
fn a_set_buildpack_must_be_pythons_and_find_python() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let python = names(&["requirements.txt"]);
    assert_eq!(choose(&set(&["heroku/python"]), &python), Ok(()));
    assert_eq!(choose(&set(&["https://github.com/heroku/heroku-buildpack-python"]), &python), Ok(()));
    let listing = vec!["Procfile".to_owned()];
    assert_eq!(
        choose(&set(&["heroku/python"]), &names(&["Procfile"])),
        Err(ChoiceError::NotCompatible { listing })
    );
    let unsupported = ChoiceError::Unsupported { name: "heroku/ruby".to_owned() };
    assert_eq!(choose(&set(&["heroku/ruby"]), &python), Err(unsupported));
    assert!(matches!(
        choose(&set(&["heroku/nodejs", "heroku/python"]), &python),
        Err(ChoiceError::Several { .. })
    ));
}

#[test]
fn looking_at_a_tree_reads_no_file_outside_of_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join("tree").join(name);
    fs::create_dir_all(at("bin")).expect("made");
    fs::write(dir.path().join("secret"), "python-3.12").expect("written");
    symlink("../secret", at("runtime.txt")).expect("linked");
    fs::write(at(".python-version"), "3.12").expect("written");
    fs::write(at("bin/post_compile"), "").expect("written");
    let root = Root::look(&at("")).expect("looked");
    assert_eq!(root.listing(), [".python-version", "bin/", "runtime.txt"]);
    assert!(root.has("bin/post_compile") && !root.has("bin/pre_compile") && !root.has("bin"));
    assert_eq!(root.text(".python-version").as_deref(), Some("3.12"));
    assert_eq!(root.text("runtime.txt"), None);
}
