use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use logs::{Logs, LogsConfig};
use model::account::Email;
use model::config_var::Secret;
use model::id::AppId;
use model::log::{Line, Source};
use model::time::Timestamp;
use model::webhook::{Action, Delivery, DeliveryStatus, Include, Level, Resource};
use ring::hmac;
use serde_json::Value;
use store::{App, NewApp, NewWebhookEvent, Store, StoreError, WebhookWish};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Context, stage};
use crate::fixture::{Does, Receiver, Request, Trust};
use crate::outside::Outside;

const SECRET: &str = "475beb0bf7de962fb89878a767c22f7de22154dae1e6996b6b33299e7a0f";

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since)
}

/// A server's store and logs, and the stage on them.
struct Server {
    cx: Context,
    stop: CancellationToken,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Server {
    fn start(dir: &Path, outside: &Outside) -> Self {
        let cx = Context {
            store: Store::open(dir, Arc::new(now)).expect("a store"),
            logs: Logs::open(LogsConfig::new(dir.join("logs")), Arc::new(now)).expect("logs"),
            outside: outside.clone(),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(stage(cx.clone(), stop.clone()));
        Self { cx, stop, task }
    }

    /// As SIGKILL does: nothing is written down any more.
    async fn kill(self) {
        self.task.abort();
        let _aborted = self.task.await;
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("no panic").expect("it ends well");
    }

    async fn app(&self) -> App {
        let made = self.cx.store.write(|tx| {
            let email: Email = "owner@example.com".parse().expect("an address");
            let owner = tx.create_account(&email, None, true)?;
            tx.create_app(&NewApp {
                name: "shop".parse().expect("a name"),
                owner: owner.id,
                stack: "hokku-12".to_owned(),
                hostname: "shop.localhost".parse().expect("a host name"),
            })
        });
        made.await.expect("an app")
    }

    async fn webhook(&self, app: &App, url: String, level: Level) {
        let wish = WebhookWish {
            url: url.parse().expect("a URL"),
            include: vec![Include::Api(Resource::Release)],
            level,
            secret: Secret::from(SECRET),
            authorization: Some(Secret::from("Bearer me")),
        };
        let app = app.id;
        self.cx.store.write(move |tx| tx.create_webhook(app, &wish)).await.expect("a webhook");
    }

    async fn happens(&self, app: &App, number: u32) {
        let (app, owner) = (app.id, app.owner);
        let happening = self.cx.store.write(move |tx| {
            tx.create_webhook_event(&NewWebhookEvent {
                app,
                include: Include::Api(Resource::Release),
                action: Action::Create,
                resource: Resource::Release,
                actor: owner,
                actor_email: "owner@example.com".to_owned(),
                data: format!("{{\"version\":{number}}}"),
                previous_data: "{}".to_owned(),
            })
        });
        happening.await.expect("an event");
    }

    /// The app's deliveries, once they are all over.
    async fn over(&self, app: &App) -> Vec<Delivery> {
        let mut wake = self.cx.store.watch(&[store::Topic::Webhooks]);
        let app = app.id;
        let looking = async {
            loop {
                wake.changed_or_after(Duration::from_secs(60)).await;
                let all = self.cx.store.read(move |tx| tx.deliveries(app)).await.expect("deliveries");
                if all.iter().all(|delivery| delivery.next_attempt_at.is_none()) {
                    return all;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looking).await.expect("they should be over")
    }
}

fn version(request: &Request) -> u64 {
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    body["data"]["version"].as_u64().expect("a number")
}

#[tokio::test]
async fn a_delivery_is_signed_and_says_everything() {
    let (dir, trust) = (tempfile::tempdir().expect("a folder"), Trust::new());
    let mut receiver = Receiver::start(0, Some(&trust), &[]).await;
    let server = Server::start(dir.path(), &trust.outside);
    let app = server.app().await;
    server.webhook(&app, format!("https://localhost:{}/hooks", receiver.port), Level::Notify).await;
    server.happens(&app, 3).await;
    let request = receiver.next().await;
    assert_eq!(request.head.lines().next(), Some("POST /hooks HTTP/1.1"));
    assert_eq!(request.header("Authorization"), "Bearer me");
    assert_eq!(request.header("Content-Type"), "application/json");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        // The name as a client writes it that capitalizes words.
        request.header("Heroku-Webhook-Hmac-Sha256"),
    );
    let signature = signature.expect("base64");
    assert!(hmac::verify(&key, request.body.as_bytes(), &signature).is_ok());
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    let delivery = &server.over(&app).await[0];
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Succeeded, 1));
    let attempt = delivery.last.as_ref().expect("an attempt");
    assert_eq!((attempt.code, &attempt.error), (Some(204), &None));
    let metadata = &body["webhook_metadata"];
    assert_eq!(metadata["attempt"]["id"], attempt.id.to_string());
    assert_eq!(metadata["delivery"]["id"], delivery.id.to_string());
    assert_eq!(metadata["webhook"]["id"], delivery.webhook.to_string());
    assert_eq!(metadata["event"]["include"], "api:release");
    assert_eq!((&body["id"], &body["sequence"]), (&metadata["event"]["id"], &"1".into()));
    let said = [&body["action"], &body["resource"], &body["actor"]["email"], &body["version"]];
    assert_eq!(said, ["create", "release", "owner@example.com", "application/vnd.heroku+json; version=3"]);
    server.stop().await;
}

#[tokio::test]
async fn notify_is_tried_once_and_sync_until_it_succeeds_in_order() {
    let (dir, trust) = (tempfile::tempdir().expect("a folder"), Trust::new());
    let mut once = Receiver::start(0, None, &[Does::Answers(500)]).await;
    let mut again = Receiver::start(0, None, &[Does::Answers(500), Does::Closes]).await;
    let server = Server::start(dir.path(), &trust.outside);
    let app = server.app().await;
    server.webhook(&app, format!("http://localhost:{}/", once.port), Level::Notify).await;
    server.webhook(&app, format!("http://localhost:{}/", again.port), Level::Sync).await;
    server.happens(&app, 1).await;
    server.happens(&app, 2).await;
    let deliveries = server.over(&app).await;
    let seen: Vec<_> = deliveries.iter().map(|it| (it.level, it.status, it.attempts)).collect();
    assert_eq!(
        seen,
        [
            (Level::Notify, DeliveryStatus::Failed, 1),
            (Level::Sync, DeliveryStatus::Succeeded, 3),
            (Level::Notify, DeliveryStatus::Succeeded, 1),
            (Level::Sync, DeliveryStatus::Succeeded, 1),
        ]
    );
    assert_eq!(deliveries[0].last.as_ref().and_then(|it| it.error.clone()).as_deref(), Some("ServerError"));
    assert_eq!([version(&once.next().await), version(&once.next().await)], [1, 2]);
    again.next().await;
    // The second was closed upon before its body was read.
    again.next().await;
    assert_eq!([version(&again.next().await), version(&again.next().await)], [1, 2]);
    server.stop().await;
}

#[tokio::test]
async fn a_killed_server_s_deliveries_are_made_by_the_next() {
    let (dir, trust) = (tempfile::tempdir().expect("a folder"), Trust::new());
    let mut receiver = Receiver::start(0, None, &[Does::Hangs]).await;
    let server = Server::start(dir.path(), &trust.outside);
    let app = server.app().await;
    server.webhook(&app, format!("http://localhost:{}/", receiver.port), Level::Notify).await;
    server.happens(&app, 1).await;
    assert_eq!(version(&receiver.next().await), 1);
    // The receiver has it and never answered: the next server cannot know, and sends it again.
    server.happens(&app, 2).await;
    server.kill().await;
    let server = Server::start(dir.path(), &trust.outside);
    assert_eq!([version(&receiver.next().await), version(&receiver.next().await)], [1, 2]);
    assert!(server.over(&app).await.iter().all(|it| it.status == DeliveryStatus::Succeeded));
    server.stop().await;
}

#[tokio::test]
async fn drains_come_and_go_with_their_rows_and_survive_a_kill() {
    let (dir, trust) = (tempfile::tempdir().expect("a folder"), Trust::new());
    let mut receiver = Receiver::start(0, None, &[]).await;
    let server = Server::start(dir.path(), &trust.outside);
    let app = server.app().await;
    let (id, url) = (app.id, format!("http://localhost:{}/", receiver.port));
    let drain = server.cx.store.write(move |tx| tx.create_drain(id, &url.parse().expect("a URL"))).await;
    let drain = drain.expect("a drain").id;
    // It begins with what comes after it began.
    let mut number = 0;
    while receiver.is_idle() {
        number += 1;
        write(&server.cx.logs, app.id, number);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.kill().await;
    let server = Server::start(dir.path(), &trust.outside);
    write(&server.cx.logs, app.id, number + 1);
    let mut numbers = Vec::new();
    while numbers.last() != Some(&(number + 1)) {
        let body = receiver.next().await.body;
        numbers
            .extend(body.split("line ").skip(1).filter_map(|it| it.split('.').next()?.parse::<u32>().ok()));
    }
    // At least once: what may have arrived before the kill may come again, and nothing is left out in between.
    let first = numbers[0];
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (first..=number + 1).collect::<Vec<_>>());
    server.cx.store.write(move |tx| tx.delete_drain(drain)).await.expect("removed");
    server.stop().await;
}

fn write(logs: &Logs, app: AppId, number: u32) {
    let (process, message) = ("web.1".to_owned(), format!("line {number}."));
    logs.append(app, Line { at: now(), source: Source::App, process, message });
}
