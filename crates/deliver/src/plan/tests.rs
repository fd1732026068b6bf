use std::collections::BTreeSet;
use std::time::Duration;

use model::id::{DeliveryId, WebhookEventId, WebhookId};
use model::time::Timestamp;
use model::webhook::{Delivery, DeliveryStatus, Include, Level, Resource};

use super::{Action, DELIVERIES_MAX, Seen, plan};
use crate::fixture;

const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

fn delivery(webhook: u128, due: i64) -> Delivery {
    Delivery {
        id: DeliveryId::from_u128(webhook),
        sequence: 1,
        webhook: WebhookId::from_u128(webhook),
        level: Level::Sync,
        event: WebhookEventId::from_u128(1),
        include: Include::Api(Resource::Release),
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: Some(Timestamp::from_micros(NOW.as_micros() + due * 1_000_000)),
        last: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

#[test]
fn drains_follow_their_rows() {
    let (one, two) = (fixture::drain("https://one.example.com/"), fixture::drain("https://two.example.com/"));
    let running = BTreeSet::from([one.id]);
    let seen = Seen { drains: vec![two.clone()], running, ..Seen::default() };
    assert_eq!(plan(&seen), (vec![Action::Stop(one.id), Action::Start(two.clone())], None));
    let seen = Seen { drains: vec![two.clone()], running: BTreeSet::from([two.id]), ..Seen::default() };
    assert_eq!(plan(&seen), (Vec::new(), None));
}

#[test]
fn deliveries_go_when_they_are_due_and_one_at_a_time() {
    let deliveries = vec![delivery(1, 0), delivery(2, 7), delivery(3, 5), delivery(4, -1)];
    let busy = BTreeSet::from([WebhookId::from_u128(4)]);
    let seen = Seen { now: NOW, deliveries, busy, ..Seen::default() };
    assert_eq!(plan(&seen), (vec![Action::Deliver(delivery(1, 0))], Some(Duration::from_secs(5))));
}

#[test]
fn there_are_never_too_many_at_a_time() {
    let deliveries = (0..100).map(|webhook| delivery(webhook, 0)).collect();
    let seen = Seen { now: NOW, deliveries, ..Seen::default() };
    let (actions, next) = plan(&seen);
    assert_eq!((actions.len(), next), (DELIVERIES_MAX, None));
}
