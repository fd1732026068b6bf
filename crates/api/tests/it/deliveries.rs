//! Log drains and webhooks: what is kept, what is told, who is told.

use axum::http::{Method, StatusCode};
use model::dyno::DynoEvent;
use model::id::AttemptId;
use model::webhook::{Attempt, DeliveryStep};
use serde_json::{Value, json};
use store::StoreError;

use crate::conformance::{held, text};
use crate::harness::{APP, Api, OWNER};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

const URL: &str = "https://jane:hunter2@logs.example.com/in?app=1";
/// The same as the command line puts it into a path.
const ENCODED: &str = "https%3A%2F%2Fjane%3Ahunter2%40logs.example.com%2Fin%3Fapp%3D1";

fn app(part: &str) -> String {
    format!("/apps/{APP}/{part}")
}

/// Every route of drains and webhooks, once; the rest of the conformance test wants the app as it was.
pub(crate) async fn every_route(api: &Api) {
    let drain = api.good(POST, &app("log-drains"), Some(json!({ "url": URL }))).await;
    assert!(text(&drain, "/token").strip_prefix("d.").is_some_and(|uuid| uuid.len() == 36), "{drain}");
    assert_eq!(api.get(&app("log-drains")).await, json!([drain]));
    for name in [ENCODED, text(&drain, "/token"), text(&drain, "/id")] {
        assert_eq!(api.get(&app(&format!("log-drains/{name}"))).await, drain);
    }
    assert_eq!(api.good(DELETE, &app(&format!("log-drains/{ENCODED}")), None).await, drain);
    let wish = json!({ "include": ["api:app"], "level": "notify", "url": "https://example.com/hooks" });
    let webhook = api.good(POST, &app("webhooks"), Some(wish)).await;
    let path = app(&format!("webhooks/{}", text(&webhook, "/id")));
    assert_eq!((api.get(&path).await, api.get(&app("webhooks")).await), (webhook.clone(), json!([webhook])));
    let changed = api.good(PATCH, &path, Some(json!({ "level": "sync" }))).await;
    assert_eq!((text(&changed, "/level"), text(&changed, "/url")), ("sync", "https://example.com/hooks"));
    for maintenance in [true, false] {
        api.good(PATCH, &format!("/apps/{APP}"), Some(json!({ "maintenance": maintenance }))).await;
    }
    let events = api.get(&app("webhook-events")).await;
    assert_eq!(events.as_array().map(Vec::len), Some(2));
    assert_eq!(api.get(&app(&format!("webhook-events/{}", text(&events[0], "/id")))).await, events[0]);
    let deliveries = api.get(&app("webhook-deliveries")).await;
    let path_of_delivery = app(&format!("webhook-deliveries/{}", text(&deliveries[0], "/id")));
    assert_eq!(api.get(&path_of_delivery).await, deliveries[0]);
    api.good(DELETE, &path, None).await;
    assert_eq!(api.get(&app("webhook-events")).await, json!([]), "the last webhook takes them along");
    api.get(&app("telemetry-drains")).await;
    for method in [GET, PATCH, DELETE] {
        held(api, method, "/telemetry-drains/01234567-89ab-cdef-0123-456789abcdef").await;
    }
    let refused = held(api, POST, "/telemetry-drains").await;
    assert!(text(&refused, "/message").starts_with("Telemetry drains are not supported here."), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_a_drain_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    let add = async |url: &str| {
        let answer = api.ask(OWNER, POST, &app("log-drains"), Some(json!({ "url": url }))).await;
        (answer.status.as_u16(), answer.json())
    };
    for bad in ["logs.example.com", "ftp://example.com/", "https://", "syslog://exa mple.com", ""] {
        let (status, error) = add(bad).await;
        assert_eq!((status, text(&error, "/id")), (422, "invalid_params"), "{bad}");
        assert!(text(&error, "/message").starts_with("Url is invalid"), "{error}");
    }
    assert_eq!(add(URL).await.0, 201);
    let (status, error) = add(URL).await;
    assert_eq!((status, text(&error, "/message")), (409, "running-app has this drain already."));
    for number in 2..=5 {
        assert_eq!(add(&format!("syslog+tls://logs{number}.example.com:1234")).await.0, 201);
    }
    let (status, error) = add("syslog://one.too.many:514").await;
    assert_eq!((status, text(&error, "/id")), (422, "invalid_params"));
    assert_eq!(api.get(&app("log-drains")).await.as_array().map(Vec::len), Some(5));
    let gone = api.ask(OWNER, DELETE, &app("log-drains/d.nothing"), None).await;
    assert_eq!(
        (gone.status, text(&gone.json(), "/message")),
        (StatusCode::NOT_FOUND, "Couldn't find that drain.")
    );
}

#[tokio::test]
async fn a_webhook_s_secret_is_told_once_and_sealed() {
    let api = Api::start().await;
    let good = json!({ "include": ["api:release", "dyno"], "level": "sync", "url": "https://me:hunter2@example.com/" });
    let made = api.ask(OWNER, POST, &app("webhooks"), Some(good.clone())).await;
    let secret = made.header("heroku-webhook-secret").to_owned();
    assert!(secret.len() == 60 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
    let path = app(&format!("webhooks/{}", text(&made.json(), "/id")));
    let again = api.ask(OWNER, GET, &path, None).await;
    assert!(again.headers.get("heroku-webhook-secret").is_none() && !again.text.contains(&secret));
    let own = json!({ "secret": "my own", "authorization": "Bearer abracadabra" });
    let changed = api.ask(OWNER, PATCH, &path, Some(own)).await;
    assert_eq!(changed.header("heroku-webhook-secret"), "my own");
    assert_eq!(api.ask(OWNER, POST, &app("log-drains"), Some(json!({ "url": URL }))).await.status, 201);
    let mut kept = Vec::new();
    for file in ["hokku.db", "hokku.db-wal"] {
        kept.extend(std::fs::read(api.dir().join(file)).unwrap_or_default());
    }
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("api:release"), "this is the right file");
    for secret in [secret.as_str(), "my own", "abracadabra", "hunter2"] {
        assert!(!holds(secret), "{secret} is kept in the clear");
    }
    for (key, bad, says) in [
        ("include", json!(["release"]), "Include `release` is unknown."),
        ("include", json!([]), "Include is empty."),
        ("level", json!("often"), "Level `often` is unknown."),
        ("url", json!("ftp://example.com/"), "Url is invalid"),
        ("secret", json!("new\nline"), "Secret is invalid"),
        ("authorization", json!("Bearer \u{7f}"), "Authorization is invalid"),
    ] {
        let mut body = good.clone();
        body[key] = bad;
        for (method, path) in [(POST, app("webhooks")), (PATCH, path.clone())] {
            let answer = api.ask(OWNER, method, &path, Some(body.clone())).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert!(text(&answer.json(), "/message").starts_with(says), "{}", answer.text);
        }
    }
    assert_eq!(api.get(&app("webhooks")).await.as_array().map(Vec::len), Some(1));
}

/// What was told since, as `resource action previous_data`, oldest first.
async fn told(api: &Api, from: usize) -> Vec<String> {
    let events = api.get(&app("webhook-events")).await;
    let line = |event: &Value| {
        assert_eq!(text(event, "/payload/actor/email"), "owner@example.com");
        let payload = &event["payload"];
        format!("{} {} {}", text(payload, "/resource"), text(payload, "/action"), payload["previous_data"])
    };
    events.as_array().expect("a list").iter().skip(from).map(line).collect()
}

async fn listen(api: &Api, include: Value) {
    let wish = json!({ "include": include, "level": "notify", "url": "https://example.com/hooks" });
    api.good(POST, &app("webhooks"), Some(wish)).await;
}

#[tokio::test]
async fn every_change_is_told_with_what_was_before() {
    let api = Api::start().await;
    api.good(PATCH, &format!("/apps/{APP}"), Some(json!({ "maintenance": true }))).await;
    listen(
        &api,
        json!([
            "api:addon",
            "api:addon-attachment",
            "api:app",
            "api:collaborator",
            "api:domain",
            "api:formation",
            "api:sni-endpoint"
        ]),
    )
    .await;
    assert_eq!(told(&api, 0).await, Vec::<String>::new(), "what was before is not news");
    api.good(PATCH, &format!("/apps/{APP}"), Some(json!({ "maintenance": false }))).await;
    api.good(PATCH, &format!("/apps/{APP}"), Some(json!({ "maintenance": false }))).await;
    let size = json!({ "quantity": 3, "size": "standard-1x" });
    api.good(PATCH, &app("formation/web"), Some(size)).await;
    assert_eq!(told(&api, 0).await[0], r#"app update {"maintenance":true}"#);
    let formation = told(&api, 1).await;
    assert_eq!(formation.len(), 1, "what stayed the same is no news: {formation:?}");
    assert!(formation[0].starts_with("formation update {"), "{formation:?}");
    assert!(
        formation[0].contains(r#""quantity":2"#) && formation[0].contains(r#""size":"Basic""#),
        "{formation:?}"
    );
    api.good(POST, &app("domains"), Some(json!({ "hostname": "www.example.com" }))).await;
    api.good(DELETE, &app("domains/www.example.com"), None).await;
    let person = json!({ "user": "colleague@example.com" });
    api.good(POST, &app("collaborators"), Some(person)).await;
    api.good(DELETE, &app("collaborators/colleague@example.com"), None).await;
    let made = rcgen::generate_simple_self_signed(vec!["www.example.com".to_owned()]).expect("a certificate");
    let brought =
        json!({ "certificate_chain": made.cert.pem(), "private_key": made.signing_key.serialize_pem() });
    let endpoint = api.good(POST, &app("sni-endpoints"), Some(brought)).await;
    api.good(DELETE, &app(&format!("sni-endpoints/{}", text(&endpoint, "/name"))), None).await;
    let events = api.get(&app("webhook-events")).await.to_string();
    assert!(!events.contains("PRIVATE KEY"), "keys are not told");
    let addon = api.good(POST, &app("addons"), Some(json!({ "plan": "heroku-postgresql:mini" }))).await;
    let before = told(&api, 0).await.len();
    assert_eq!(
        told(&api, 2)
            .await
            .iter()
            .map(|line| line.trim_end_matches(" {}"))
            .filter(|line| !line.starts_with("app "))
            .collect::<Vec<_>>(),
        [
            "domain create",
            "domain destroy",
            "collaborator create",
            "collaborator destroy",
            "sni-endpoint create",
            "sni-endpoint destroy",
            "addon create",
            "addon-attachment create",
        ]
    );
    api.good(DELETE, &app(&format!("addons/{}", text(&addon, "/id"))), None).await;
    let gone: Vec<String> = told(&api, before).await;
    assert!(gone.contains(&"addon destroy {}".to_owned()), "{gone:?}");
    let events = api.get(&app("webhook-events")).await;
    let destroyed =
        events.as_array().and_then(|all| all.iter().find(|it| it["payload"]["action"] == "destroy"));
    let hostname = destroyed.and_then(|event| event["payload"]["data"]["hostname"].as_str());
    assert_eq!(hostname, Some("www.example.com"), "what is gone is told as it was");
}

#[tokio::test]
async fn releases_builds_and_dynos_are_told_as_heroku_does() {
    let api = Api::start().await;
    listen(&api, json!(["api:release", "api:dyno", "dyno"])).await;
    api.good(PATCH, &app("config-vars"), Some(json!({ "FOO": "bar" }))).await;
    let release = &api.get(&app("webhook-events")).await[0];
    assert_eq!(told(&api, 0).await, ["release create {}"]);
    let data = &release["payload"]["data"];
    let shown = api.get(&app(&format!("releases/{}", text(data, "/id")))).await;
    for key in ["id", "version", "description", "status", "user", "slug", "addon_plan_names"] {
        assert_eq!(data[key], shown[key], "the data are what the API shows: {key}");
    }
    assert!(!release.to_string().contains("bar"), "config vars are not told");
    let app_id = api.running.app.id;
    let moved = api.cx.store.write(move |tx| {
        let dynos = tx.dynos_of(app_id)?;
        let web = dynos.iter().find(|dyno| dyno.name.to_string() == "web.1").expect("a dyno").id;
        tx.dyno_on(web, DynoEvent::Exited)?;
        Ok::<_, StoreError>(web)
    });
    let web = moved.await.expect("a crash");
    api.cx.store.write(move |tx| tx.delete_dyno(web)).await.expect("removed");
    assert_eq!(told(&api, 1).await, [r#"dyno destroy {"state":"up"}"#], "its end is told once");
    let run = api.good(POST, &app("dynos"), Some(json!({ "command": "env" }))).await;
    let last = &api.get(&app("webhook-events")).await[2];
    assert_eq!((text(last, "/include"), text(last, "/payload/data/name")), ("api:dyno", text(&run, "/name")));
}

#[tokio::test]
async fn deliveries_are_listed_by_number_and_status() {
    let api = Api::start().await;
    listen(&api, json!(["api:app"])).await;
    for turn in 0..6 {
        let maintenance = json!({ "maintenance": turn % 2 == 0 });
        api.good(PATCH, &format!("/apps/{APP}"), Some(maintenance)).await;
    }
    let app_id = api.running.app.id;
    let ended = api.cx.store.write(move |tx| {
        let first = tx.deliveries(app_id)?.remove(0);
        let attempt = Attempt {
            id: AttemptId::new(),
            code: Some(500),
            error: Some("ServerError".to_owned()),
            at: tx.now(),
        };
        tx.delivery_on(first.id, DeliveryStep::Fail, &attempt, None)
    });
    ended.await.expect("a failed delivery");
    let all = api.get(&app("webhook-deliveries")).await;
    let all = all.as_array().expect("a list");
    let failed = api.get(&app("webhook-deliveries?eq[status]=failed")).await;
    assert_eq!(failed, json!([all[0]]));
    assert_eq!(
        (text(&failed[0], "/last_attempt/status"), &failed[0]["last_attempt"]["code"]),
        ("failed", &json!(500))
    );
    // As the command line asks.
    let headers = [("range", "seq ..; order=desc,max=4")];
    let answer = api.ask_with(OWNER, GET, &app("webhook-deliveries"), None, &headers).await;
    let newest: Vec<Value> = all.iter().rev().take(4).cloned().collect();
    assert_eq!((answer.status, answer.json()), (StatusCode::PARTIAL_CONTENT, json!(newest)));
    let headers = [("range", answer.header("next-range").to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let rest = api.ask_with(OWNER, GET, &app("webhook-deliveries"), None, &headers).await;
    assert_eq!((rest.status, rest.json()), (StatusCode::OK, json!([all[1], all[0]])));
}

#[tokio::test]
async fn an_app_s_end_is_told_before_its_webhooks_go() {
    let api = Api::start().await;
    listen(&api, json!(["api:app", "api:domain"])).await;
    let id = api.running.app.id;
    api.good(DELETE, &format!("/apps/{APP}"), None).await;
    let told = api.cx.store.read(move |tx| tx.webhook_events(id)).await.expect("events");
    let told: Vec<_> = told.iter().map(|it| (it.resource.as_str(), it.action.as_str())).collect();
    assert!(told.contains(&("app", "destroy")) && told.contains(&("domain", "destroy")), "{told:?}");
    let kept = api.cx.store.write(|tx| tx.delete_webhooks_of_gone_apps()).await.expect("nothing is removed");
    let next = api.cx.store.read(|tx| tx.next_deliveries()).await.expect("deliveries");
    assert_eq!((kept, next.len()), (0, 1), "one webhook has something to be told");
}
