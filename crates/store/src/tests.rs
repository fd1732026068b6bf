use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::account::Email;
use model::addon::{AddonState, plan};
use model::build::{BuildEvent, BuildStatus};
use model::config_var::{ConfigKey, Secret};
use model::id::{BuildId, SlugId};
use model::procfile::Procfile;
use model::release::{ReleaseEvent, ReleaseStatus};
use model::scope::Scopes;
use model::slug::Slug;
use model::time::Timestamp;

use crate::{App, ConfigChange, NewApp, NewBuild, NewRelease, NewToken, Store, StoreError, Topic, Tx};

/// A clock that is one second later at each look.
fn open(dir: &Path) -> Store {
    let ticks = AtomicI64::new(1_000);
    let clock = Arc::new(move || Timestamp::from_micros(ticks.fetch_add(1, Ordering::Relaxed) * 1_000_000));
    Store::open(dir, clock).expect("the store opens")
}

/// A store of its own, and the folder that it is in.
fn fresh() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    (dir, store)
}

fn key(text: &str) -> ConfigKey {
    text.parse().expect("a config key")
}

fn new_app(tx: &Tx<'_>, name: &str) -> Result<App, StoreError> {
    let email: Email = "owner@example.com".parse().expect("an address");
    let owner = match tx.account_by_email(&email)? {
        Some(owner) => owner,
        None => tx.create_account(&email, None, true)?,
    };
    tx.create_app(&NewApp {
        name: name.parse().expect("an app name"),
        owner: owner.id,
        stack: "hokku-12".to_owned(),
        hostname: format!("{name}.localhost").parse().expect("a host name"),
    })
}

fn release(tx: &Tx<'_>, app: &App, slug: Option<SlugId>) -> Result<model::release::Release, StoreError> {
    let description = "a change".to_owned();
    tx.create_release(&NewRelease { app: app.id, slug, description, user: app.owner, runs_command: true })
}

fn new_slug(tx: &Tx<'_>, app: &App) -> Result<Slug, StoreError> {
    let slug = Slug {
        id: SlugId::new(),
        app: app.id,
        stack: "hokku-12".to_owned(),
        commit: None,
        language: "Python".to_owned(),
        bytes: 12,
        processes: Procfile::parse("web: ./serve\nworker: ./work\n"),
        manifest: "{}".to_owned(),
        created_at: tx.now(),
    };
    tx.create_slug(&slug)?;
    Ok(slug)
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening_and_the_rest_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let app = store.write(|tx| new_app(tx, "one")).await.expect("an app is made");
    let refused = store
        .write(|tx| {
            new_app(tx, "two")?;
            Err::<(), _>(StoreError::Missing { what: "patience" })
        })
        .await;
    assert!(refused.is_err());
    drop(store);
    let names: Vec<String> = open(dir.path())
        .read(|tx| tx.apps())
        .await
        .expect("apps are read")
        .into_iter()
        .map(|found| {
            assert_eq!(found.id, app.id);
            found.name.to_string()
        })
        .collect();
    assert_eq!(names, ["one"]);
}

#[tokio::test]
async fn names_are_taken_once() {
    let (_dir, store) = fresh();
    store.write(|tx| new_app(tx, "one")).await.expect("an app is made");
    let again = store.write(|tx| new_app(tx, "one")).await;
    assert!(matches!(again, Err(StoreError::Taken { what: "Name" })), "{again:?}");
}

#[tokio::test]
async fn secrets_are_unreadable_in_the_file_and_bound_to_their_key_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let app = store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let change = ConfigChange::from([(key("PASSWORD"), Some(Secret::from("correct-horse-battery")))]);
            tx.change_config_vars(app.id, &change, None)?;
            release(tx, &app, None)?;
            let token = Secret::from("token-nobody-should-read");
            let account = app.owner;
            let (description, scopes) = (String::new(), Scopes::global());
            tx.create_token(&NewToken { account, token, description, scopes, expires_at: None })?;
            Ok::<_, StoreError>(app)
        })
        .await
        .expect("written");
    for entry in std::fs::read_dir(dir.path()).expect("the folder is listed") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file is read");
        for secret in ["correct-horse-battery", "token-nobody-should-read"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
    drop(store);
    std::fs::remove_file(dir.path().join("hokku.key")).expect("the key is lost");
    let lost = open(dir.path()).read(move |tx| tx.config_vars(app.id)).await;
    assert!(matches!(lost, Err(StoreError::Broken { .. })), "{lost:?}");
}

