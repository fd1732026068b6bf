use std::time::Duration;

use proptest::prelude::{Strategy, prop_assert, proptest};

use super::{CYCLE_AFTER, Dyno, DynoEvent, DynoKind, DynoName, DynoState, backoff};
use crate::id::{AppId, DynoId, ReleaseId};
use crate::time::Timestamp;

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

#[test]
fn dynos_are_cycled_after_a_day_and_not_all_at_once() {
    let dyno = |id: u128, state| Dyno {
        id: DynoId::from_u128(id),
        state,
        state_changed_at: Timestamp::from_micros(5),
        ..Dyno::new(
            AppId::new(),
            "web.1".parse().expect("a name"),
            ReleaseId::new(),
            Timestamp::from_micros(0),
        )
    };
    let due = |id| dyno(id, DynoState::Up).cycles_at().expect("a dyno that is up").as_micros();
    let day = i64::try_from(CYCLE_AFTER.as_micros()).expect("a day");
    assert_eq!(due(0), day + 5);
    assert_eq!(due(1_000), day + 5 + 1_000_000);
    for id in [u128::MAX, 0x8b1d_67f2_0000_4000_8000_1234_5678_9abc] {
        assert!((0..=216 * 60 * 1_000_000).contains(&(due(id) - day - 5)), "{id:x}");
    }
    assert_eq!(dyno(1, DynoState::Starting).cycles_at(), None);
}
