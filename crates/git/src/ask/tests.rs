use model::id::BuildId;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{Ask, FRAME_BYTES_MAX, Frame, Malformed, Oid, end, frame, text_head};

fn text(lines: &str) -> Vec<u8> {
    format!("{}\n/repos/a.git/objects/tmp_objdir-incoming-1\n{lines}", BuildId::from_u128(7)).into_bytes()
}

#[test]
fn a_hooks_question_is_read() {
    let (old, new) = ("0".repeat(40), "ab".repeat(20));
    let ask = Ask::parse(&text(&format!("{old} {new} refs/heads/main\n"))).expect("a good question");
    assert_eq!(ask.push, BuildId::from_u128(7));
    let [update] = ask.updates.as_slice() else { panic!("one reference") };
    assert!(update.old.is_none() && !update.new.is_none());
    assert_eq!((update.new.short(), update.name.as_str()), ("abababa", "refs/heads/main"));
}

#[test]
fn what_is_not_a_question_is_refused() {
    let oid = "1".repeat(40);
    assert_eq!(Ask::parse(b""), Err(Malformed("no push id")));
    assert_eq!(Ask::parse(b"nobody\n/x\n"), Err(Malformed("no push id")));
    for line in
        ["\n", "x y z\n", &format!("{oid} {oid}\n"), &format!("{oid} {oid} \n"), &format!("{oid} 12 r\n")]
    {
        assert_eq!(Ask::parse(&text(line)), Err(Malformed("no reference line")), "{line:?}");
    }
    assert!(Oid::parse(&"G".repeat(40)).is_none());
}

#[test]
fn answers_come_in_pieces_that_say_their_length() {
    assert_eq!(frame(text_head(3)), Some(Frame::Text(3)));
    assert_eq!(frame(text_head(FRAME_BYTES_MAX + 1)), None);
    let [head @ .., code] = end(9);
    assert_eq!((frame(head), code), (Some(Frame::End), 9));
    assert_eq!(frame([2, 0, 0, 0, 1]), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, head: [u8; 5]) {
        if let Ok(ask) = Ask::parse(&bytes) {
            prop_assert!(ask.updates.iter().all(|update| update.old.as_str().len() == 40));
        }
        if let Some(Frame::Text(len)) = frame(head) {
            prop_assert!(len <= FRAME_BYTES_MAX);
        }
    }

    #[test]
    fn reference_names_are_kept(name in "[^\n ][^\n]{0,40}", id in any::<u128>()) {
        let oid = "c".repeat(40);
        let bytes = format!("{}\n/q\n{oid} {oid} {name}\n", BuildId::from_u128(id));
        let ask = Ask::parse(bytes.as_bytes()).expect("a good question");
        prop_assert_eq!(&ask.updates[0].name, &name);
    }
}