#[tokio::test]
async fn tokens_are_found_by_their_text_until_they_expire() {
    let (_dir, store) = fresh();
    let (lasting, fleeting) = store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let make = |text: &str, expires_at| {
                let description = "a test".to_owned();
                tx.create_token(&NewToken {
                    account: app.owner,
                    token: Secret::from(text),
                    description,
                    scopes: Scopes::global(),
                    expires_at,
                })
            };
            Ok::<_, StoreError>((make("lasting-token", None)?, make("fleeting-token", Some(tx.now()))?))
        })
        .await
        .expect("made");
    let found = store
        .read(|tx| {
            Ok::<_, StoreError>([
                tx.token_by_secret("lasting-token")?,
                tx.token_by_secret("fleeting-token")?,
                tx.token_by_secret("no-token")?,
            ])
        })
        .await
        .expect("read");
    assert_eq!(found, [Some(lasting.clone()), None, None]);
    assert_eq!(fleeting.hint, "flee**********oken");
}

#[tokio::test]
async fn a_release_keeps_the_config_it_was_made_with() {
    let (_dir, store) = fresh();
    let configs = store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let set = |value: Option<&str>| {
                tx.change_config_vars(
                    app.id,
                    &ConfigChange::from([(key("A"), value.map(Secret::from))]),
                    None,
                )
            };
            set(Some("1"))?;
            let first = release(tx, &app, None)?;
            set(None)?;
            let second = release(tx, &app, None)?;
            assert_eq!((first.version.0, second.version.0), (1, 2));
            Ok::<_, StoreError>((tx.release_config(first.id)?, tx.release_config(second.id)?))
        })
        .await
        .expect("made");
    assert_eq!(configs.0.get(&key("A")).map(Secret::expose_secret), Some("1"));
    assert!(configs.1.is_empty());
}

#[tokio::test]
async fn a_config_release_runs_the_newest_code_that_did_not_fail() {
    let (_dir, store) = fresh();
    store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let (first, second) = (new_slug(tx, &app)?, new_slug(tx, &app)?);
            let only = release(tx, &app, Some(first.id))?;
            tx.release_on(only.id, ReleaseEvent::Fail)?;
            assert_eq!(release(tx, &app, None)?.slug, Some(first.id), "nothing better is there");
            let bad = release(tx, &app, Some(second.id))?;
            tx.release_on(bad.id, ReleaseEvent::Fail)?;
            assert_eq!(release(tx, &app, None)?.slug, Some(first.id), "a failed deploy's code is not taken");
            Ok::<_, StoreError>(())
        })
        .await
        .expect("made");
}

#[tokio::test]
async fn a_build_claimed_again_ignores_its_first_builder() {
    let (_dir, store) = fresh();
    let (app, first, second) = store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let new = NewBuild {
                id: BuildId::new(),
                app: app.id,
                user: app.owner,
                source: "one.tar".to_owned(),
                commit: None,
                stack: app.stack.clone(),
            };
            tx.create_build(&new)?;
            let first = tx.claim_build(new.id)?;
            tx.interrupt_build(new.id)?;
            let second = tx.claim_build(new.id)?;
            Ok::<_, StoreError>((app, first, second))
        })
        .await
        .expect("claimed twice");
    let late = store
        .write({
            let first = first.clone();
            move |tx| tx.fail_build(&first)
        })
        .await;
    assert!(matches!(late, Err(StoreError::Missing { .. })), "{late:?}");
    let ended = store
        .write(move |tx| {
            let slug = new_slug(tx, &app)?;
            let slug = Slug { id: SlugId::new(), ..slug };
            tx.succeed_build(&second, &slug, &["heroku/python".to_owned()])?;
            Ok::<_, StoreError>((tx.build(second.id)?, tx.app(app.id)?))
        })
        .await
        .expect("the second builder ends it");
    assert_eq!(ended.0.map(|build| build.status), Some(BuildStatus::Succeeded));
    assert_eq!(ended.1.map(|app| app.buildpacks), Some(vec!["heroku/python".to_owned()]));
    assert!(first.status.on(BuildEvent::Succeed).is_ok());
}

