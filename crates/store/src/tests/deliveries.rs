//! Drains, webhooks, and what they are told: kept within bounds, and only what was committed.

use std::sync::{Arc, Mutex};

use model::config_var::Secret;
use model::id::{AppId, AttemptId};
use model::webhook::{Action, Attempt, DeliveryStatus, DeliveryStep, Include, Level, Resource};

use super::{new_app, open};
use crate::{
    App, Change, DELIVERIES_WAITING_MAX, EVENTS_KEPT, NewWebhookEvent, Store, StoreError, Tx, WebhookWish,
};

fn webhook(tx: &Tx<'_>, app: AppId) -> Result<(), StoreError> {
    let wish = WebhookWish {
        url: "https://example.com/".parse().expect("a URL"),
        include: vec![Include::Api(Resource::App)],
        level: Level::Sync,
        secret: Secret::from("secret"),
        authorization: None,
    };
    tx.create_webhook(app, &wish).map(drop)
}

fn event(tx: &Tx<'_>, app: &App) -> Result<(), StoreError> {
    tx.create_webhook_event(&NewWebhookEvent {
        app: app.id,
        include: Include::Api(Resource::App),
        action: Action::Update,
        resource: Resource::App,
        actor: app.owner,
        actor_email: "owner@example.com".to_owned(),
        data: "{}".to_owned(),
        previous_data: "{}".to_owned(),
    })
}

async fn made(store: &Store, name: &'static str) -> App {
    let made = store.write(move |tx| {
        let app = new_app(tx, name)?;
        webhook(tx, app.id)?;
        Ok::<_, StoreError>(app)
    });
    made.await.expect("an app with a webhook")
}

#[tokio::test]
async fn what_waits_and_what_is_kept_has_a_limit() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let app = made(&store, "one").await;
    let (mine, all) = (app.clone(), DELIVERIES_WAITING_MAX + 7);
    let happening = store.write(move |tx| (0..all).try_for_each(|_| event(tx, &mine)));
    happening.await.expect("events");
    let deliveries = store.read(move |tx| tx.deliveries(app.id)).await.expect("deliveries");
    let waiting = deliveries.iter().filter(|it| it.next_attempt_at.is_some()).count();
    assert_eq!(waiting, DELIVERIES_WAITING_MAX as usize);
    assert!(deliveries.len() <= EVENTS_KEPT as usize, "{}", deliveries.len());
    // The oldest were given up; the next one's turn comes now.
    let next = store.read(|tx| tx.next_deliveries()).await.expect("deliveries");
    assert_eq!((next.len(), next[0].sequence, next[0].status), (1, 8, DeliveryStatus::Pending));
}

#[tokio::test]
async fn the_second_delivery_of_a_webhook_waits_for_the_first() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let (one, two) = (made(&store, "one").await, made(&store, "two").await);
    let happening = store.write(move |tx| {
        event(tx, &one)?;
        event(tx, &one)?;
        event(tx, &two)
    });
    happening.await.expect("events");
    let sequences = async || -> Vec<u64> {
        let next = store.read(|tx| tx.next_deliveries()).await.expect("deliveries");
        next.iter().map(|delivery| delivery.sequence).collect()
    };
    assert_eq!(sequences().await, [1, 3]);
    let step = async |step: DeliveryStep| {
        let stepping = store.write(move |tx| {
            let id = tx.next_deliveries()?[0].id;
            let attempt = Attempt { id: AttemptId::new(), code: Some(204), error: None, at: tx.now() };
            tx.delivery_on(id, step, &attempt, Some(tx.now()))
        });
        stepping.await.expect("a step");
    };
    step(DeliveryStep::Retry).await;
    assert_eq!(sequences().await, [1, 3]);
    step(DeliveryStep::Succeed).await;
    assert_eq!(sequences().await, [2, 3]);
}

/// What the witness was shown, as `resource new?`.
type Shown = Arc<Mutex<Vec<Vec<String>>>>;

fn watched(store: &Store) -> Shown {
    let shown = Shown::default();
    let into = Arc::clone(&shown);
    store.set_witness(Arc::new(move |_, changes| {
        let line = |change: &Change| format!("{} {}", change.resource.as_str(), change.is_new);
        into.lock().expect("nobody panicked").push(changes.iter().map(line).collect());
        Ok(())
    }));
    shown
}

#[tokio::test]
async fn the_witness_sees_what_is_committed_of_apps_with_webhooks_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let shown = watched(&store);
    let (app, silent) = (made(&store, "one").await, store.write(|tx| new_app(tx, "silent")).await);
    let (app, silent) = (app.id, silent.expect("an app").id);
    let undone = store.write(move |tx| {
        tx.set_maintenance(app, true)?;
        Err::<(), _>(StoreError::Missing { what: "patience" })
    });
    assert!(undone.await.is_err());
    store.write(move |tx| tx.set_maintenance(silent, true)).await.expect("changed");
    let changing = store.write(move |tx| {
        tx.create_domain(
            app,
            &"www.example.com".parse().expect("a host"),
            model::domain::DomainKind::Custom,
        )?;
        tx.set_maintenance(app, true)?;
        tx.set_maintenance(app, false)
    });
    changing.await.expect("changed");
    store.write(move |tx| tx.delete_app(app)).await.expect("removed");
    let shown = shown.lock().expect("nobody panicked").clone();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert_eq!(shown[0], ["domain true", "app false"], "each once, in the order of first change");
    // A foreign key takes the domains along: they are seen too.
    assert_eq!(shown[1].iter().filter(|line| *line == "domain false").count(), 2, "{shown:?}");
    assert!(shown[1].contains(&"app false".to_owned()), "{shown:?}");
}

#[tokio::test]
async fn a_drain_s_place_is_kept_and_its_url_is_one_app_s_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let app = made(&store, "one").await.id;
    let url: model::drain::DrainUrl = "https://jane:hunter2@example.com/".parse().expect("a URL");
    let again = url.clone();
    let drain = store.write(move |tx| tx.create_drain(app, &url)).await.expect("a drain");
    let twice = store.write(move |tx| tx.create_drain(app, &again)).await;
    assert!(matches!(twice, Err(StoreError::Taken { .. })), "{twice:?}");
    store.write(move |tx| tx.set_drain_cursor(drain.id, 42)).await.expect("noted");
    drop(store);
    let kept = open(dir.path()).read(|tx| tx.all_drains()).await.expect("drains");
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].cursor, kept[0].url.expose_secret()),
        (Some(42), "https://jane:hunter2@example.com/")
    );
    assert_eq!(kept[0].token, drain.token);
}
