use std::fs;

use super::Requirements;
use crate::folder::Folder;

fn read(files: &[(&str, &str)]) -> Requirements {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    Requirements::read(&Folder::walk(dir.path()))
}

#[test]
fn names_are_found_however_they_are_spelt() {
    let found = read(&[
        (
            "requirements.txt",
            "# x\nDjango == 4.2.25 # the site\ndj_database.URL\n-r deps/more.txt\n--no-binary x\n",
        ),
        ("deps/more.txt", "-r last.txt\nuvicorn[standard]~=0.30; python_version > '3.8'\n"),
        ("deps/last.txt", "gunicorn>=20,<24 \\\n  --hash=sha256:00\n"),
    ]);
    assert!(found.exist && found.complete);
    assert!(
        found.has("django") && found.has("dj-database-url") && found.has("gunicorn") && found.has("Uvicorn")
    );
    assert!(!found.has("x") && found.has_any("dj"));
    assert_eq!(found.series("Django"), Some((4, 2)));
    assert_eq!(found.series("uvicorn"), Some((0, 30)));
    assert_eq!(found.series("gunicorn"), None, "not fixed");
}

#[test]
fn what_has_no_name_makes_the_list_incomplete() {
    for line in
        ["-e .", "./lib", "git+https://example.com/x.git", "x @ https://example.com/x.whl", "-r gone.txt"]
    {
        let found = read(&[("requirements.txt", &format!("django\n{line}\n"))]);
        assert!(found.exist && !found.complete && found.has("django"), "{line}");
    }
    let endless = read(&[("requirements.txt", "-r requirements.txt\n")]);
    assert!(endless.complete);
}

#[test]
fn other_managers() {
    let lock = read(&[("uv.lock", "version = 1\n\n[[package]]\nname = \"django\"\nversion = \"5.1.2\"\n")]);
    assert_eq!((lock.complete, lock.series("django")), (true, Some((5, 1))));
    assert!(read(&[("Pipfile", "")]).exist);
    assert!(!read(&[("Pipfile", "")]).complete);
    assert!(!read(&[("app.py", "")]).exist);
}
