//! The service as clients see it: boto3, the library that Django's storages use, against a real listener with TLS.

mod service;

use std::path::Path;
use std::process::{Command, Output};

use service::{Service, key};

/// The client that the sample app pins.
const BOTO3: &str = "boto3==1.44.5";

/// Runs a Python script with boto3 against the service; it gets the keys of buckets `one` and `two`.
fn python(script: &str, service: &Service, arguments: &[&str]) -> Output {
    let uv = std::env::var("HOKKU_UV").unwrap_or_else(|_| "uv".to_owned());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(script);
    let mut command = Command::new(uv);
    command.args(["run", "--quiet", "--no-project", "--python", "3", "--with", BOTO3, "python"]).arg(file);
    command.args(arguments);
    command.env("AWS_CA_BUNDLE", service.authority()).env("AWS_ENDPOINT_URL_S3", service.url());
    command.env("AWS_DEFAULT_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
    for name in ["one", "two"] {
        let keys = key(name);
        command.env(format!("{}_KEY", name.to_uppercase()), keys.access_key);
        command.env(format!("{}_SECRET", name.to_uppercase()), keys.secret_key.expose_secret());
    }
    command.output().expect("uv runs: it is on PATH, or HOKKU_UV names it")
}

fn assert_passed(output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.trim_end().ends_with("all is well"), "{out}\n{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_can_do_what_apps_do() {
    let service = Service::start().await;
    let service = tokio::task::spawn_blocking(move || {
        assert_passed(&python("client.py", &service, &[]));
        service
    });
    let service = service.await.expect("ran");
    let usage = service.client().measure("one").await.expect("measured");
    assert!(usage.objects > 1000, "{usage:?}");
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_is_there_after_a_start() {
    let service = Service::start().await;
    let service = tokio::task::spawn_blocking(move || {
        assert_passed(&python("survivor.py", &service, &["write"]));
        service
    });
    let service = service.await.expect("ran");
    let left = service.dir().join("buckets/all/one/tmp/left-by-a-kill");
    std::fs::write(&left, b"half").expect("written");
    let service = service.restart().await;
    assert!(!left.exists(), "what a killed process left is gone");
    let service = tokio::task::spawn_blocking(move || {
        assert_passed(&python("survivor.py", &service, &["read"]));
        service
    });
    service.await.expect("ran").end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_bucket_is_gone_and_its_keys_open_nothing() {
    let service = Service::start().await;
    let client = service.client();
    client.remove("two").await.expect("removed");
    client.remove("two").await.expect("removed again");
    assert!(client.measure("two").await.is_err());
    assert!(!service.dir().join("buckets/all/two").exists());
    let service = tokio::task::spawn_blocking(move || {
        assert_passed(&python("removed.py", &service, &[]));
        service
    });
    service.await.expect("ran").end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_sealed_and_names_are_checked() {
    let service = Service::start().await;
    let kept = std::fs::read(service.dir().join("buckets/all/one/bucket.json")).expect("read");
    let secret = key("one").secret_key;
    let secret = secret.expose_secret().as_bytes();
    assert!(!kept.windows(secret.len()).any(|part| part == secret), "the secret is in the file");
    let client = service.client();
    for name in ["../evil", "A", "", "a/b"] {
        let bad = bucket::Definition { bucket: name.to_owned(), ..key("three") };
        assert!(client.set(&bad).await.is_err(), "{name}");
    }
    let taken = bucket::Definition { bucket: "three".to_owned(), ..key("one") };
    assert!(client.set(&taken).await.is_err(), "keys of another bucket");
    service.end().await;
}