#[tokio::test]
async fn the_first_web_gets_one_dyno_and_later_deploys_keep_quantities() {
    let (_dir, store) = fresh();
    let show = |tx: &Tx<'_>, app: &App| -> Result<Vec<String>, StoreError> {
        Ok(tx
            .formation(app.id)?
            .iter()
            .map(|it| format!("{}={}:{}", it.kind, it.quantity, it.size))
            .collect())
    };
    store
        .write(move |tx| {
            let app = new_app(tx, "one")?;
            tx.sync_formation(app.id, &Procfile::parse("web: a\nworker: b\n"), false)?;
            assert_eq!(show(tx, &app)?, ["web=1:Basic", "worker=0:Basic"]);
            let web = "web".parse().expect("a type");
            tx.scale(app.id, &web, 3, model::formation::DynoSize::Standard2X)?;
            tx.sync_formation(app.id, &Procfile::parse("web: a2\nclock: c\n"), true)?;
            assert_eq!(show(tx, &app)?, ["clock=0:Basic", "web=3:Standard-2X"]);
            assert!(
                tx.scale(app.id, &"worker".parse().expect("a type"), 1, model::formation::DynoSize::Basic)
                    .is_err()
            );
            Ok::<_, StoreError>(())
        })
        .await
        .expect("synced");
}

#[tokio::test]
async fn destroying_an_add_on_takes_its_config_vars_along() {
    let (_dir, store) = fresh();
    let left = store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let addon = tx.create_addon(
                app.id,
                "postgresql-calm-1",
                plan("heroku-postgresql:mini").expect("a plan"),
            )?;
            let attachment = tx.create_attachment(addon.id, app.id, "DATABASE")?;
            let change = |name: &str| ConfigChange::from([(key(name), Some(Secret::from("x")))]);
            tx.change_config_vars(app.id, &change("DATABASE_URL"), Some(attachment.id))?;
            tx.change_config_vars(app.id, &change("OWN"), None)?;
            assert!(tx.delete_app(app.id).is_err(), "an app with an add-on must not vanish");
            tx.set_addon_state(addon.id, AddonState::Deprovisioning)?;
            tx.set_addon_state(addon.id, AddonState::Provisioned)?;
            assert_eq!(tx.addon(addon.id)?.map(|it| it.state), Some(AddonState::Deprovisioning));
            tx.delete_addon(addon.id)?;
            tx.config_vars(app.id)
        })
        .await
        .expect("made");
    assert_eq!(left.keys().map(ConfigKey::as_str).collect::<Vec<_>>(), ["OWN"]);
}

#[tokio::test]
async fn an_add_on_being_removed_outlives_its_app() {
    let (_dir, store) = fresh();
    let addon = store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let plan = plan("heroku-postgresql:mini").expect("a plan");
            let addon = tx.create_addon(app.id, "postgresql-calm-1", plan)?;
            tx.create_attachment(addon.id, app.id, "DATABASE")?;
            tx.set_addon_resource(addon.id, &Secret::from("postgres://x"))?;
            tx.set_addon_state(addon.id, AddonState::Deprovisioning)?;
            tx.delete_app(app.id)?;
            Ok::<_, StoreError>(addon)
        })
        .await
        .expect("deleted");
    let (left, attachments) =
        store.read(move |tx| Ok::<_, StoreError>((tx.addons()?, tx.attachments()?))).await.expect("read");
    assert_eq!(left.len(), 1, "what it holds is still to be removed");
    assert_eq!((left[0].app, left[0].resource.is_some()), (addon.app, true));
    assert_eq!(attachments, []);
    store.write(move |tx| tx.delete_addon(addon.id)).await.expect("gone");
}

