//! One life of an app through every route; each answer must be what Heroku's schema promises.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use model::database::{Database, Reset};
use serde_json::{Value, json};
use store::Topic;

use crate::harness::{APP, Api, OWNER};
use crate::{deliveries, people};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {pointer} in {value}"))
}

#[tokio::test]
async fn every_route_answers_as_the_schema_says() {
    let api = Api::start().await;
    account_and_constants(&api).await;
    people::every_route(&api).await;
    deliveries::every_route(&api).await;
    apps(&api).await;
    processes(&api).await;
    releases(&api).await;
    builds(&api).await;
    addons(&api).await;
    streams(&api).await;
    api.good(DELETE, &format!("/apps/{APP}"), None).await;

    let all: BTreeSet<String> =
        api::route_names().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let missing: Vec<_> = all.difference(&api.seen()).cloned().collect();
    assert_eq!(missing, Vec::<String>::new(), "routes without a test");
}

/// A public or refusing route: its answer is held too.
pub(crate) async fn held(api: &Api, method: Method, path: &str) -> Value {
    let answer = api.ask(OWNER, method.clone(), path, None).await;
    api.hold(&method, path, &answer);
    answer.json()
}

async fn account_and_constants(api: &Api) {
    for path in ["/account", "/users/~", "/account/rate-limits", "/regions", "/regions/us", "/stacks"] {
        api.get(path).await;
    }
    let changed = api.good(PATCH, "/account", Some(json!({ "name": "Jane Doe" }))).await;
    assert_eq!(text(&changed, "/name"), "Jane Doe");
    let made = json!({ "scope": ["global"], "description": "a test", "expires_in": "3600" });
    let made = api.good(POST, "/oauth/authorizations", Some(made)).await;
    let (id, token) = (text(&made, "/id"), text(&made, "/access_token/token"));
    assert_eq!(made["access_token"]["expires_in"], 3600);
    assert_eq!(api.ask(token, GET, "/account", None).await.status, StatusCode::OK);
    let listed = api.get("/oauth/authorizations").await.to_string();
    assert!(!listed.contains(token), "a token is shown once");
    let path = format!("/oauth/authorizations/{id}");
    api.get(&path).await;
    api.good(DELETE, &path, None).await;
    assert_eq!(api.ask(token, GET, "/account", None).await.status, StatusCode::UNAUTHORIZED);
    for path in ["/account/features", "/oauth/clients", "/oauth/sessions", "/teams", "/spaces"] {
        api.get(path).await;
    }
    for path in
        ["/pipelines", "/stacks/hokku-12", "/dyno-sizes", "/dyno-sizes/standard-1x", "/addon-services"]
    {
        api.get(path).await;
    }
    let service = "/addon-services/heroku-postgresql";
    for path in ["", "/plans", "/plans/mini"] {
        api.get(&format!("{service}{path}")).await;
    }
    api.get("/plans/heroku-postgresql:mini").await;
    for method in [GET, PATCH] {
        held(api, method, "/account/features/x").await;
    }
    let ended = held(api, DELETE, "/oauth/sessions/~").await;
    assert_eq!(ended["resource"], "session");
    for path in ["/api/v4/current-status", "/buildpacks"] {
        held(api, GET, path).await;
    }
    let python = held(api, GET, "/buildpacks/heroku%2Fpython").await;
    assert_eq!(
        text(&python, "/blob_url"),
        "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/python.tgz"
    );
}

