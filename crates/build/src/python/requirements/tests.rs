use std::collections::BTreeMap;
use std::path::Path;

use super::{FILES_MAX, Requirements, read};

fn found(files: &[(&str, &str)]) -> Requirements {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    read(|path: &Path| files.get(path.to_str()?).map(|text| text.as_bytes().to_vec()))
}

#[test]
fn a_line_tells_whether_it_is_pinned_and_whether_it_needs_the_source() {
    let lines = [
        "Django==4.2.25",
        "Django == 4.2.25 ; python_version < '3.13'",
        "uvicorn[standard]==0.30.1 --hash=sha256:00",
        "a==1  # why",
        "a===1",
        "Django",
        "Django>=4.2",
        "a==1.*",
        "a==1,!=2",
        "https://example.com/a-1.0.tar.gz",
        "git+https://example.com/a.git@v1#egg=a",
        "a @ https://example.com/a-1.0-py3-none-any.whl",
        "a @ git+ssh://git@example.com/a.git",
        "-e .",
        "--editable=./a",
        ".",
        "./wheels/a-1.0-py3-none-any.whl",
        "wheels/a-1.0-py3-none-any.whl",
        "libs/a",
        "file:///app/a",
        "${TOKEN_URL}",
        "-f ./wheels",
        "-f https://example.com/wheels/",
        "--index-url https://example.com/simple",
        "--extra-index-url=https://example.com/simple",
        "--only-binary :all:",
        "--no-such-option",
        "-r missing.txt",
        "-r https://example.com/requirements.txt",
        "-r ../outside.txt",
    ];
    let told = |line: &str| {
        let found = found(&[("requirements.txt", line)]);
        let words = [
            format!("{} package(s)", found.packages),
            if found.all_pinned && found.packages > 0 { "pinned".to_owned() } else { String::new() },
            if found.needs_source { "needs the source".to_owned() } else { String::new() },
        ];
        format!("{line:<50} {}", words.join(" ").trim_end())
    };
    insta::assert_snapshot!(lines.map(|line| told(line) + "\n").concat());
}

#[test]
fn included_files_belong_to_it_from_where_they_are() {
    let files = [
        ("requirements.txt", "-r requirements/production.txt\n-cconstraints.txt\n"),
        ("requirements/production.txt", "-r base.txt\ngunicorn==23.0.0\n"),
        ("requirements/base.txt", "-r ../requirements.txt\nDjango==4.2.25\n"),
        ("constraints.txt", "asgiref<4\nunused==1\n"),
        ("other.txt", "other\n"),
    ];
    let found = found(&files);
    let names: Vec<&Path> = found.files.keys().map(AsRef::as_ref).collect();
    let expected =
        ["constraints.txt", "requirements/base.txt", "requirements/production.txt", "requirements.txt"];
    assert_eq!(names, expected.map(Path::new));
    assert_eq!((found.packages, found.all_pinned, found.needs_source), (2, true, false));
}

#[test]
fn continued_lines_and_comments_are_read_as_pip_reads_them() {
    let text = "\u{feff}# comment\n  # indented\n\na==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb==2 # c\r\n";
    let found = found(&[("requirements.txt", text)]);
    assert_eq!((found.packages, found.all_pinned, found.needs_source), (2, true, false));
    let none = self::found(&[("requirements.txt", "# the standard library is enough\n")]);
    assert_eq!((none.packages, none.needs_source), (0, false));
}

#[test]
fn a_chain_of_includes_has_an_end() {
    let files = |path: &Path| {
        let number: usize = path.to_str()?.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
        Some(format!("-r r{}.txt\n", number + 1).into_bytes())
    };
    let found = read(files);
    assert_eq!(found.files.len(), FILES_MAX);
    assert!(found.needs_source, "the rest is the installer's to judge");
}
