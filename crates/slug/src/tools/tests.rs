use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use super::{ToolError, command, find, output};

#[test]
fn a_program_ends_with_the_thread_that_started_it() {
    let (mut child, printed) = std::thread::spawn(|| {
        let mut command = command("sh", Duration::from_secs(3600));
        let mut child =
            command.args(["-c", "echo ready; exec sleep 3600"]).stdout(Stdio::piped()).spawn().expect("runs");
        let mut printed = child.stdout.take().expect("piped");
        printed.read_exact(&mut [0; 6]).expect("says that it is ready");
        (child, printed)
    })
    .join()
    .expect("no panic");
    assert!(!child.wait().expect("ended").success());
    let _ = (printed, child);
}

#[test]
fn a_program_over_its_limit_is_ended_with_its_children() {
    let mut command = command("sh", Duration::from_secs(1));
    // `output` returns only when nobody holds the pipe any more, the grandchild included.
    let ended = output("sh", command.args(["-c", "echo waiting >&2; sleep 3600 & wait"]))
        .expect_err("over its limit");
    let ToolError::Failed { status, tail, .. } = ended else { unreachable!("it did start") };
    assert_eq!((status.code(), tail.as_str()), (Some(124), "waiting"));
}

#[test]
fn programs_are_found_where_configured_then_in_the_search_path() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let at = |name: &str| dir.path().join(name);
    for (name, mode) in [("a/uv", 0o644), ("b/uv", 0o755), ("own-uv", 0o755)] {
        fs::create_dir_all(at(name).parent().expect("has one")).expect("mkdir");
        fs::write(at(name), "").expect("write");
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).expect("chmod");
    }
    let search: OsString = std::env::join_paths([at("a"), at("b"), ".".into()]).expect("joined");
    assert_eq!(find("uv", None, &search), Some(at("b/uv")), "what cannot be executed is passed over");
    assert_eq!(find("uv", Some(&at("own-uv")), &search), Some(at("own-uv")));
    assert_eq!(find("uv", Some(&at("absent")), &search), Some(at("b/uv")));
    assert_eq!(find("uvx", None, &search), None);
}
