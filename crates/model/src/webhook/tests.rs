use super::{
    Action, DeliveryStatus, DeliveryStep, Include, Level, PAUSE_MAX, RETRY_FOR, Resource, WebhookUrl,
    after_failure,
};
use crate::time::Timestamp;

#[test]
fn includes_are_read_as_they_are_written() {
    for resource in Resource::ALL {
        let include = Include::Api(resource);
        assert_eq!(include.to_string().parse(), Ok(include));
    }
    assert_eq!("dyno".parse(), Ok(Include::DynoState));
    let error = "release".parse::<Include>().expect_err("it lacks `api:`").to_string();
    assert!(error.contains("api:release") && error.ends_with("dyno"), "{error}");
}

#[test]
fn only_what_heroku_tells_is_told() {
    let told = |resource, action| Include::of(resource, action).map(|include| include.to_string());
    assert_eq!(told(Resource::Release, Action::Update).as_deref(), Some("api:release"));
    assert_eq!(told(Resource::Release, Action::Destroy), None);
    assert_eq!(told(Resource::Formation, Action::Create), None);
    assert_eq!(told(Resource::Domain, Action::Update), None);
    assert_eq!(told(Resource::Dyno, Action::Create).as_deref(), Some("api:dyno"));
    assert_eq!(told(Resource::Dyno, Action::Update).as_deref(), Some("dyno"));
}

#[test]
fn a_url_is_http() {
    for good in ["https://example.com/hooks", "http://127.0.0.1:1/"] {
        assert!(good.parse::<WebhookUrl>().is_ok(), "{good}");
    }
    for bad in ["example.com", "ftp://example.com", "https://", "https://a b/", "file:///etc/passwd"] {
        assert!(bad.parse::<WebhookUrl>().is_err(), "{bad}");
    }
    let url: WebhookUrl = "https://me:hunter2@example.com/".parse().expect("a URL");
    assert_eq!(format!("{url:?}"), r#"WebhookUrl("example.com")"#);
}

#[test]
fn what_is_over_stays_so() {
    for over in [DeliveryStatus::Succeeded, DeliveryStatus::Failed] {
        for step in [DeliveryStep::Succeed, DeliveryStep::Retry, DeliveryStep::Fail] {
            assert!(over.on(step).is_err());
        }
    }
    assert_eq!(DeliveryStatus::Pending.on(DeliveryStep::Retry), Ok(DeliveryStatus::Retrying));
    assert_eq!(DeliveryStatus::Retrying.on(DeliveryStep::Succeed), Ok(DeliveryStatus::Succeeded));
}

#[test]
fn pauses_double_up_to_an_hour_and_end_after_three_days() {
    let start = Timestamp::from_micros(0);
    assert_eq!(after_failure(Level::Notify, 1, start, start), None);
    let (mut now, mut attempts, mut pauses) = (start, 0, Vec::new());
    loop {
        attempts += 1;
        let Some(next) = after_failure(Level::Sync, attempts, start, now) else { break };
        pauses.push(next.since(now).as_secs());
        now = next;
    }
    assert_eq!(pauses[..4], [1, 2, 4, 8]);
    assert_eq!(pauses.iter().max(), Some(&PAUSE_MAX.as_secs()));
    assert!(now.since(start) <= RETRY_FOR && now.since(start) + PAUSE_MAX > RETRY_FOR);
}
