use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proptest::prelude::{any, proptest};

use super::{DIAGNOSES_MAX, End, Listener, Listens, Trouble, diagnose};

const COMMAND: &str = "gunicorn eventsit.wsgi --log-file -";

/// The last words of real processes (Django 4.2, gunicorn 23, psycopg2 2.9, PostgreSQL 15), each with what it is told.
#[test]
fn real_last_words_are_told_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnosis/texts");
    let mut files: Vec<_> = fs::read_dir(folder).expect("the texts").flatten().map(|it| it.path()).collect();
    files.sort();
    let mut told = String::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        let name = file.file_stem().expect("a name").to_string_lossy();
        let diagnosis = diagnose(&text, COMMAND).unwrap_or_else(|| panic!("{name} is not known:\n{text}"));
        let _ =
            writeln!(told, "{name}: {:?} {}\n{}\n", diagnosis.trouble, diagnosis.about, diagnosis.lines());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_not_known_is_not_told() {
    for harmless in [
        "GET /error?x=Error HTTP/1.1 404",
        "Error: something else",
        "KeyError: 'NAME'",
        "ValueError: invalid literal for int() with base 10: 'x'",
        "the cache is not set",
        "WARNING EMAIL_HOST is not set, mails are printed",
        "INFO the user does not exist",
        "Not Found: /favicon.ico",
        "WARNING django.request Not Found: /relation does not exist",
        "raise KeyError(key) from None",
        "[INFO] Listening at: http://0.0.0.0:5000 (1)",
        "",
    ] {
        assert_eq!(diagnose(harmless, COMMAND), None, "{harmless}");
    }
}

#[test]
fn a_trouble_is_told_once_in_a_life() {
    let mut listener = Listener::new(COMMAND, true);
    let line = |host: usize| {
        format!("Invalid HTTP_HOST header: 'h{host}'. You may need to add 'h{host}' to ALLOWED_HOSTS.")
    };
    assert!(listener.line(&line(0)).is_some());
    assert_eq!(listener.line(&line(0)), None);
    let told = (1..200).filter(|host| listener.line(&line(*host)).is_some()).count();
    assert_eq!(told, DIAGNOSES_MAX - 1, "a scanner with many hosts does not fill the log");
}

#[test]
fn an_end_tells_what_no_line_did() {
    let end = |end| Listener::new("python web.py", true).end(end).map(|it| (it.trouble, it.cause));
    let trouble = |it: End| end(it).map(|(trouble, _)| trouble);
    assert_eq!(trouble(End::Status(127)), Some(Trouble::ProgramMissing));
    assert_eq!(trouble(End::Status(0)), Some(Trouble::Ended));
    assert_eq!(trouble(End::Status(1)), None);
    assert_eq!(trouble(End::Memory), Some(Trouble::Memory));
    assert_eq!(trouble(End::NotListening(Listens::Nowhere)), Some(Trouble::NotListening));
    assert_eq!(trouble(End::NotListening(Listens::Loopback(5000))), Some(Trouble::Address));
    let (port, cause) = end(End::NotListening(Listens::Port(8000))).expect("a diagnosis");
    assert!(port == Trouble::Port && cause.contains("port 8000"), "{cause}");

    let mut known = Listener::new("python web.py", true);
    known.line("ModuleNotFoundError: No module named 'flask'");
    assert_eq!(known.end(End::Status(1)), None);
    assert_eq!(known.last().map(|it| it.about.as_str()), Some("flask"));
    assert_eq!(Listener::new("python job.py", false).end(End::Status(0)), None, "a worker may end");
}

#[test]
fn foreign_text_is_short_and_clean_in_our_lines() {
    let line = |length| format!("ModuleNotFoundError: No module named 'a\u{1b}[31m{}'", "x".repeat(length));
    assert_eq!(diagnose(&line(500), ""), None, "that is no name");
    let told = diagnose(&line(50), "").expect("a diagnosis");
    assert!(!told.about.contains('\u{1b}'));
    assert!(!told.to_string().contains('\u{1b}') && told.to_string().len() < 700, "{told}");
}

proptest! {
    #[test]
    fn any_line_is_taken(line in any::<String>(), command in any::<String>()) {
        let mut listener = Listener::new(&command, true);
        for start in ["", "No module named '", "relation \"", "connection to server at ", "KeyError: ", "Set the ",
            "Invalid HTTP_HOST header: '", "column ", " does not exist Error ", "no such table: "] {
            listener.line(&format!("Error {start}{line}"));
            listener.line(&format!("Error {start}{line}' is not set: command not found"));
        }
    }
}