#[tokio::test]
async fn a_rollback_brings_back_the_users_own_vars_only() {
    let (_dir, store) = fresh();
    let vars = store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let change =
                |name: &str, value: &str| ConfigChange::from([(key(name), Some(Secret::from(value)))]);
            let addon = tx.create_addon(
                app.id,
                "postgresql-calm-1",
                plan("heroku-postgresql:mini").expect("a plan"),
            )?;
            let attachment = tx.create_attachment(addon.id, app.id, "DATABASE")?;
            tx.change_config_vars(app.id, &change("DATABASE_URL", "gone soon"), Some(attachment.id))?;
            tx.change_config_vars(app.id, &change("OWN", "then"), None)?;
            let then = release(tx, &app, None)?;
            tx.delete_addon(addon.id)?;
            tx.change_config_vars(app.id, &change("OWN", "now"), None)?;
            tx.replace_own_config_vars(app.id, &tx.release_own_config(then.id)?)?;
            tx.config_vars(app.id)
        })
        .await
        .expect("rolled back");
    let vars: Vec<_> = vars.iter().map(|(key, value)| (key.as_str(), value.expose_secret())).collect();
    assert_eq!(vars, [("OWN", "then")]);
}

#[tokio::test]
async fn a_commit_wakes_its_watchers_even_if_they_were_busy() {
    let (_dir, store) = fresh();
    let mut wake = store.watch(&[Topic::Apps]);
    let never = Duration::from_secs(3600);
    wake.changed_or_after(never).await; // the first look needs no change
    store.write(|tx| new_app(tx, "one")).await.expect("made");
    wake.changed_or_after(never).await;
    store.write(|tx| tx.owner()).await.expect("read in a write");
    let quiet = tokio::time::timeout(Duration::from_millis(50), wake.changed_or_after(never)).await;
    assert!(quiet.is_err(), "nothing it watches changed");
}

#[test]
fn a_store_of_a_newer_version_is_refused_untouched() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(open(dir.path()));
    let path = dir.path().join("hokku.db");
    let raw = rusqlite::Connection::open(&path).expect("opens");
    raw.pragma_update(None, "user_version", 99).expect("pretends to be newer");
    drop(raw);
    let refused = Store::open(dir.path(), Arc::new(Timestamp::default));
    assert!(matches!(refused, Err(StoreError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn superseded_and_failed_releases_are_never_current() {
    let (_dir, store) = fresh();
    store
        .write(|tx| {
            let app = new_app(tx, "one")?;
            let settled = release(tx, &app, None)?;
            tx.release_on(settled.id, ReleaseEvent::Settle)?;
            let skipped = release(tx, &app, None)?;
            tx.release_on(skipped.id, ReleaseEvent::Begin { command: false })?;
            tx.release_on(skipped.id, ReleaseEvent::Supersede)?;
            let failed = release(tx, &app, None)?;
            tx.release_on(failed.id, ReleaseEvent::Fail)?;
            assert_eq!(tx.current_release(app.id)?.map(|it| it.id), Some(settled.id));
            assert_eq!(tx.open_releases()?, []);
            let again = tx.release_on(failed.id, ReleaseEvent::Settle);
            assert!(matches!(again, Err(StoreError::IllegalRelease(_))));
            assert_eq!(tx.release(failed.id)?.map(|it| it.status), Some(ReleaseStatus::Failed));
            Ok::<_, StoreError>(())
        })
        .await
        .expect("made");
}

#[test]
fn a_signature_holds_for_its_purpose_and_its_folder_over_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let signature = open(dir.path()).sign("logs", "one");
    let store = open(dir.path());
    assert!(store.is_signed("logs", "one", &signature));
    assert!(!store.is_signed("logs", "two", &signature));
    assert!(!store.is_signed("sources", "one", &signature));
    assert!(!store.is_signed("logs", "one", "not base64!"));
    let other = tempfile::tempdir().expect("a folder");
    assert!(!open(other.path()).is_signed("logs", "one", &signature));
}

mod certificates;
mod deliveries;
mod people;
