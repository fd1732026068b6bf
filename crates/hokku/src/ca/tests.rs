use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dyno::Certificates;
use model::time::Timestamp;

use super::Ca;

const START: i64 = 1_800_000_000_000_000;
const DAY: i64 = 86_400_000_000;

fn open(dir: &std::path::Path, now: &Arc<AtomicI64>) -> Ca {
    let now = Arc::clone(now);
    let clock = Arc::new(move || Timestamp::from_micros(now.load(Ordering::Relaxed)));
    Ca::open(dir, ["localhost".to_owned(), "127.0.0.1".to_owned()], clock).expect("an authority")
}

#[test]
fn certificates_are_kept_until_they_are_nearly_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let now = Arc::new(AtomicI64::new(START));
    let hosts = BTreeSet::from(["localhost".to_owned(), "127.0.0.1".to_owned(), "shop.localhost".to_owned()]);
    let first = open(dir.path(), &now).certificates(&hosts);
    assert_eq!(first.len(), 2, "one for the platform, one for the app");
    assert_eq!(first[0].hosts, ["127.0.0.1", "localhost"]);
    assert_eq!(first[1].hosts, ["shop.localhost"]);
    assert_eq!(open(dir.path(), &now).certificates(&hosts), first, "a restart finds them again");
    now.store(START + 366 * DAY, Ordering::Relaxed);
    assert_eq!(open(dir.path(), &now).certificates(&hosts), first);
    now.store(START + 368 * DAY, Ordering::Relaxed);
    let renewed = open(dir.path(), &now).certificates(&hosts);
    assert_ne!(renewed[0].chain_pem, first[0].chain_pem);
    assert_ne!(renewed[1].chain_pem, first[1].chain_pem);
}

#[test]
fn an_authority_is_made_once_and_its_key_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let now = Arc::new(AtomicI64::new(START));
    let pem = open(dir.path(), &now).pem().to_owned();
    assert_eq!(open(dir.path(), &now).pem(), pem);
    let mode = std::fs::metadata(dir.path().join("ca.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