async fn apps(api: &Api) {
    let made = api.good(POST, "/apps", Some(json!({ "name": "first", "feature_flags": "x" }))).await;
    assert_eq!(text(&made, "/git_url"), "https://localhost:5443/first.git");
    let renamed =
        api.good(PATCH, "/apps/first", Some(json!({ "name": "second", "maintenance": true }))).await;
    assert_eq!((text(&renamed, "/name"), &renamed["maintenance"]), ("second", &json!(true)));
    api.good(DELETE, "/apps/second", None).await;
    assert_eq!(api.ask(OWNER, GET, "/apps/second", None).await.status, StatusCode::NOT_FOUND);
    let made_up = api.good(POST, "/apps", None).await;
    api.good(DELETE, &format!("/apps/{}", text(&made_up, "/id")), None).await;

    let app = api.get(&format!("/apps/{APP}")).await;
    assert_eq!(app["slug_size"], 12_345_678);
    for path in ["/apps", "/users/~/apps", "/users/owner@example.com/apps"] {
        assert_eq!(api.get(path).await, json!([app]));
    }
    let filter = json!({ "in": { "id": [app["id"], "11111111-1111-4111-8111-111111111111"] } });
    assert_eq!(api.good(POST, "/filters/apps", Some(filter)).await, json!([app]));

    let change = json!({ "FOO": "bar", "NOT_THERE": null });
    let vars = api.good(PATCH, &format!("/apps/{APP}/config-vars"), Some(change)).await;
    assert_eq!(vars, json!({ "FOO": "bar", "SECRET_KEY": "one" }));
    for part in
        ["config-vars", "collaborators", "collaborators/owner@example.com", "domains", "available-stacks"]
    {
        api.get(&format!("/apps/{APP}/{part}")).await;
    }
    held(api, GET, &format!("/apps/{APP}/pipeline-couplings")).await;
    let domains = format!("/apps/{APP}/domains");
    let domain = json!({ "hostname": "WWW.Example.com", "sni_endpoint": null });
    let domain = api.good(POST, &domains, Some(domain)).await;
    assert_eq!(text(&domain, "/hostname"), "www.example.com");
    api.get(&format!("{domains}/www.example.com")).await;
    certificates(api, text(&domain, "/id")).await;
    api.good(DELETE, &format!("{domains}/{}", text(&domain, "/id")), None).await;
}

async fn certificates(api: &Api, domain: &str) {
    let app = format!("/apps/{APP}");
    let bring = |host: &str| {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).expect("a certificate");
        json!({ "certificate_chain": made.cert.pem(), "private_key": made.signing_key.serialize_pem() })
    };
    let made = api.good(POST, &format!("{app}/sni-endpoints"), Some(bring("*.example.com"))).await;
    assert_eq!(made["ssl_cert"]["cert_domains"], json!(["*.example.com"]));
    let endpoint = format!("{app}/sni-endpoints/{}", text(&made, "/name"));
    let choice = json!({ "sni_endpoint": made["name"] });
    let domain = api.good(PATCH, &format!("{app}/domains/{domain}"), Some(choice)).await;
    assert_eq!(domain["sni_endpoint"]["id"], made["id"]);
    let changed = api.good(PATCH, &endpoint, Some(bring("www.example.com"))).await;
    assert_eq!(changed["domains"], json!([domain["id"]]));
    api.get(&endpoint).await;
    assert_eq!(api.get(&format!("{app}/sni-endpoints")).await, json!([changed]));
    api.good(DELETE, &endpoint, None).await;
    let domain = api.get(&format!("{app}/domains/www.example.com")).await;
    assert_eq!((&domain["sni_endpoint"], &domain["acm_status"]), (&Value::Null, &Value::Null));

    assert_eq!(api.good(POST, &format!("{app}/acm"), Some(json!({}))).await["acm"], true);
    automatic(api, &domain).await;
    api.good(PATCH, &format!("{app}/acm"), Some(json!({ "acm_refresh": true }))).await;
    assert_eq!(api.good(DELETE, &format!("{app}/acm"), None).await["acm"], false);
    assert_eq!(api.get(&format!("{app}/sni-endpoints")).await, json!([]));
}

