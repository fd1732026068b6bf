use super::*;

#[test]
fn the_last_message_of_a_log_is_found_in_either_form() {
    let dir = tempfile::tempdir().expect("folder");
    let log = dir.path().join("log");
    assert_eq!(last_message(&log), None);
    fs::write(&log, "{\"msg\":\"first\"}\n{\"level\":\"error\",\"msg\":\"open `x`: gone\"}\n\n")
        .expect("log");
    assert_eq!(last_message(&log).as_deref(), Some("open `x`: gone"));
    fs::write(&log, "plain words\n").expect("log");
    assert_eq!(last_message(&log).as_deref(), Some("plain words"));
}

#[test]
fn a_missing_program_is_not_found() {
    assert_eq!(find_program("no-such-runtime"), None);
    assert!(find_program("sh").is_some());
}
