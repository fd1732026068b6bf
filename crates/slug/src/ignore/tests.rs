use std::fs;
use std::path::Path;

use super::{Patterns, apply};

#[test]
fn patterns_read_like_gitignore() {
    let matches = |pattern: &str, path: &str, is_directory| {
        Patterns::parse(pattern.as_bytes()).matches(Path::new(path), is_directory)
    };
    for (pattern, path) in [
        ("*.psd", "a.psd"),
        ("*.psd", "art/deep/.hidden.psd"),
        ("/spec", "spec"),
        ("docs/*.md", "docs/a.md"),
        ("docs/**", "docs/a/b.md"),
        ("a/**/z", "a/z"),
        ("a/**/z", "a/b/c/z"),
        ("**/node_modules", "x/node_modules"),
        ("file?.tx[st]", "file1.txt"),
        ("[a-c]*", "bee"),
        ("[!a-c]*", "dee"),
        ("[]]", "]"),
        ("\\*", "*"),
        ("a[b", "a[b"),
        ("  spaced.txt \r", "spaced.txt"),
        ("./rooted", "rooted"),
    ] {
        assert!(matches(pattern, path, false), "{pattern} should match {path}");
    }
    for (pattern, path) in [
        ("/spec", "lib/spec"),
        ("docs/*.md", "docs/a/b.md"),
        ("docs/**", "docs"),
        ("docs/a", "x/docs/a"),
        ("# comment", "# comment"),
        ("!kept", "!kept"),
        ("!kept", "kept"),
        ("logs/", "logs"), // a file of that name
        ("*", ""),
        ("**", "a"),
        ("/", "a"),
        ("../a", "a"),
        ("[a-c]x", "dx"),
        ("?", ""),
    ] {
        assert!(!matches(pattern, path, false), "{pattern} should not match {path}");
    }
    assert!(matches("logs/", "var/logs", true), "a directory at any depth");
}

#[test]
fn hostile_patterns_cost_little() {
    let stars = format!("{}b", "*a".repeat(200));
    assert!(!Patterns::parse(stars.as_bytes()).matches(Path::new(&"a".repeat(255)), false));
    let deep = format!("{}b", "**/a/".repeat(200));
    assert!(!Patterns::parse(deep.as_bytes()).matches(Path::new(&"a/".repeat(2000)), false));
    let many_lines = "a*\n".repeat(super::PATTERNS_MAX + 5);
    assert_eq!(Patterns::parse(many_lines.as_bytes()).0.len(), super::PATTERNS_MAX);
}

#[test]
fn matching_files_are_removed_and_counted_and_links_not_followed() {
    let outside = tempfile::tempdir().expect("temporary directory");
    fs::write(outside.path().join("keep.psd"), "x").expect("write");
    let tree = tempfile::tempdir().expect("temporary directory");
    let at = |path: &str| tree.path().join(path);
    fs::create_dir_all(at("art/big")).expect("mkdir");
    fs::create_dir_all(at("spec/unit")).expect("mkdir");
    for file in ["a.psd", "art/b.psd", "art/big/c.txt", "spec/unit/x.rb", "spec/y.rb", "app.py"] {
        fs::write(at(file), "x").expect("write");
    }
    std::os::unix::fs::symlink(outside.path(), at("link")).expect("link");
    std::os::unix::fs::symlink(outside.path(), at("spec/unit/link")).expect("link");
    assert_eq!(apply(tree.path()).expect("nothing to do"), None);

    fs::write(at(".slugignore"), "*.psd\n/spec\n").expect("write");
    assert_eq!(apply(tree.path()).expect("applied"), Some(3), "two files and one directory");
    assert!(!at("a.psd").exists() && !at("art/b.psd").exists() && !at("spec").exists());
    assert!(at("art/big/c.txt").exists() && at("app.py").exists() && at("link").exists());
    assert!(outside.path().join("keep.psd").exists(), "nothing behind a link is touched");
}
