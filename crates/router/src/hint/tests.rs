use std::time::Duration;

use model::id::AppId;
use model::time::Timestamp;

use super::{Hints, TOLD_AGAIN_AFTER, TOLD_MAX};
use crate::failure::Failure;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(0).plus(Duration::from_secs(seconds))
}

#[test]
fn a_code_is_explained_once_to_each_app_and_after_a_while_again() {
    let mut hints = Hints::default();
    let mut told = |app: AppId, failure, seconds| hints.line(app, failure, at(seconds)).is_some();
    let (app, other) = (AppId::new(), AppId::new());
    assert!(told(app, Failure::NoWebProcess, 0));
    assert!(!told(app, Failure::NoWebProcess, 0), "once, not with each request");
    assert!(told(other, Failure::NoWebProcess, 0), "each app");
    assert!(told(app, Failure::AppCrashed, 1), "each code");
    let rest = TOLD_AGAIN_AFTER.as_secs();
    assert!(!told(app, Failure::NoWebProcess, rest - 1));
    assert!(told(app, Failure::NoWebProcess, rest), "the first time is far up in the log");
    assert!(!told(app, Failure::NoWebProcess, rest + 1));
    assert!(!told(app, Failure::ClientInterrupted, 0), "nobody but the client can do anything");
}

#[test]
fn what_is_remembered_has_a_limit() {
    let mut hints = Hints::default();
    for number in 0..=TOLD_MAX {
        assert_eq!(hints.line(AppId::new(), Failure::Blank, at(0)).is_some(), number < TOLD_MAX, "{number}");
    }
    let later = TOLD_AGAIN_AFTER.as_secs();
    assert!(hints.line(AppId::new(), Failure::Blank, at(later)).is_some(), "the old ones are forgotten");
    assert_eq!(hints.told.len(), 1);
}
