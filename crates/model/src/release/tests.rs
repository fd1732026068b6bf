use super::{ReleaseEvent, ReleaseStatus, ReleaseVersion};

const EVENTS: [ReleaseEvent; 7] = [
    ReleaseEvent::Begin { command: true },
    ReleaseEvent::Begin { command: false },
    ReleaseEvent::CommandDone,
    ReleaseEvent::Switched,
    ReleaseEvent::Settle,
    ReleaseEvent::Supersede,
    ReleaseEvent::Fail,
];

#[test]
fn versions_are_read_with_and_without_v() {
    assert_eq!("v12".parse(), Ok(ReleaseVersion(12)));
    assert_eq!("12".parse(), Ok(ReleaseVersion(12)));
    assert!("latest".parse::<ReleaseVersion>().is_err());
    assert_eq!(ReleaseVersion(3).to_string(), "v3");
}

#[test]
fn what_is_over_stays_over_and_a_command_is_never_skipped() {
    for state in ReleaseStatus::ALL {
        assert_eq!(ReleaseStatus::from_word(state.as_str()), Some(state));
        for event in EVENTS {
            let next = state.on(event);
            assert!(!(state.is_over() && next.is_ok()), "{state:?} took {event:?}");
            let skipped = state == ReleaseStatus::Command && next == Ok(ReleaseStatus::Succeeded);
            assert!(!skipped, "{event:?} made a release current before its dynos");
        }
    }
}

#[test]
fn clients_see_herokus_three_words() {
    let words: Vec<_> = ReleaseStatus::ALL.into_iter().map(ReleaseStatus::api_word).collect();
    assert_eq!(words, ["pending", "pending", "pending", "succeeded", "failed", "succeeded"]);
}
