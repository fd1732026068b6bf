use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use super::{PUSH_VAR, QUARANTINE_VAR, SOCKET_VAR, pre_receive};
use crate::ask::{end, text_head};
use crate::words;

fn vars(socket: &Path) -> impl Fn(&str) -> Option<OsString> {
    let socket = socket.to_owned();
    move |name| match name {
        SOCKET_VAR => Some(socket.clone().into()),
        PUSH_VAR => Some("a-push".into()),
        QUARANTINE_VAR => Some("/quarantine".into()),
        _ => None,
    }
}

/// Runs the hook against a server that reads the question and answers with `answer`.
fn run(answer: Vec<u8>) -> (u8, String, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let socket = dir.path().join("socket");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the hook calls");
        let mut len = [0; 4];
        stream.read_exact(&mut len).expect("a length");
        let mut question = vec![0; u32::from_be_bytes(len) as usize];
        stream.read_exact(&mut question).expect("a question");
        stream.write_all(&answer).expect("the hook listens");
        String::from_utf8(question).expect("text")
    });
    let mut out = Vec::new();
    let code = pre_receive(vars(&socket), "old new ref\n".as_bytes(), &mut out);
    let question = server.join().expect("the server ends");
    (code, String::from_utf8(out).expect("text"), question)
}

#[test]
fn the_question_is_passed_on_and_the_answer_printed() {
    let answer = [&text_head(3)[..], b"a\nb", &text_head(0), &text_head(1), b"\n", &end(0)].concat();
    let (code, out, question) = run(answer);
    assert_eq!((code, out.as_str()), (0, "a\nb\n"));
    assert_eq!(question, "a-push\n/quarantine\nold new ref\n");
}

#[test]
fn without_a_verdict_the_push_is_refused() {
    let (code, out, _) = run([&text_head(2)[..], b"a\n"].concat());
    assert_eq!((code, out), (1, format!("a\n{}", words::SERVER_LOST)));
    let (code, out, _) = run(vec![9; 5]);
    assert_eq!((code, out.as_str()), (1, words::SERVER_LOST));
    assert_eq!(run(end(3).to_vec()).0, 3);
}

#[test]
fn a_hook_without_a_server_or_a_push_refuses() {
    let mut out = Vec::new();
    assert_eq!(pre_receive(vars(Path::new("/nonexistent/socket")), "".as_bytes(), &mut out), 1);
    assert_eq!(out, words::NO_SERVER.as_bytes());
    let mut out = Vec::new();
    assert_eq!(pre_receive(|_| None, "".as_bytes(), &mut out), 1);
    assert_eq!(out, words::NOT_A_HOOK.as_bytes());
    let mut out = Vec::new();
    assert_eq!(pre_receive(vars(Path::new("/nonexistent/socket")), std::io::repeat(b'x'), &mut out), 1);
    assert_eq!(out, words::TOO_MANY_REFERENCES.as_bytes());
}
