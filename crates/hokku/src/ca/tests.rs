use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dyno::Certificates;
use model::time::Timestamp;
use store::Clock;

use super::Ca;

const START: i64 = 1_800_000_000_000_000;
const DAY: i64 = 86_400_000_000;

/// A clock that stands still until days pass.
#[derive(Default)]
pub(crate) struct Days(Arc<AtomicI64>);

impl Days {
    pub(crate) fn pass(&self, days: i64) {
        self.0.fetch_add(days, Ordering::Relaxed);
    }

    pub(crate) fn clock(&self) -> Clock {
        let days = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_micros(START + days.load(Ordering::Relaxed) * DAY))
    }
}

pub(crate) fn open(dir: &std::path::Path, days: &Days) -> Ca {
    Ca::open(dir, ["localhost".to_owned(), "127.0.0.1".to_owned()], days.clock()).expect("an authority")
}

#[test]
fn certificates_are_kept_until_they_are_nearly_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let days = Days::default();
    let hosts = BTreeSet::from(["localhost".to_owned(), "127.0.0.1".to_owned(), "shop.localhost".to_owned()]);
    let first = open(dir.path(), &days).certificates(&hosts);
    assert_eq!(first.len(), 2, "one for the platform, one for the app");
    assert_eq!(first[0].hosts, ["127.0.0.1", "localhost"]);
    assert_eq!(first[1].hosts, ["shop.localhost"]);
    assert_eq!(open(dir.path(), &days).certificates(&hosts), first, "a restart finds them again");
    days.pass(366);
    assert_eq!(open(dir.path(), &days).certificates(&hosts), first);
    days.pass(2);
    let renewed = open(dir.path(), &days).certificates(&hosts);
    assert_ne!(renewed[0].chain_pem, first[0].chain_pem);
    assert_ne!(renewed[1].chain_pem, first[1].chain_pem);
}

#[test]
fn an_authority_is_made_once_and_its_key_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let days = Days::default();
    let pem = open(dir.path(), &days).pem().to_owned();
    assert_eq!(open(dir.path(), &days).pem(), pem);
    let mode = std::fs::metadata(dir.path().join("ca.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
