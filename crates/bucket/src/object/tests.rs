use std::fs::{self, OpenOptions};

use super::*;

fn meta(key: &str, size: u64) -> Meta {
    Meta { key: key.to_owned(), size, etag: "e".to_owned(), ..Meta::default() }
}

#[test]
fn a_file_tells_of_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("o");
    fs::write(&path, b"hello").expect("written");
    let mut file = OpenOptions::new().append(true).open(&path).expect("opened");
    let mut told = meta("a/b.txt", 5);
    told.user.insert("colour".to_owned(), "blå".to_owned());
    describe(&mut file, &told).expect("described");
    assert_eq!(read(&File::open(&path).expect("opened")).expect("read"), told);
}

#[test]
fn what_is_cut_off_or_foreign_is_no_object() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("o");
    fs::write(&path, b"hello").expect("written");
    let mut file = OpenOptions::new().append(true).open(&path).expect("opened");
    describe(&mut file, &meta("k", 5)).expect("described");
    let whole = fs::read(&path).expect("read");
    for cut in [0, 3, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).expect("written");
        assert!(read(&File::open(&path).expect("opened")).is_err(), "cut to {cut}");
    }
    let mut longer = b"xx".to_vec();
    longer.extend(&whole);
    fs::write(&path, longer).expect("written");
    assert!(read(&File::open(&path).expect("opened")).is_err(), "its size does not fit");
}

#[test]
fn no_key_is_a_path() {
    for key in ["../../etc/passwd", "/", "a\0b", &"x".repeat(1024)] {
        let name = file_name(key);
        assert!(name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    }
    assert_ne!(file_name("a/b"), file_name("a//b"));
}
