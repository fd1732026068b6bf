use model::config_var::ConfigVars;

use super::{INSTALLER_VAR, Installer, Manager, choose, installer};
use crate::buildpack::Root;

fn chosen(names: &[&str]) -> String {
    let files: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
    choose(&Root::of(&files)).map_or_else(|error| format!("{error:?}"), |manager| format!("{manager:?}"))
}

#[test]
fn one_package_managers_file_must_be_there() {
    let table: [&[&str]; 12] = [
        &["requirements.txt"],
        &["requirements.txt", "pyproject.toml", "setup.py"],
        &["uv.lock", "pyproject.toml"],
        &["poetry.lock"],
        &["Pipfile", "Pipfile.lock"],
        &["Pipfile"],
        &["setup.py"],
        &["manage.py", "app/"],
        &["requirements.txt/"],
        &["requirements.txt", "uv.lock", "Pipfile.lock"],
        &["requirements.txt", ".heroku/python/"],
        &["requirements.txt", ".venv/", ".venv/pyvenv.cfg"],
    ];
    let text: String = table.map(|names| format!("{}: {}\n", names.join(" "), chosen(names))).concat();
    insta::assert_snapshot!(text);
}

#[test]
fn a_config_var_chooses_plain_pip() {
    let with = |value: &str| ConfigVars::from([(INSTALLER_VAR.parse().expect("a key"), value.into())]);
    assert_eq!(installer(Manager::Pip, &ConfigVars::new()), Ok(Installer::UvPip));
    assert_eq!(installer(Manager::Pip, &with("uv")), Ok(Installer::UvPip));
    assert_eq!(installer(Manager::Pip, &with("pip")), Ok(Installer::Pip));
    assert!(installer(Manager::Pip, &with("conda")).is_err());
    assert_eq!(installer(Manager::Uv, &with("pip")), Ok(Installer::UvSync));
}
