//! Buckets over a turned clock.

use std::time::Duration;

use model::time::Timestamp;

use super::{BUCKETS_MAX, Buckets, Rate};

const RATE: Rate = Rate { burst: 3, per_minute: 60 };

fn at(seconds: u64) -> Timestamp {
    Timestamp::default().plus(Duration::from_secs(seconds))
}

#[test]
fn a_bucket_empties_and_fills_at_its_rate() {
    let buckets = Buckets::new(RATE);
    let taken: Vec<_> = (0..4).map(|_| buckets.take("one", at(0))).collect();
    assert_eq!(taken, [Some(2), Some(1), Some(0), None]);
    assert_eq!(buckets.take("another", at(0)), Some(2), "each key has its own");
    assert_eq!(buckets.take("one", at(1)), Some(0));
    assert_eq!(buckets.left(&"one", at(3)), 2);
    assert_eq!(buckets.left(&"one", at(1_000)), 3, "never more than full");
    assert_eq!(buckets.left(&"unknown", at(0)), 3);
}

#[test]
fn a_clock_that_goes_back_gives_nothing() {
    let buckets = Buckets::new(RATE);
    assert_eq!(buckets.take("one", at(100)), Some(2));
    assert_eq!(buckets.take("one", at(0)), Some(1));
}

#[test]
fn there_are_never_more_buckets_than_allowed() {
    let buckets = Buckets::new(RATE);
    for key in 0..BUCKETS_MAX {
        assert!(buckets.take(key, at(0)).is_some());
    }
    assert_eq!(buckets.take(BUCKETS_MAX, at(0)), None, "all of them are in use");
    assert_eq!(buckets.take(BUCKETS_MAX, at(1)), Some(2), "full ones are forgotten");
}
