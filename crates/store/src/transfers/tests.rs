use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::addon::{Addon, plan};
use model::config_var::Secret;
use model::time::Timestamp;
use model::transfer::{DailyAt, TransferEvent, TransferKind, TransferSource, TransferState};

use super::{LOG_LINES_MAX, NewTransfer};
use crate::{NewApp, Store, StoreError, Tx};

fn open(dir: &Path) -> Store {
    let ticks = AtomicI64::new(1_000);
    let clock = Arc::new(move || Timestamp::from_micros(ticks.fetch_add(1, Ordering::Relaxed) * 1_000_000));
    Store::open(dir, clock).expect("the store opens")
}

fn new_addon(tx: &Tx<'_>, app: &str) -> Result<Addon, StoreError> {
    let email = "owner@example.com".parse().expect("an address");
    let owner = match tx.account_by_email(&email)? {
        Some(owner) => owner,
        None => tx.create_account(&email, None, true)?,
    };
    let app = tx.create_app(&NewApp {
        name: app.parse().expect("a name"),
        owner: owner.id,
        stack: "hokku-12".to_owned(),
        hostname: format!("{app}.localhost").parse().expect("a host name"),
    })?;
    tx.create_addon(app.id, &format!("db-of-{}", app.name), plan("heroku-postgresql:mini").expect("a plan"))
}

fn wish(addon: &Addon, kind: TransferKind, source: TransferSource) -> NewTransfer {
    NewTransfer {
        app: addon.app,
        addon: addon.id,
        kind,
        schedule: None,
        from_name: "DATABASE".to_owned(),
        to_name: "BACKUP".to_owned(),
        source,
        extensions: vec!["hstore".to_owned()],
    }
}

#[tokio::test]
async fn a_transfer_has_its_number_its_times_and_its_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    store
        .write(|tx| {
            let (one, two) = (new_addon(tx, "one")?, new_addon(tx, "two")?);
            let first = tx.create_transfer(&wish(&one, TransferKind::Backup, TransferSource::Own))?;
            let url = TransferSource::Url(Secret::from("https://example.com/x?signature=secret"));
            let second = tx.create_transfer(&wish(&one, TransferKind::Restore, url.clone()))?;
            let other =
                tx.create_transfer(&wish(&two, TransferKind::Restore, TransferSource::Backup(first.id)))?;
            assert_eq!([first.number, second.number, other.number], [1, 2, 1]);
            assert_eq!((second.source, other.source), (url, TransferSource::Backup(first.id)));

            let begun = tx.transfer_on(first.id, TransferEvent::Start)?;
            assert_eq!((begun.attempts, begun.finished_at), (1, None));
            tx.warn_transfer(first.id, "one thing is left out")?;
            tx.transfer_on(first.id, TransferEvent::Interrupt)?;
            let again = tx.transfer_on(first.id, TransferEvent::Start)?;
            tx.clear_transfer_warnings(first.id)?;
            assert_eq!((again.attempts, again.started_at), (2, begun.started_at), "it began once");
            tx.set_transfer_progress(first.id, 100, u64::MAX)?;
            let done = tx.transfer_on(first.id, TransferEvent::Succeed)?;
            assert!(done.finished_at.is_some());
            let kept = tx.transfer(first.id)?.expect("kept");
            assert_eq!((kept.state, kept.source_bytes), (TransferState::Succeeded, 100));
            assert_eq!((kept.warnings, kept.processed_bytes), (0, i64::MAX.cast_unsigned()));
            let late = tx.transfer_on(first.id, TransferEvent::Cancel);
            assert!(matches!(late, Err(StoreError::IllegalTransfer(_))));

            for number in 0..=LOG_LINES_MAX {
                tx.log_transfer(first.id, &format!("line {number}"))?;
            }
            let log = tx.transfer_log(first.id)?;
            assert_eq!((log.len(), log[0].message.as_str()), (LOG_LINES_MAX, "one thing is left out"));
            let contents = BTreeMap::from([("public.t".to_owned(), 7)]);
            tx.set_transfer_contents(first.id, &contents)?;
            assert_eq!(tx.transfer_contents(first.id)?, Some(contents));

            tx.delete_transfer(second.id)?;
            let third = tx.create_transfer(&wish(&one, TransferKind::Backup, TransferSource::Own))?;
            assert_eq!(third.number, 3, "a number is given once");
            assert_eq!(tx.transfers_of(one.app)?.len(), 2);
            tx.delete_addon(one.id)?;
            assert_eq!((tx.transfers_of(one.app)?, tx.transfer_log(first.id)?), (vec![], vec![]));
            assert_eq!(tx.transfers()?.len(), 1, "the other app's restore stays");
            Ok::<_, StoreError>(())
        })
        .await
        .expect("done");
    let file = std::fs::read(dir.path().join("hokku.db")).expect("the file");
    let wal = std::fs::read(dir.path().join("hokku.db-wal")).unwrap_or_default();
    let text = String::from_utf8_lossy(&[file, wal].concat()).into_owned();
    assert!(!text.contains("signature=secret"), "addresses are sealed");
}

#[tokio::test]
async fn a_schedule_set_up_again_replaces_the_one_before() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    store
        .write(|tx| {
            let addon = new_addon(tx, "one")?;
            let at = |hour: &str| DailyAt::new(hour, "Europe/Paris").expect("a time of the day");
            let first = tx.create_schedule(addon.id, "DATABASE_URL", &at("2"))?;
            tx.set_schedule_day(first.id, "2026-11-22")?;
            assert_eq!(tx.schedule(first.id)?.and_then(|it| it.last_day).as_deref(), Some("2026-11-22"));
            let second = tx.create_schedule(addon.id, "DATABASE_URL", &at("3"))?;
            let other = tx.create_schedule(addon.id, "HEROKU_POSTGRESQL_BLUE_URL", &at("3"))?;
            assert_eq!((second.at, second.last_day.clone()), (at("3"), None));
            assert_eq!(tx.schedules_of(addon.id)?.len(), 2);
            tx.delete_schedule(other.id)?;
            assert_eq!(tx.schedules()?.iter().map(|it| it.id).collect::<Vec<_>>(), [second.id]);
            Ok::<_, StoreError>(())
        })
        .await
        .expect("done");
}
