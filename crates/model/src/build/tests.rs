use super::{BuildEvent, BuildStatus};

const STATES: [BuildStatus; 4] =
    [BuildStatus::Pending, BuildStatus::Running, BuildStatus::Succeeded, BuildStatus::Failed];
const EVENTS: [BuildEvent; 4] =
    [BuildEvent::Claim, BuildEvent::Succeed, BuildEvent::Fail, BuildEvent::Interrupt];

#[test]
fn what_is_over_stays_over() {
    for state in STATES.into_iter().filter(|state| state.is_over()) {
        for event in EVENTS {
            assert!(state.on(event).is_err(), "{state:?} took {event:?}");
        }
    }
}

#[test]
fn a_slug_comes_only_from_a_claimed_build() {
    assert!(BuildStatus::Pending.on(BuildEvent::Succeed).is_err());
    let claimed = BuildStatus::Pending.on(BuildEvent::Claim).expect("a waiting build can be claimed");
    assert_eq!(claimed.on(BuildEvent::Succeed), Ok(BuildStatus::Succeeded));
    assert_eq!(claimed.on(BuildEvent::Interrupt), Ok(BuildStatus::Pending));
}

#[test]
fn words_go_both_ways() {
    for state in STATES {
        assert_eq!(BuildStatus::from_word(state.as_str()), Some(state));
    }
    assert_eq!(BuildStatus::from_word("done"), None);
}
