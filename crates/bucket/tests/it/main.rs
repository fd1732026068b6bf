//! The service as clients see it: boto3, the library that Django's storages use, against a real listener with TLS.

mod service;

use std::path::Path;
use std::process::{Command, Output};

use bucket::{OutsideConfig, OutsideError};
use model::config_var::Secret;
use service::{Outside, Service, key, now};

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

/// Runs a script that has to pass.
async fn passes(script: &'static str, service: Service, arguments: &'static [&str]) -> Service {
    let ran = tokio::task::spawn_blocking(move || {
        assert_passed(&python(script, &service, arguments));
        service
    });
    ran.await.expect("ran")
}

fn assert_passed(output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.trim_end().ends_with("all is well"), "{out}\n{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_can_do_what_apps_do() {
    let service = passes("client.py", Service::start().await, &[]).await;
    let usage = service.client().measure("one").await.expect("measured");
    assert!(usage.objects > 1000, "{usage:?}");
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_can_do_the_same_with_an_outside_s3() {
    let outside = Outside::start().await;
    let service = passes("client.py", Service::start_with(Some(outside.config())).await, &["outside"]).await;
    let usage = service.client().measure("one").await.expect("measured");
    assert!(usage.objects > 1000, "{usage:?}");
    let there = outside.service.client();
    let both = there.measure("outside").await.expect("measured");
    assert!(both.objects > usage.objects && both.bytes > usage.bytes, "{both:?}");
    for name in ["one", "two"] {
        service.client().remove(name).await.expect("removed");
    }
    let left = there.measure("outside").await.expect("measured");
    assert_eq!((left.objects, left.bytes), (0, 0), "its objects went with the bucket");
    service.end().await;
    outside.service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_s3_that_is_away_is_told_and_taken_up_again() {
    let mut outside = Outside::start().await;
    let service = Service::start_with(Some(outside.config())).await;
    let service = passes("away.py", service, &["before"]).await;
    outside.cut().await;
    let service = passes("away.py", service, &["away"]).await;
    assert!(service.client().remove("two").await.is_err(), "it is not gone while its objects are there");
    assert!(service.client().set(&key("three")).await.is_err(), "there is no place for another one");
    service.client().set(&key("one")).await.expect("one that is there can be told other keys");
    assert!(matches!(outside.config().check(std::sync::Arc::new(now)).await, Err(OutsideError::Away { .. })));
    outside.heal().await;
    let service = passes("away.py", service.restart().await, &["after"]).await;
    service.client().remove("two").await.expect("removed");
    service.end().await;
    outside.service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_a_clear_error() {
    let outside = Outside::start().await;
    let clock = || std::sync::Arc::new(now) as bucket::Clock;
    let right = outside.config();
    right.clone().check(clock()).await.expect("all is allowed");
    let wrong = [
        OutsideConfig { secret_key: Secret::from("wrong"), ..right.clone() },
        OutsideConfig { access_key: "HKNOBODY".to_owned(), ..right.clone() },
        OutsideConfig { url: right.url.replace("/outside/", "/two/"), ..right.clone() },
    ];
    for config in wrong {
        let error = config.check(clock()).await.expect_err("refused");
        assert!(matches!(error, OutsideError::Refused { .. }), "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
    for url in ["ftp://x/bucket", "https://host", "https://key:secret@host/bucket", "https://host/a?b"] {
        let error = OutsideConfig { url: url.to_owned(), ..right.clone() }.check(clock()).await;
        assert!(matches!(error, Err(OutsideError::Url { .. })), "{url}");
    }
    let left = outside.service.client().measure("outside").await.expect("measured");
    assert_eq!(left.objects, 0, "a check leaves nothing");
    outside.service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_is_there_after_a_start() {
    let service = passes("survivor.py", Service::start().await, &["write"]).await;
    let left = service.dir().join("buckets/all/one/tmp/left-by-a-kill");
    std::fs::write(&left, b"half").expect("written");
    let service = service.restart().await;
    assert!(!left.exists(), "what a killed process left is gone");
    passes("survivor.py", service, &["read"]).await.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_changes_holds_at_once_wherever_the_objects_are() {
    let outside = Outside::start().await;
    for place in [None, Some(outside.config())] {
        let mut service = Service::start_with(place).await;
        for (limit, step) in [(100_000, &["full"]), (200_000, &["larger"]), (50_000, &["smaller"])] {
            let definition = bucket::Definition { bytes_max: limit, ..key("two") };
            service.client().set(&definition).await.expect("set");
            service = passes("plans.py", service, step).await;
            let usage = service.client().measure("two").await.expect("measured");
            assert_eq!(usage.bytes_max, limit);
            service = service.restart().await;
        }
        service.client().remove("two").await.expect("removed");
        service.end().await;
    }
    outside.service.end().await;
}

/// Objects stay where they are: a bucket of before is not moved by an outside S3 that is new.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_its_place() {
    let outside = Outside::start().await;
    let service = passes("survivor.py", Service::start().await, &["write"]).await;
    let service = service.restart_with(Some(outside.config())).await;
    service.client().set(&key("one")).await.expect("set again");
    let service = passes("survivor.py", service, &["read"]).await;
    service.client().set(&key("three")).await.expect("made");
    let service = service.restart_with(None).await;
    let refused = service.client().set(&key("three")).await.expect_err("its objects cannot be reached");
    assert!(refused.to_string().contains("--s3-url"), "{refused}");
    assert!(service.client().remove("three").await.is_err());
    service.end().await;
    outside.service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_bucket_is_gone_and_its_keys_open_nothing() {
    let service = Service::start().await;
    let client = service.client();
    client.remove("two").await.expect("removed");
    client.remove("two").await.expect("removed again");
    assert!(client.measure("two").await.is_err());
    assert!(!service.dir().join("buckets/all/two").exists());
    passes("removed.py", service, &[]).await.end().await;
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
