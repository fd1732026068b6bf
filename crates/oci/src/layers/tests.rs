//! Mounting needs root, as everything in this crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Layers, is_mounted};
use crate::spec::Layer;

/// An image with one file that holds `text`.
fn image(dir: &Path, name: &str, text: &str) -> PathBuf {
    let tree = dir.join(format!("tree-{name}"));
    fs::create_dir_all(&tree).expect("a folder");
    fs::write(tree.join("file"), text).expect("a file");
    let image = dir.join(name);
    let made = Command::new("mkfs.erofs").arg("--quiet").arg(&image).arg(&tree).output();
    assert!(made.expect("mkfs.erofs").status.success());
    image
}

fn place(layer: Layer) -> PathBuf {
    match layer {
        Layer::Dir(place) => place,
        Layer::Erofs(image) => panic!("{} is not shared", image.display()),
    }
}

#[test]
fn an_image_is_mounted_once_until_it_has_gone() {
    let dir = tempfile::tempdir().expect("a folder");
    let (one, two) = (image(dir.path(), "one-3.12.1.erofs", "1"), image(dir.path(), "one-3.12.2.erofs", "2"));
    let layers = Layers::open(&dir.path().join("layers")).expect("layers");
    let first = place(layers.layer(&one).expect("mounted"));
    let second = place(layers.layer(&two).expect("mounted"));
    assert_eq!(place(layers.layer(&one).expect("mounted")), first);
    assert_eq!(fs::read_to_string(first.join("file")).expect("a file"), "1");
    assert_eq!(fs::read_to_string(second.join("file")).expect("a file"), "2");

    // As after a server that was killed.
    let layers = Layers::open(&dir.path().join("layers")).expect("layers");
    assert_eq!(place(layers.layer(&one).expect("mounted")), first);
    fs::remove_file(&one).expect("removed");
    layers.sweep().expect("swept");
    assert!(!first.exists() && is_mounted(&second));
    layers.close().expect("closed");
    assert_eq!(fs::read_dir(dir.path().join("layers")).expect("a folder").count(), 0);
}

#[test]
fn what_is_no_image_is_told_with_its_path() {
    let dir = tempfile::tempdir().expect("a folder");
    let layers = Layers::open(&dir.path().join("layers")).expect("layers");
    let missing = dir.path().join("missing.erofs");
    let error = layers.layer(&missing).expect_err("nothing to mount").to_string();
    assert!(error.contains("missing.erofs"), "{error}");
    layers.close().expect("closed");
    assert_eq!(fs::read_dir(dir.path().join("layers")).expect("a folder").count(), 0);
}
