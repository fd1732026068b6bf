use std::fs;
use std::time::{Duration, SystemTime};

use model::id::{AccountId, AppId};
use model::time::Timestamp;
use slug::{Digest, LayerRef};

use super::{Cache, Dependencies, LAYER_AGE_MAX, live_layers};

fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("fits"))
}

fn dependencies(text: &str) -> Dependencies {
    Dependencies { layer: LayerRef { digest: Digest::of(text.as_bytes()), bytes: 1 }, packages: 32 }
}

#[test]
fn what_is_remembered_is_found_by_its_account_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mine, other) = (AccountId::from_u128(1), AccountId::from_u128(2));
    let key = Digest::of(b"key");
    let cache = Cache::open(dir.path(), mine).expect("opened");
    assert_eq!(cache.dependencies(&key), None);
    cache.remember_dependencies(&key, &dependencies("a")).expect("remembered");
    cache.remember_python(AppId::from_u128(1), "3.12.1".parse().expect("a version")).expect("remembered");

    let again = Cache::open(dir.path(), mine).expect("opened");
    assert_eq!(again.dependencies(&key), Some(dependencies("a")));
    assert_eq!(
        again.last_python(AppId::from_u128(1)).map(|version| version.to_string()).as_deref(),
        Some("3.12.1")
    );
    assert_eq!(again.last_python(AppId::from_u128(2)), None);
    assert_eq!(Cache::open(dir.path(), other).expect("opened").dependencies(&key), None);
}

#[test]
fn a_damaged_entry_is_as_good_as_none() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(dir.path(), AccountId::from_u128(1)).expect("opened");
    let key = Digest::of(b"key");
    fs::write(cache.layer_path(&key), "{\"layer\":").expect("written");
    fs::write(cache.app_path(AppId::from_u128(1)), "").expect("written");
    assert_eq!(cache.dependencies(&key), None);
    assert_eq!(cache.last_python(AppId::from_u128(1)), None);
    cache.remember_dependencies(&key, &dependencies("a")).expect("replaced");
    assert_eq!(cache.dependencies(&key), Some(dependencies("a")));
}

#[test]
fn layers_live_while_they_are_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(live_layers(&dir.path().join("none"), now()).expect("read").len(), 0);
    let cache = Cache::open(dir.path(), AccountId::from_u128(1)).expect("opened");
    let (used, old) = (Digest::of(b"used"), Digest::of(b"old"));
    let age = |key: &Digest| {
        let entry = fs::File::options().append(true).open(cache.layer_path(key)).expect("there");
        entry.set_modified(SystemTime::now() - LAYER_AGE_MAX - Duration::from_secs(60)).expect("aged");
    };
    for key in [&used, &old] {
        cache.remember_dependencies(key, &dependencies(&key.to_string())).expect("remembered");
        age(key);
    }
    fs::write(cache.layer_path(&used).with_extension("tmp"), "half").expect("written");
    assert!(cache.dependencies(&used).is_some(), "asking makes it young again");
    let live = live_layers(dir.path(), now()).expect("read");
    assert_eq!(live, [dependencies(&used.to_string()).layer.digest].into());
    assert_eq!(cache.dependencies(&old), None, "forgotten");
    assert!(cache.layer_path(&used).with_extension("tmp").exists(), "somebody may be writing it");
}
