use std::fs;

use super::{Postmaster, members, parse};

const TEXT: &str = "4711\n/srv/data\n1795359334\n5433\n/srv/run\n127.0.0.1\n  1234  5\nready   \n";

#[test]
fn the_pid_file_is_read() {
    assert_eq!(parse(TEXT), Some(Postmaster { pid: 4711, port: 5433 }));
    for text in ["", "4711", "x\n\n\n5433\n", "4711\na\nb\n", "0\na\nb\n5433\n", "-1\na\nb\n5433\n"] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

#[test]
fn a_pid_that_is_another_process_by_now_is_no_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let pid = std::process::id().to_string();
    fs::write(dir.path().join("postmaster.pid"), TEXT.replace("4711", &pid)).expect("written");
    assert_eq!(Postmaster::of(dir.path()), None);
    assert_eq!(members(dir.path()), Vec::<i32>::new());
}
