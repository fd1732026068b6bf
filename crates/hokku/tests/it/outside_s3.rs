//! Buckets whose objects are in an S3 of somebody else: a bare `s3s-fs`, as an app and the owner of the platform see it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::developer::Developer;
use crate::server::{HOKKU, Server, free_ports};
use crate::until::{PATIENCE, SOON, until, until_true};

const APP: &str = "albums";
const OTHER: &str = "others";
/// The client that the sample app pins.
const BOTO3: &str = "boto3==1.44.5";
const ACCESS_KEY: &str = "OUTSIDEKEY";
const SECRET_KEY: &str = "outside-secret";

/// A bare `s3s-fs` with one bucket, `store`.
struct Bare {
    dir: TempDir,
    port: u16,
    runtime: Option<Runtime>,
}

impl Bare {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("all/store")).expect("made");
        let [port] = free_ports();
        let mut bare = Self { dir, port, runtime: None };
        bare.keys(SECRET_KEY);
        bare.serve();
        bare
    }

    /// Is there, or there again.
    fn serve(&mut self) {
        let files = s3s_fs::FileSystem::new(self.root()).expect("a file system");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = builder.build();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", self.port))).expect("the port");
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = hyper::server::conn::http1::Builder::new();
                    server.serve_connection(TokioIo::new(stream), service).await
                });
            }
        });
        self.runtime = Some(runtime);
    }

    /// Drops dead, with every connection.
    fn drop_dead(&mut self) {
        self.runtime.take().expect("it runs").shutdown_timeout(Duration::from_secs(5));
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("all")
    }

    /// The folder of one of our buckets.
    fn folder(&self, bucket: &str) -> PathBuf {
        self.root().join("store/hokku").join(bucket)
    }

    fn keys(&self, secret: &str) -> PathBuf {
        let file = self.dir.path().join("keys");
        let text = format!("AWS_ACCESS_KEY_ID={ACCESS_KEY}\nAWS_SECRET_ACCESS_KEY={secret}\n");
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
        file
    }

    fn options(&self) -> [String; 2] {
        let keys = self.dir.path().join("keys");
        [
            format!("--s3-url=http://127.0.0.1:{}/store/hokku", self.port),
            format!("--s3-keys={}", keys.display()),
        ]
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// How many files are below a folder.
fn files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

fn config_of(server: &Server, app: &str) -> Value {
    until(&format!("{app} has a bucket"), PATIENCE, || {
        let config = server.get(&format!("/apps/{app}/config-vars"));
        config["AWS_ACCESS_KEY_ID"].is_string().then_some(config)
    })
}

/// An app with boto3, outside of the platform.
fn script(server: &Server, step: &str, config: &Value, other: &Value) -> Command {
    let uv = std::env::var("HOKKU_UV").unwrap_or_else(|_| "uv".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/outside_s3.py");
    let mut command = Command::new(uv);
    command.args([
        "run",
        "--quiet",
        "--no-project",
        "--python",
        "3",
        "--with",
        BOTO3,
        "python",
        script,
        step,
    ]);
    command.env("OWN", config.to_string()).env("OTHER", other.to_string());
    // What it shares with the tests of the service itself.
    command.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/../bucket/tests/it"));
    command.env("AWS_CA_BUNDLE", server.dir().join("tls/ca.pem"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
fn passes(server: &Server, step: &str, config: &Value, other: &Value) {
    let ran =
        script(server, step, config, other).output().expect("uv runs: it is on PATH, or HOKKU_UV names it");
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && out.trim_end().ends_with("all is well"), "{step}: {out}\n{err}");
}

#[test]
fn objects_are_in_an_s3_of_somebody_else_and_apps_notice_nothing() {
    let mut bare = Bare::start();
    let [url, keys] = bare.options();
    let server = Server::start_with(&[&url, &keys]);
    let developer = Developer::new(&server, "hello");
    for app in [APP, OTHER] {
        developer.heroku(&["create", app, "--no-remote"]).ok();
        developer.heroku(&["addons:create", "bucketeer", "--app", app]).ok();
    }
    let (own, other) = (config_of(&server, APP), config_of(&server, OTHER));
    for config in [&own, &other] {
        let text = config.to_string();
        assert!(!text.contains(ACCESS_KEY) && !text.contains(SECRET_KEY), "the platform's keys stay its own");
    }
    let name = |config: &Value| config["BUCKETEER_BUCKET_NAME"].as_str().expect("a name").to_owned();
    passes(&server, "use", &own, &other);
    assert!(files(&bare.folder(&name(&own))) > 0 && files(&bare.folder(&name(&other))) > 0);
    let here = server.dir().join("buckets/all").join(name(&own));
    assert!(files(&here) <= 2, "nothing of an object is in the data folder");

    bare.drop_dead();
    passes(&server, "away", &own, &other);
    developer.heroku(&["addons:create", "bucketeer", "--app", APP, "--as", "LATER"]).ok();
    until_true("the owner is told why", SOON, || {
        let log = server.log();
        log.contains("could not provision") && log.contains("the outside S3 takes no objects")
    });
    let later = || server.config_var(APP, "LATER_BUCKET_NAME");
    assert_eq!(later(), None, "no app is told of a bucket that has no place");
    bare.serve();
    passes(&server, "back", &own, &other);
    until("the add-on that was asked for meanwhile is there", PATIENCE, later);

    developer.heroku(&["addons:upgrade", "BUCKETEER", "bucketeer:micro", "--app", APP]).ok();
    developer.heroku(&["addons:downgrade", "BUCKETEER", "bucketeer:hobbyist", "--app", APP]).ok();
    let (there, beside) = (bare.folder(&name(&own)), bare.folder(&name(&other)));
    let of_other = files(&beside);
    developer.heroku(&["addons:destroy", "BUCKETEER", "--app", APP, "--confirm", APP]).ok();
    until_true("the objects are gone with the add-on", SOON, || files(&there) == 0 && !here.exists());
    assert_eq!(files(&beside), of_other, "and no others");
    let log = fs::read_to_string(server.dir().join("buckets/buckets.log")).expect("a log");
    assert!(log.contains("the outside S3 at http://127.0.0.1") && !log.contains(SECRET_KEY), "{log}");
    let told = fs::read_to_string(server.dir().join("buckets/buckets.json")).expect("settings");
    assert!(!told.contains(SECRET_KEY), "{told}");
}

#[test]
fn an_upload_in_parts_outlives_whatever_is_killed() {
    let bare = Bare::start();
    for options in [Vec::new(), bare.options().to_vec()] {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut server = Server::start_with(&options);
        server.change("POST", "/apps", &json!({ "name": APP }));
        server.change("POST", &format!("/apps/{APP}/addons"), &json!({ "plan": "bucketeer:hobbyist" }));
        let config = config_of(&server, APP);
        let mut child = script(&server, "parts", &config, &config).spawn().expect("uv runs");
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut go_on = child.stdin.take().expect("a pipe");
        let mut heard = |what: &str| {
            let mut line = String::new();
            said.read_line(&mut line).expect("a line");
            assert_eq!(line.trim_end(), what);
        };
        heard("half");
        server.kill();
        for process in server.processes(&["buckets.json"]) {
            kill(Pid::from_raw(process), Signal::SIGKILL).expect("killed");
        }
        server.start_again();
        go_on.write_all(b"\n").expect("it listens");
        // In the middle of a part's bytes.
        heard("sending");
        let process =
            until("the service of buckets runs", SOON, || match server.processes(&["buckets.json"])[..] {
                [one] => Some(one),
                _ => None,
            });
        kill(Pid::from_raw(process), Signal::SIGKILL).expect("killed");
        go_on.write_all(b"\n").expect("it listens");
        heard("all is well");
        let mut rest = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut rest).expect("text");
        assert!(child.wait().expect("ended").success(), "{rest}");
    }
}

/// A front of `bare` with TLS; its certificate is at `path`.
fn secured(bare: &Bare, path: &Path) -> u16 {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    fs::write(path, made.cert.pem()).expect("written");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth();
    let config = config.with_single_cert(vec![made.cert.der().clone()], key).expect("they fit");
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let runtime = bare.runtime.as_ref().expect("it runs");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let (port, behind) = (listener.local_addr().expect("an address").port(), bare.port);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            tokio::spawn(async move {
                let mut plain = tokio::net::TcpStream::connect(("127.0.0.1", behind)).await?;
                tokio::io::copy_bidirectional(&mut stream, &mut plain).await
            });
        }
    });
    port
}

#[test]
fn a_server_whose_keys_are_refused_says_so_and_does_not_start() {
    let bare = Bare::start();
    bare.keys("not-the-secret");
    let data = tempfile::tempdir().expect("a folder");
    let (dir, certificate) = (data.path().join("data"), data.path().join("outside.pem"));
    let secured = format!("--s3-url=https://127.0.0.1:{}/store", secured(&bare, &certificate));
    let [plain, keys] = bare.options();
    for url in [plain, secured] {
        let mut command = Command::new(HOKKU);
        command.arg("server").arg("--data-dir").arg(&dir).args([&url, &keys]);
        command.env("SSL_CERT_FILE", &certificate);
        refuses_to_start(&mut command, &dir);
    }
}

#[track_caller]
fn refuses_to_start(command: &mut Command, dir: &Path) {
    let ran = command.stdin(Stdio::null()).output().expect("it runs");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!ran.status.success(), "{said}");
    assert!(said.contains("the S3 of --s3-url cannot be used") && said.contains("refuses to"), "{said}");
    assert!(said.contains("SignatureDoesNotMatch") && !said.contains("not-the-secret"), "{said}");
    assert!(!dir.exists(), "nothing was begun");
}
