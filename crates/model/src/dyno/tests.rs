use std::time::Duration;

use proptest::prelude::{Strategy, prop_assert, proptest};

use super::{DynoEvent, DynoKind, DynoName, DynoState, backoff};

const EVENTS: [DynoEvent; 5] =
    [DynoEvent::Ready, DynoEvent::Exited, DynoEvent::BootTimedOut, DynoEvent::Retry, DynoEvent::Stop];

#[test]
fn names_are_type_and_number() {
    let name: DynoName = "web.12".parse().expect("a name");
    assert_eq!((name.kind.as_str(), name.number), ("web", 12));
    for bad in ["web", "web.", ".1", "web.x", "web.-1", ""] {
        assert!(bad.parse::<DynoName>().is_err(), "{bad}");
    }
}

#[test]
fn a_crash_is_retried_at_once_then_ever_later() {
    assert_eq!(backoff(1), Duration::ZERO);
    let waits: Vec<_> = (1..40).map(backoff).collect();
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
    assert_eq!(waits.last(), Some(&Duration::from_secs(320 * 60)));
}

#[test]
fn a_one_off_never_crashes() {
    let up = DynoState::Starting.on(DynoKind::Run, DynoEvent::Ready).expect("runs");
    assert_eq!(up.on(DynoKind::Run, DynoEvent::Exited), Ok(DynoState::Complete));
    assert!(DynoState::Crashed.on(DynoKind::Run, DynoEvent::Retry).is_err());
}

fn events() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..EVENTS.len(), 0..30)
}

proptest! {
    #[test]
    fn whatever_happens_the_end_is_the_end(steps in events(), one_off: bool) {
        let kind = if one_off { DynoKind::Run } else { DynoKind::Formation };
        let mut state = DynoState::Starting;
        for step in steps {
            let was_over = state.is_over();
            if let Ok(next) = state.on(kind, EVENTS[step]) {
                prop_assert!(!was_over);
                prop_assert!(!(one_off && next == DynoState::Crashed));
                prop_assert!(one_off || next != DynoState::Complete);
                state = next;
            }
        }
    }
}
