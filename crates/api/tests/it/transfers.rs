//! Backups, restores, copies and schedules: what they say, and what is refused.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use model::id::TransferId;
use model::transfer::{OPEN_MAX, Transfer, TransferEvent, TransferSource};
use serde_json::{Value, json};

use crate::conformance::text;
use crate::harness::{APP, Api, OWNER, STRANGER};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// Every route of transfers, once, on the database of this add-on.
pub(crate) async fn every_route(api: &Api, addon: &str) {
    let database = format!("/client/v11/databases/{addon}");
    let made = api.good(POST, &format!("{database}/backups"), None).await;
    assert_eq!(made["from_name"], "DATABASE");
    let uuid = text(&made, "/uuid");
    let path = format!("/client/v11/apps/{APP}/transfers/{uuid}");
    let seen = api.get(&format!("{path}?verbose=true")).await;
    assert_eq!((&seen["num"], &seen["logs"]), (&json!(1), &json!([])));
    done(api, uuid, b"a dump").await;
    let url = api.good(POST, &format!("{path}/actions/public-url"), None).await;
    let address =
        text(&url, "/url").strip_prefix("https://localhost:5443").expect("our own address").to_owned();
    let answer = api.send(Request::get(&address).body(Body::empty()).expect("a request")).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "a dump"));
    assert_eq!(
        (answer.header("content-length"), answer.header("content-type")),
        ("6", "application/octet-stream")
    );
    api.hold(&GET, &address, &answer);
    let listed = api.get(&format!("/client/v11/apps/{APP}/transfers")).await;
    let own = text(&listed[0], "/to_url");
    let restore = format!("{database}/restores");
    let restored = api.good(POST, &restore, Some(json!({ "backup_url": own, "extensions": null }))).await;
    assert_eq!((text(&restored, "/from_type"), text(&restored, "/to_type")), ("gof3r", "pg_restore"));
    let copy = json!({
        "from_name": "elsewhere", "from_url": "postgres://u:p@pg.example.com/other",
        "to_name": "DATABASE", "to_url": crate::desk::URL,
    });
    let copied = api.good(POST, &format!("{database}/transfers"), Some(copy)).await;
    assert_eq!((text(&copied, "/from_type"), &copied["from_url"]), ("pg_dump", &Value::Null));
    let cancel = format!("/client/v11/apps/{APP}/transfers/3/actions/cancel");
    let cancelled = api.good(POST, &cancel, None).await;
    assert_eq!(
        (&cancelled["succeeded"], &cancelled["canceled_at"]),
        (&json!(false), &cancelled["finished_at"])
    );
    api.good(DELETE, &path, None).await;
    assert_eq!(api.ask(OWNER, GET, &path, None).await.status, StatusCode::NOT_FOUND);

    let schedules = format!("{database}/transfer-schedules");
    let daily = json!({ "hour": "02", "timezone": "America/Los_Angeles", "schedule_name": "DATABASE_URL" });
    let made = api.good(POST, &schedules, Some(daily)).await;
    assert_eq!((text(&made, "/name"), &made["hour"]), ("DATABASE_URL", &json!(2)));
    assert_eq!(api.get(&schedules).await, json!([made]));
    api.good(DELETE, &format!("{schedules}/{}", text(&made, "/uuid")), None).await;
    assert_eq!(api.get(&schedules).await, json!([]));
}

/// As the stage leaves a backup.
async fn done(api: &Api, uuid: &str, dump: &[u8]) {
    let id: TransferId = uuid.parse().expect("an id");
    std::fs::create_dir_all(&api.cx.backups).expect("a folder");
    std::fs::write(api.cx.backups.join(Transfer::file_name(id)), dump).expect("written");
    let over = move |tx: &store::Tx<'_>| {
        tx.transfer_on(id, TransferEvent::Start)?;
        tx.log_transfer(id, "Dumped.")?;
        tx.transfer_on(id, TransferEvent::Succeed)
    };
    api.cx.store.write(over).await.expect("done");
}

async fn database(api: &Api) -> String {
    let wish = json!({ "plan": "heroku-postgresql:mini" });
    let addon = api.good(POST, &format!("/apps/{APP}/addons"), Some(wish)).await;
    format!("/client/v11/databases/{}", text(&addon, "/id"))
}

