//! Buckets as an app, a browser and a library from outside see them: uploads outlive dynos, deploys and killed processes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::developer::Developer;
use crate::server::Server;
use crate::until::{PATIENCE, SOON, until, until_true};

const APP: &str = "albums";
const HOST: &str = "albums.localhost";
const S3: &str = "s3.localhost";
/// The client that the sample app pins.
const BOTO3: &str = "boto3==1.44.5";
/// A picture of one pixel.
const PICTURE: [u8; 70] = [
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 31,
    21, 196, 137, 0, 0, 0, 13, 73, 68, 65, 84, 120, 218, 99, 100, 248, 207, 80, 15, 0, 3, 134, 1, 128, 90,
    52, 125, 107, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

#[test]
fn uploads_outlive_restarts_and_deploys() {
    let server = Server::start();
    let developer = Developer::new(&server, "django-events");
    developer.heroku(&["create", APP]).ok();
    developer.heroku(&["addons:create", "heroku-postgresql:mini"]).ok();
    developer.heroku(&["addons:create", "bucketeer"]).ok();
    let config = until("database and bucket are there", PATIENCE, || {
        let config = server.get(&format!("/apps/{APP}/config-vars"));
        (config["DATABASE_URL"].is_string() && config["BUCKETEER_BUCKET_NAME"].is_string()).then_some(config)
    });
    assert_eq!(config["AWS_STORAGE_BUCKET_NAME"], config["BUCKETEER_BUCKET_NAME"]);
    let endpoint = format!("https://{S3}:{}", server.port());
    assert_eq!(config["AWS_ENDPOINT_URL_S3"], json!(endpoint));
    developer.heroku(&["config:set", "SECRET_KEY=no-secret-in-a-test"]).ok();
    developer.push().ok();

    let bucket = config["BUCKETEER_BUCKET_NAME"].as_str().expect("a name");
    upload(&server, "Painting");
    let picture = picture_of(&server, &endpoint, bucket);
    let seen = server.client().get(S3, &picture);
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("image/png")), "{}", seen.text());
    assert_eq!(seen.body, PICTURE, "what a browser gets is what was uploaded");
    let unsigned = picture.split('?').next().unwrap_or_default();
    assert_eq!(server.client().get(S3, unsigned).status, 403, "not everybody's to see");

    developer.heroku(&["ps:restart"]).ok();
    until_true("the page shows the picture again", PATIENCE, || {
        server.page(APP, "/").text().contains(unsigned)
    });
    developer.heroku(&["config:set", "STATIC_ON_S3=1"]).ok();
    developer.write("eventsite/version.py", "RELEASE_MARKER = \"second\"\n");
    developer.commit("second");
    developer.push().ok();
    let home = server.page(APP, "/").text();
    assert!(home.contains(unsigned), "{home}");
    assert_eq!(server.client().get(S3, &picture_of(&server, &endpoint, bucket)).body, PICTURE);
    let sheet = between(&home, &format!("href=\"{endpoint}"), "\"");
    assert!(sheet.contains("/public/static/"), "{sheet}");
    assert_eq!(
        server.client().get(S3, &sheet).status,
        200,
        "collectstatic filled the bucket; anybody may read"
    );

    let folder = server.dir().join("buckets/all").join(bucket);
    assert!(folder.is_dir());
    developer.heroku(&["addons:destroy", "bucketeer", "--confirm", APP]).ok();
    until_true("the bucket is gone", SOON, || !folder.exists());
    assert_eq!(server.client().get(S3, &sheet).status, 403);
    assert!(server.get(&format!("/apps/{APP}/config-vars"))["AWS_ACCESS_KEY_ID"].is_null());
}

