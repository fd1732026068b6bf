use std::fs::File;

use super::{first_of, guarded, last_of, option, run};
use crate::backup::failure::TransferError;

#[tokio::test]
async fn programs_run_as_nobody_with_nothing_of_ours() {
    let mut command = guarded("/bin/sh".into());
    command.args(["-c", "id -u; env | sort; echo complaint >&2"]).stdout(std::process::Stdio::piped());
    let printed = String::from_utf8(run("sh", command).await.expect("it runs")).expect("text");
    let mut lines: Vec<&str> = printed.lines().filter(|line| !line.starts_with("PWD=")).collect();
    lines.retain(|line| !line.starts_with("_=") && !line.starts_with("OLDPWD") && !line.starts_with("SHLVL"));
    assert_eq!(lines[1..], ["LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"]);
    if nix::unistd::geteuid().is_root() {
        assert_eq!(lines[0], "65534");
    }
}

#[tokio::test]
async fn a_program_that_fails_is_quoted_and_a_full_disk_is_named() {
    let fails = async |script: &str| {
        let mut command = guarded("/bin/sh".into());
        command.args(["-c", script]).stdout(File::options().write(true).open("/dev/full").expect("a device"));
        run("pg_dump", command).await.expect_err("it fails").told()
    };
    assert_eq!(fails("echo 'no such table' >&2; exit 1").await, "pg_dump failed: no such table");
    assert_eq!(fails("exit 3").await, "pg_dump failed: it ended with exit status: 3");
    let full = "The disk on which this platform keeps backups is full (pg_dump could not write).";
    assert_eq!(fails("cat /etc/passwd").await, full);
    let missing = run("pg_dump", guarded("/nowhere/pg_dump".into())).await.expect_err("it fails");
    assert!(matches!(missing, TransferError::Program { .. }));
}

#[tokio::test]
async fn streams_are_read_to_their_end_and_cut_to_their_limit() {
    assert_eq!(first_of(&b"0123456789"[..], 4).await.expect("read"), b"0123");
    assert_eq!(last_of(&b"0123456789"[..], 4).await.expect("read"), b"6789");
    assert_eq!(option(r"a b\c"), r"a\ b\\c");
}
