use std::time::Duration;

use super::Timestamp;

#[test]
fn texts_follow_herokus_two_forms() {
    let at = Timestamp::from_micros(1_284_650_026_677_020);
    assert_eq!(at.to_log(), "2010-09-16T15:13:46.677020+00:00");
    assert_eq!(at.to_api(), "2010-09-16T15:13:46Z");
    assert_eq!(at.to_log().parse::<Timestamp>().expect("own form parses"), at);
    assert!("yesterday".parse::<Timestamp>().is_err());
}

#[test]
fn arithmetic_saturates() {
    let at = Timestamp::from_micros(5_000_000);
    assert_eq!(at.plus(Duration::from_secs(2)).since(at), Duration::from_secs(2));
    assert_eq!(at.since(at.plus(Duration::from_secs(2))), Duration::ZERO);
    assert_eq!(Timestamp::from_micros(i64::MAX).plus(Duration::MAX).as_micros(), i64::MAX);
}