async fn refused(api: &Api, method: Method, path: &str, body: Option<Value>) -> String {
    let answer = api.ask(OWNER, method, path, body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", answer.text);
    answer.json()["message"].as_str().expect("words").to_owned()
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words() {
    let api = Api::start().await;
    let database = database(&api).await;
    let transfers = format!("/client/v11/apps/{APP}/transfers");
    let backup = api.good(POST, &format!("{database}/backups"), None).await;
    let own = format!("{transfers}/{}", text(&backup, "/uuid"));
    let mut words = vec![
        refused(&api, DELETE, &own, None).await,
        refused(&api, POST, &format!("{own}/actions/public-url"), None).await,
    ];
    let id = text(&backup, "/uuid").to_owned();
    for backup_url in
        [format!("https://localhost:5443{own}"), "ftp://example.com/x".to_owned(), String::new()]
    {
        let body = json!({ "backup_url": backup_url });
        words.push(refused(&api, POST, &format!("{database}/restores"), Some(body)).await);
    }
    let odd = json!({ "backup_url": "https://example.com/x", "extensions": ["hstore; DROP TABLE x"] });
    words.push(refused(&api, POST, &format!("{database}/restores"), Some(odd)).await);
    for (from_url, to_url) in [
        (crate::desk::URL, crate::desk::URL),
        ("mysql://u:p@example.com/d", crate::desk::URL),
        (crate::desk::URL, "postgres://u:p@pg.example.com/other"),
    ] {
        let body = json!({ "from_url": from_url, "to_url": to_url });
        words.push(refused(&api, POST, &format!("{database}/transfers"), Some(body)).await);
    }
    for (hour, timezone, name) in [("24", "UTC", "A"), ("2", "Mars/Olympus", "A"), ("2", "UTC", "a b")] {
        let body = json!({ "hour": hour, "timezone": timezone, "schedule_name": name });
        words.push(refused(&api, POST, &format!("{database}/transfer-schedules"), Some(body)).await);
    }
    done(&api, &id, b"x").await;
    words.push(refused(&api, POST, &format!("{own}/actions/cancel"), None).await);
    for _ in 0..OPEN_MAX {
        api.good(POST, &format!("{database}/backups"), None).await;
    }
    words.push(refused(&api, POST, &format!("{database}/backups"), None).await);
    insta::assert_snapshot!(words.join("\n"));
}

#[tokio::test]
async fn a_backup_is_named_by_its_addresses_and_only_one_is_a_permission() {
    let api = Api::start().await;
    let database = database(&api).await;
    let backup = api.good(POST, &format!("{database}/backups"), None).await;
    let id = text(&backup, "/uuid").to_owned();
    done(&api, &id, b"x").await;
    let own = format!("/client/v11/apps/{APP}/transfers/1");
    let to_url = text(&api.get(&own).await, "/to_url").to_owned();
    let public = api.good(POST, &format!("{own}/actions/public-url"), None).await;
    let public = text(&public, "/url").to_owned();

    let theirs = api.ask(STRANGER, POST, "/apps", Some(json!({ "name": "theirs" }))).await;
    assert_eq!(theirs.status, StatusCode::CREATED);
    let wish = Some(json!({ "plan": "heroku-postgresql:mini" }));
    let addon = api.ask(STRANGER, POST, "/apps/theirs/addons", wish).await.json();
    let restores = format!("/client/v11/databases/{}/restores", text(&addon, "/id"));
    let named = api.ask(STRANGER, POST, &restores, Some(json!({ "backup_url": to_url }))).await;
    assert_eq!(named.status, StatusCode::NOT_FOUND, "{}", named.text);
    let permitted = api.ask(STRANGER, POST, &restores, Some(json!({ "backup_url": public }))).await;
    assert_eq!(permitted.status, StatusCode::CREATED, "{}", permitted.text);
    let made: TransferId = text(&permitted.json(), "/uuid").parse().expect("an id");
    let source =
        api.cx.store.read(move |tx| tx.transfer(made)).await.expect("read").expect("a transfer").source;
    assert_eq!(
        source,
        TransferSource::Backup(id.parse().expect("an id")),
        "nothing is fetched over the network"
    );

    let forged = public.replace("/backups/", "/backups/x");
    let refused = api.ask(STRANGER, POST, &restores, Some(json!({ "backup_url": forged }))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let path = forged.strip_prefix("https://localhost:5443").expect("our own address");
    let refused = api.send(Request::get(path).body(Body::empty()).expect("a request")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