/// Fills in the form of the home page with a picture, as a browser would.
fn upload(server: &Server, title: &str) {
    let mut browser = server.client().connect(HOST).expect("the app's certificate is trusted");
    let form = browser.send("GET", "/", &[], b"").expect("the form");
    let token = between(&form.text(), "name=\"csrfmiddlewaretoken\" value=\"", "\"");
    let cookie = between(form.header("set-cookie").expect("a cookie"), "", ";");
    let origin = format!("https://{HOST}:{}", server.port());
    let mut body = Vec::new();
    let fields = [
        ("csrfmiddlewaretoken", token.as_str()),
        ("title", title),
        ("category", "other"),
        ("place", "Here"),
        ("starts_at", "2030-01-01T20:00"),
        ("description", "x"),
    ];
    for (name, value) in fields {
        let part = format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.as_bytes());
    }
    let file =
        "Content-Disposition: form-data; name=\"image\"; filename=\"p.png\"\r\nContent-Type: image/png";
    body.extend(format!("--part\r\n{file}\r\n\r\n").as_bytes());
    body.extend(PICTURE);
    body.extend(b"\r\n--part--\r\n");
    let headers = [
        ("Cookie", cookie.as_str()),
        ("Origin", origin.as_str()),
        ("Content-Type", "multipart/form-data; boundary=part"),
    ];
    let answer = browser.send("POST", "/", &headers, &body).expect("an answer");
    assert_eq!(answer.status, 302, "{}", answer.text());
}

/// Path and signature of the picture on the home page.
fn picture_of(server: &Server, endpoint: &str, bucket: &str) -> String {
    let home = server.page(APP, "/").text();
    let start = format!("/{bucket}/events/");
    let rest = between(&home, &format!("src=\"{endpoint}{start}"), "\"");
    format!("{start}{}", rest.replace("&amp;", "&"))
}

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {text}")).1;
    rest.split(after).next().unwrap_or_default().to_owned()
}

#[test]
fn no_acknowledged_object_is_lost_whatever_is_killed() {
    let mut server = Server::start();
    Developer::new(&server, "hello").heroku(&["create", APP]).ok();
    server.change("POST", &format!("/apps/{APP}/addons"), &json!({ "plan": "bucketeer:hobbyist" }));
    let config = until("there is a bucket", SOON, || {
        let config = server.get(&format!("/apps/{APP}/config-vars"));
        config["AWS_ACCESS_KEY_ID"].is_string().then_some(config)
    });
    let config: BTreeMap<String, String> = serde_json::from_value(config).expect("texts");
    let mut writer = Writer::start(&server, &config);
    writer.pass(20);
    let first = one_process(&server);
    kill(Pid::from_raw(first), Signal::SIGKILL).expect("killed");
    writer.pass(20);
    let second = one_process(&server);
    assert_ne!(second, first, "another one serves");

    server.kill();
    writer.pass(20);
    server.start_again();
    assert_eq!(one_process(&server), second, "the service went on without the server, and was taken up");
    let router = server.processes(&["router"])[0];
    kill(Pid::from_raw(router), Signal::SIGKILL).expect("killed");
    writer.pass(20);
    server.hang_up();
    kill(Pid::from_raw(second), Signal::SIGKILL).expect("killed");
    server.start_again();
    writer.pass(20);
    writer.end();
}

fn one_process(server: &Server) -> i32 {
    until("the service of buckets runs", SOON, || match server.processes(&["buckets.json"])[..] {
        [one] => Some(one),
        _ => None,
    })
}

/// A library outside of the platform that writes all the time.
struct Writer {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Writer {
    fn start(server: &Server, config: &BTreeMap<String, String>) -> Self {
        let uv = std::env::var("HOKKU_UV").unwrap_or_else(|_| "uv".to_owned());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/writer.py");
        let mut child = Command::new(uv)
            .args(["run", "--quiet", "--no-project", "--python", "3", "--with", BOTO3, "python", script])
            .envs(config)
            .env("AWS_CA_BUNDLE", server.dir().join("tls/ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("uv runs: it is on PATH, or HOKKU_UV names it");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, said }
    }

    /// Waits for so many more acknowledged objects.
    fn pass(&mut self, objects: usize) {
        for _ in 0..objects {
            let mut line = String::new();
            self.said.read_line(&mut line).expect("a line");
            assert!(line.starts_with("kept "), "the writer ended: {line}");
        }
    }

    fn end(mut self) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).expect("text");
        assert!(self.child.wait().expect("ended").success(), "{rest}");
        assert!(rest.contains("are there"), "{rest}");
    }
}
