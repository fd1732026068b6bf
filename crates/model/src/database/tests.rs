use super::{Reset, ResetEvent, Rotation, RotationEvent, Standing, StandingEvent};
use crate::time::Timestamp;

#[test]
fn a_rotation_ends_where_it_began_and_can_only_be_hurried() {
    let asked = Rotation::Settled.on(RotationEvent::Ask { forced: false }).expect("it can be asked for");
    assert_eq!(asked.on(RotationEvent::Ask { forced: false }), Ok(asked), "asking twice is asking once");
    let overlap = asked.on(RotationEvent::Switched).expect("both work");
    assert_eq!(overlap, Rotation::Overlap { forced: false });
    let hurried = overlap.on(RotationEvent::Ask { forced: true }).expect("it can be hurried");
    assert_eq!(hurried.on(RotationEvent::Ask { forced: false }), Ok(hurried), "and stays so");
    assert_eq!(hurried.on(RotationEvent::Retired), Ok(Rotation::Settled));
    for (from, event) in [
        (Rotation::Settled, RotationEvent::Switched),
        (Rotation::Settled, RotationEvent::Retired),
        (asked, RotationEvent::Retired),
        (overlap, RotationEvent::Switched),
    ] {
        assert!(from.on(event).is_err(), "{from:?} {event:?}");
    }
    for rotation in Rotation::ALL {
        assert_eq!(Rotation::from_word(rotation.as_str()), Some(rotation));
    }
}

#[test]
fn a_reset_knows_what_it_replaces_before_it_begins() {
    let asked = Reset::None.on(ResetEvent::Ask).expect("it can be asked for");
    assert!(asked.clone().on(ResetEvent::Done).is_err(), "nothing was replaced yet");
    let begun = asked.on(ResetEvent::Found { identity: 7 }).expect("found");
    assert_eq!(begun.clone().on(ResetEvent::Ask), Ok(begun.clone()));
    assert!(begun.clone().on(ResetEvent::Found { identity: 8 }).is_err(), "a newer one is left alone");
    assert_eq!(begun.on(ResetEvent::Done), Ok(Reset::None));
}

#[test]
fn who_is_over_is_given_time_and_who_complies_is_free_again() {
    let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
    let over = Standing::Within.on(StandingEvent::Exceeded { at: at(1) }).expect("over");
    let later = StandingEvent::Exceeded { at: at(9) };
    assert_eq!(over.on(later), Ok(over), "its time runs from the first look");
    let restricted = over.on(StandingEvent::GraceEnded).expect("restricted");
    assert_eq!((restricted, restricted.on(later)), (Standing::Restricted { since: at(1) }, Ok(restricted)));
    for standing in [Standing::Within, over, restricted] {
        assert_eq!(standing.on(StandingEvent::Complied), Ok(Standing::Within));
        assert_eq!(Standing::from_word(standing.as_str(), standing.since()), Some(standing));
    }
    assert!(Standing::Within.on(StandingEvent::GraceEnded).is_err());
    assert_eq!(Standing::from_word("over", None), None);
}