/// What is shown when the stage has got a certificate, and when it has not.
async fn automatic(api: &Api, domain: &Value) {
    let host: model::domain::Hostname = text(domain, "/hostname").parse().expect("a host");
    let made = rcgen::generate_simple_self_signed([host.to_string()]).expect("a certificate");
    let key = made.signing_key.serialize_pem();
    let certificate =
        certs::check(&made.cert.pem(), &key, &certs::Roots::from_pem(""), crate::fixture::now());
    let certificate = certificate.expect("a good one");
    let path = format!("/apps/{APP}/domains/{host}");
    assert_eq!(api.get(&path).await["acm_status"], Value::Null);
    let refused = host.clone();
    let note = api.cx.store.write(move |tx| tx.certificate_refused(&refused, "no", 1, tx.now()));
    note.await.expect("noted");
    let failing = api.get(&path).await;
    assert_eq!((&failing["acm_status"], &failing["acm_status_reason"]), (&json!("failing"), &json!("no")));
    api.cx.store.write(move |tx| tx.certificate_issued(&host, &certificate)).await.expect("kept");
    let there = api.get(&path).await;
    assert_eq!((&there["acm_status"], &there["acm_status_reason"]), (&json!("cert issued"), &Value::Null));
    assert_eq!(there["sni_endpoint"]["name"], "automatic");
    let shown = api.get(&format!("/apps/{APP}/sni-endpoints")).await;
    assert_eq!((&shown[0]["ssl_cert"]["acm"], &shown[0]["domains"]), (&json!(true), &json!([there["id"]])));
    let path = format!("/apps/{APP}/sni-endpoints/automatic");
    assert_eq!(api.get(&path).await, shown[0]);
    let gone = api.ask(OWNER, DELETE, &path, None).await;
    assert_eq!(gone.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", gone.text);
}

async fn processes(api: &Api) {
    let app = format!("/apps/{APP}");
    let formation = api.get(&format!("{app}/formation")).await;
    let size = |quantity: &Value, size: &str| (quantity.clone(), size.to_owned());
    assert_eq!(size(&formation[1]["quantity"], text(&formation[1], "/type")), (json!(2), "web".to_owned()));
    let updates = json!({ "updates": [
        { "type": "web", "quantity": "+1" },
        { "type": "worker", "quantity": "2", "size": "standard-2x" },
    ]});
    let changed = api.good(PATCH, &format!("{app}/formation"), Some(updates)).await;
    assert_eq!(
        [&changed[0]["quantity"], &changed[1]["quantity"], &changed[1]["size"]],
        [&json!(3), &json!(2), &json!("Standard-2X")]
    );
    let back = json!({ "quantity": 2, "dyno_size": { "name": "basic" } });
    let web = api.good(PATCH, &format!("{app}/formation/web"), Some(back)).await;
    assert_eq!(web["quantity"], 2);
    for part in ["formation/web", "dynos", "dynos/web.1", "available-dyno-sizes"] {
        api.get(&format!("{app}/{part}")).await;
    }
    let command =
        json!({ "command": "bash", "attach": true, "env": { "TERM": "xterm", "COLUMNS": 120, "LINES": 40 } });
    let run = api.good(POST, &format!("{app}/dynos"), Some(command)).await;
    assert!(text(&run, "/attach_url").starts_with("rendezvous://localhost:5000/"));
    assert_eq!((text(&run, "/name"), text(&run, "/type")), ("run.1", "run"));
    for path in ["dynos/run.1/actions/stop", "formations/web/actions/stop"] {
        api.good(POST, &format!("{app}/{path}"), None).await;
    }
    for path in ["dynos/web.1", "dynos", "formations/worker"] {
        api.good(DELETE, &format!("{app}/{path}"), None).await;
    }
}

async fn releases(api: &Api) {
    let app = format!("/apps/{APP}");
    let all = api.get(&format!("{app}/releases")).await;
    let deploy = &all[2];
    assert_eq!((text(deploy, "/description"), &deploy["current"]), ("Deploy 954ab531", &json!(true)));
    api.get(&format!("{app}/releases/v3")).await;
    let then = api.get(&format!("{app}/releases/{}/config-vars", text(deploy, "/id"))).await;
    assert_eq!(then, json!({ "SECRET_KEY": "one" }));
    let slug = text(deploy, "/slug/id");
    let slug_json = api.get(&format!("{app}/slugs/{slug}")).await;
    assert_eq!(text(&slug_json, "/process_types/web"), "gunicorn mysite.wsgi");
    let again = api.good(POST, &format!("{app}/releases"), Some(json!({ "slug": slug }))).await;
    assert_eq!(text(&again, "/description"), "Deploy 954ab531");
    let back = api.good(POST, &format!("{app}/releases"), Some(json!({ "release": deploy["id"] }))).await;
    assert_eq!((text(&back, "/description"), text(&back, "/status")), ("Rollback to v3", "pending"));
    let now = api.get(&format!("{app}/config-vars")).await;
    assert_eq!(now, json!({ "SECRET_KEY": "one" }), "the config is that of v3 again");
}

async fn builds(api: &Api) {
    let app = format!("/apps/{APP}");
    let builds = api.get(&format!("{app}/builds")).await;
    api.get(&format!("{app}/builds/{}", text(&builds[0], "/id"))).await;
    api.good(POST, "/sources", None).await;
    let source = api.good(POST, &format!("{app}/sources"), None).await;
    let put_url = text(&source, "/source_blob/put_url");
    let path = put_url.strip_prefix("https://localhost:5443").expect("our own address");
    let put = Request::put(path).body(Body::from("an archive")).expect("a request");
    let put = api.send(put).await;
    assert_eq!(put.status, StatusCode::OK);
    api.hold(&PUT, path, &put);
    let request = json!({ "source_blob": { "url": text(&source, "/source_blob/get_url"), "version": "v1" } });
    let build = api.good(POST, &format!("{app}/builds"), Some(request)).await;
    let kept = api.cx.sources.join(format!("{}.tar", text(&build, "/id")));
    assert_eq!(std::fs::read(kept).expect("the build's archive"), b"an archive");
    let list = format!("{app}/buildpack-installations");
    let urn = json!({ "updates": [{ "buildpack": "urn:buildpack:heroku/python" }] });
    let set = api.good(PUT, &list, Some(urn)).await;
    assert_eq!(text(&set[0], "/buildpack/name"), "heroku/python");
    let url = text(&set[0], "/buildpack/url");
    let again = api.good(PUT, &list, Some(json!({ "updates": [{ "buildpack": url }] }))).await;
    assert_eq!(again, api.get(&list).await);
    assert_eq!(again, set, "the registry's URL means the name");
}

async fn addons(api: &Api) {
    let app = format!("/apps/{APP}");
    let request = json!({ "plan": { "name": "heroku-postgresql:mini" }, "attachment": {}, "config": {} });
    let made = api.good(POST, &format!("{app}/addons"), Some(request)).await;
    let (id, name) = (text(&made, "/id"), text(&made, "/name"));
    assert_eq!(made["config_vars"], json!(["DATABASE_URL"]));
    for path in ["/addons".to_owned(), format!("{app}/addons")] {
        assert_eq!(api.get(&path).await, json!([made]));
    }
    for path in [format!("/addons/{name}"), format!("{app}/addons/{id}"), format!("{app}/addons/DATABASE")] {
        assert_eq!(api.get(&path).await, made);
    }
    for text in [name, id, "DATABASE", "DATABASE_URL", "heroku-postgresql"] {
        let asked = json!({ "addon": text, "app": APP });
        assert_eq!(api.good(POST, "/actions/addons/resolve", Some(asked)).await, json!([made]), "{text}");
    }
    let attachments = api.get("/addon-attachments").await;
    for path in [format!("/addons/{id}/addon-attachments"), format!("{app}/addon-attachments")] {
        assert_eq!(api.get(&path).await, attachments);
    }
    let attachment = text(&attachments[0], "/id");
    for path in [format!("/addon-attachments/{attachment}"), format!("{app}/addon-attachments/DATABASE")] {
        assert_eq!(api.get(&path).await, attachments[0]);
    }
    for (text, on) in
        [("DATABASE", APP), ("DATABASE_URL", APP), ("running-app::DATABASE", "nowhere"), (name, APP)]
    {
        let asked = json!({ "addon_attachment": text, "app": on });
        let found = api.good(POST, "/actions/addon-attachments/resolve", Some(asked)).await;
        assert_eq!(found, attachments, "{text}");
    }
    let database = api.get(&format!("/client/v11/databases/{id}")).await;
    assert_eq!(text(&database, "/resource_url"), crate::desk::URL);
    let waiting = api.get(&format!("/client/v11/databases/{name}/wait_status")).await;
    assert_eq!(waiting["waiting?"], false);
    attachments_of(api, name).await;
    databases(api, id).await;
    let plan = json!({ "plan": { "name": "heroku-postgresql:basic" } });
    let changed = api.good(PATCH, &format!("{app}/addons/{name}"), Some(plan)).await;
    assert_eq!(text(&changed, "/plan/name"), "heroku-postgresql:basic");
    let renamed = api.good(PATCH, &format!("{app}/addons/{id}"), Some(json!({ "name": "renamed" }))).await;
    assert_eq!(text(&renamed, "/name"), "renamed");
    crate::transfers::every_route(api, id).await;
    let gone = api.good(DELETE, &format!("{app}/addons/{id}"), Some(json!({ "force": false }))).await;
    assert_eq!(text(&gone, "/state"), "deprovisioned");
    assert_eq!(api.get(&format!("{app}/config-vars")).await.get("DATABASE_URL"), None);
}

/// A second place in the app's config, which takes that of the first only when that is confirmed.
async fn attachments_of(api: &Api, name: &str) {
    let wish = |name: &str, attachment: Option<&str>, confirm: Option<&str>| json!({ "addon": { "name": name }, "app": { "name": APP }, "name": attachment, "confirm": confirm });
    let made = api.good(POST, "/addon-attachments", Some(wish(name, None, Some(APP)))).await;
    assert_eq!(text(&made, "/name"), "HEROKU_POSTGRESQL_BLUE");
    for confirm in [None, Some("another-app")] {
        let body = wish(name, Some("DATABASE"), confirm);
        let asked = api.ask(OWNER, POST, "/addon-attachments", Some(body)).await;
        assert_eq!((asked.status, text(&asked.json(), "/id")), (StatusCode::LOCKED, "confirmation_required"));
    }
    let taken = api.good(POST, "/addon-attachments", Some(wish(name, Some("DATABASE"), Some(APP)))).await;
    assert_eq!(text(&taken, "/name"), "DATABASE");
    let id = text(&made, "/id");
    let gone = api.good(DELETE, &format!("/addon-attachments/{id}"), None).await;
    assert_eq!(text(&gone, "/id"), id);
    let vars = api.get(&format!("/apps/{APP}/config-vars")).await;
    assert_eq!(vars.get("HEROKU_POSTGRESQL_BLUE_URL"), None);
}

async fn databases(api: &Api, id: &str) {
    let data = format!("/client/v11/databases/{id}");
    let ours = format!("/postgres/v0/databases/{id}");
    api.good(POST, &format!("{data}/connection_reset"), None).await;
    let credential = api.get(&format!("{ours}/credentials/default")).await;
    assert_eq!(text(&credential, "/credentials/0/password"), "secret");
    let listed = api.get(&format!("{ours}/credentials")).await;
    assert_eq!((text(&listed[0], "/name"), text(&listed[0], "/state")), ("default", "active"));
    assert_eq!(listed[0]["credentials"][0].get("password"), None, "a list tells no password");
    held(api, POST, &format!("{ours}/credentials")).await;
    for path in ["credentials/default/credentials_rotation", "credentials_rotation"] {
        api.good(POST, &format!("{ours}/{path}"), Some(json!({ "forced": true }))).await;
    }
    assert_eq!(text(&api.get(&format!("{ours}/credentials")).await[0], "/state"), "rotating");

    let reset = format!("{data}/reset");
    let asking = api.good(PUT, &reset, Some(json!({ "extensions": null })));
    tokio::join!(asking, reset_it(api, id));
    assert_eq!(api.get(&format!("{data}/wait_status")).await["waiting?"], false);
}

/// Stands in for the stage: waits until a reset is asked for, and says that it is done.
async fn reset_it(api: &Api, id: &str) {
    let id = id.parse().expect("an id");
    let store = &api.cx.store;
    let mut wake = store.watch(&[Topic::Addons]);
    loop {
        let database = store.read(move |tx| tx.database(id)).await.expect("read");
        if database.reset == Reset::Wanted {
            let done = Database { reset: Reset::None, ..database };
            return store.write(move |tx| tx.set_database(&done)).await.expect("written");
        }
        wake.changed_or_after(Duration::from_secs(60)).await;
    }
}

async fn streams(api: &Api) {
    let session = json!({ "lines": 2, "tail": false, "dyno": "web" });
    let session = api.good(POST, &format!("/apps/{APP}/log-sessions"), Some(session)).await;
    let build = api.get(&format!("/apps/{APP}/builds/{}", api.running.build.id)).await;
    for (url, wanted) in [
        (text(&session, "/logplex_url"), "app[web.1]: Listening on 5000\n"),
        (text(&build, "/output_stream_url"), "-----> Building\n-----> Done\n"),
    ] {
        let path = url.strip_prefix("https://localhost:5443").expect("our own address");
        let answer = api.send(Request::get(path).body(Body::empty()).expect("a request")).await;
        assert!(answer.text.contains(wanted), "{} {}", answer.status, answer.text);
        assert_eq!(answer.text.lines().count(), 2);
        api.hold(&GET, path, &answer);
    }
}
