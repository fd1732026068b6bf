//! What a one-off's request becomes.

use std::collections::BTreeMap;

use model::procfile::Procfile;
use wire::{DynoRequest, Flag, Text};

use super::{Wish, expand};

fn request(env: &[(&str, &str)]) -> DynoRequest {
    let env: BTreeMap<_, _> =
        env.iter().map(|(key, value)| ((*key).to_owned(), Text::from(*value))).collect();
    DynoRequest { command: "bash".to_owned(), attach: Some(Flag(true)), env, ..DynoRequest::default() }
}

#[test]
fn a_process_type_stands_for_its_command() {
    let processes = Procfile::parse("worker: python work.py -v\nweb: serve\n");
    assert_eq!(expand("worker", &processes), "python work.py -v");
    assert_eq!(expand("worker --once now", &processes), "python work.py -v --once now");
    assert_eq!(expand("workers", &processes), "workers");
    assert_eq!(expand("echo web", &processes), "echo web");
}

#[test]
fn an_attached_dyno_has_the_client_s_terminal_unless_it_wants_none() {
    let window = |request: DynoRequest| {
        let wish = Wish::read(request).expect("a good request");
        wish.attach.expect("attached").window
    };
    assert_eq!(window(request(&[("COLUMNS", "120"), ("LINES", "40")])), Some((120, 40)));
    assert_eq!(window(request(&[("TERM", "xterm")])), Some((80, 24)));
    assert_eq!(window(request(&[("COLUMNS", "wide")])), Some((80, 24)));
    assert_eq!(window(DynoRequest { force_no_tty: Some(Flag(true)), ..request(&[]) }), None);
    let detached = Wish::read(DynoRequest { attach: None, ..request(&[]) }).expect("a good request");
    assert_eq!(detached.attach, None);
}

#[test]
fn too_much_is_refused() {
    let long = "x".repeat(70_000);
    assert!(Wish::read(request(&[("BIG", &long)])).is_err());
    assert!(Wish::read(DynoRequest { command: long, ..request(&[]) }).is_err());
}
