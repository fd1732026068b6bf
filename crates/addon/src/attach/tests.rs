use std::collections::BTreeSet;

use model::addon::{Addon, AddonState, Attachment};
use model::config_var::{ConfigKey, Secret};
use model::id::{AddonId, AppId};
use model::release::Release;
use store::{App, ConfigChange, Store, StoreError, Tx};

use super::names::COLORS;
use super::{
    Announced, Attach, Request, RequestError, Requested, attach, destroy, destroy_all, detach, rename,
    request,
};
use crate::credentials::Credentials;
use crate::fixture::{Clock, mini, new_app, open_store};
use crate::postgres::{Databases, Outside};
use crate::service::Endpoint;

fn wish<'a>(app: &App, name: Option<&'a str>, attachment: Option<&'a str>) -> Request<'a> {
    Request { app: app.id, plan: mini(), name, attachment, user: app.owner }
}

fn resource() -> Secret {
    Credentials::make_up(&Endpoint { host: "pg.example.com".to_owned(), port: 5432 }).url()
}

fn provisioned(tx: &Tx<'_>, id: AddonId, resource: &Secret) -> Result<Vec<Announced>, StoreError> {
    super::provisioned(tx, id, resource, &outside())
}

/// A server that is never contacted.
fn outside() -> Databases {
    let admin_url = Secret::from("postgres://admin@pg.example.com/postgres");
    let outside = Outside { admin_url, authority_pem: None, public_host: None };
    Databases::outside(outside).expect("a good URL")
}

/// Runs `story` in one transaction of a new store.
async fn with_store<T: Send + 'static>(
    story: impl FnOnce(&Tx<'_>) -> Result<T, RequestError> + Send + 'static,
) -> Result<T, RequestError> {
    let dir = tempfile::tempdir().expect("a folder");
    let store: Store = open_store(dir.path(), &Clock::new());
    store.write(story).await
}

fn descriptions(tx: &Tx<'_>, app: AppId) -> Result<Vec<String>, StoreError> {
    Ok(tx.releases(app)?.into_iter().map(|release| release.description).collect())
}

#[tokio::test]
async fn the_first_database_is_database_and_the_next_ones_have_colours() {
    with_store(|tx| {
        let app = new_app(tx, "one")?;
        let Requested { addon, attachment, release } = request(tx, &wish(&app, None, None))?;
        assert_eq!((addon.state, attachment.name.as_str()), (AddonState::Provisioning, "DATABASE"));
        assert!(addon.name.starts_with("postgresql-"), "{}", addon.name);
        assert_eq!(release.description, format!("Attach DATABASE (@ref:{})", addon.name));
        assert!(release.runs_command && tx.config_vars(app.id)?.is_empty());
        for _ in COLORS {
            let next = request(tx, &wish(&app, None, None))?.attachment;
            let color = next.name.strip_prefix("HEROKU_POSTGRESQL_").expect("a colour");
            assert!(COLORS.contains(&color), "{color}");
        }
        let full = request(tx, &wish(&app, None, None));
        assert!(matches!(full, Err(RequestError::TooMany)), "{full:?}");
        let other = new_app(tx, "two")?;
        assert_eq!(request(tx, &wish(&other, None, None))?.attachment.name, "DATABASE");
        Ok(())
    })
    .await
    .expect("the story");
}

#[tokio::test]
async fn a_users_own_database_url_is_left_alone() {
    with_store(|tx| {
        let app = new_app(tx, "one")?;
        let key = ConfigKey::of_platform("DATABASE_URL").expect("a key");
        let own = ConfigChange::from([(key, Some(Secret::from("postgres://elsewhere")))]);
        tx.change_config_vars(app.id, &own, None)?;
        let made = request(tx, &wish(&app, None, None))?;
        assert!(made.attachment.name.starts_with("HEROKU_POSTGRESQL_"));
        let refused = request(tx, &wish(&app, None, Some("database"))).expect_err("taken");
        assert_eq!(
            refused.to_string(),
            "The app already has DATABASE_URL. Choose another name with --as, or remove that config var first."
        );
        Ok(())
    })
    .await
    .expect("the story");
}

#[tokio::test]
async fn names_are_checked_and_taken_once() {
    with_store(|tx| {
        let app = new_app(tx, "one")?;
        let made = request(tx, &wish(&app, Some("my-db_1"), Some("main")))?;
        assert_eq!((made.addon.name.as_str(), made.attachment.name.as_str()), ("my-db_1", "MAIN"));
        let refusal = |name, attachment| request(tx, &wish(&app, name, attachment)).map(drop);
        assert!(matches!(refusal(Some("my-db_1"), None), Err(RequestError::NameTaken)));
        assert!(matches!(refusal(None, Some("MAIN")), Err(RequestError::AttachmentTaken { .. })));
        let long = "x".repeat(super::NAME_CHARS_MAX + 1);
        let id = "a1a2a3a4-0000-4000-8000-000000000000";
        for name in ["", "1db", "my db", "d;b", "ä", id, long.as_str()] {
            assert!(matches!(refusal(Some(name), None), Err(RequestError::BadName)), "{name}");
            if name != id {
                assert!(matches!(refusal(None, Some(name)), Err(RequestError::BadAttachment)), "{name}");
            }
        }
        Ok(())
    })
    .await
    .expect("the story");
}

#[tokio::test]
async fn a_provisioned_add_on_gives_its_url_to_every_app_it_is_attached_to() {
    with_store(|tx| {
        let (app, other) = (new_app(tx, "one")?, new_app(tx, "two")?);
        let made = request(tx, &wish(&app, Some("db"), None))?;
        tx.create_attachment(made.addon.id, other.id, "SHARED")?;
        let resource = resource();
        let announced = provisioned(tx, made.addon.id, &resource)?;
        assert_eq!(provisioned(tx, made.addon.id, &resource)?.len(), 0, "only once");
        let mut lines: Vec<&str> = announced.iter().map(|it| it.line.as_str()).collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "@ref:db completed provisioning, setting DATABASE_URL. by user owner@example.com",
                "@ref:db completed provisioning, setting SHARED_URL. by user owner@example.com",
            ]
        );
        for (app, key) in [(&app, "DATABASE_URL"), (&other, "SHARED_URL")] {
            let key = ConfigKey::of_platform(key).expect("a key");
            assert_eq!(tx.config_vars(app.id)?.get(&key), Some(&resource));
            assert!(tx.attached_keys(app.id)?.contains_key(&key), "a user cannot change it");
            let newest = tx.newest_release(app.id)?.expect("a release");
            assert_eq!(tx.release_config(newest.id)?.get(&key), Some(&resource));
            assert!(!newest.runs_command);
        }
        Ok(())
    })
    .await
    .expect("the story");
}

#[tokio::test]
async fn a_destroyed_add_on_is_detached_everywhere_at_once_and_only_once() {
    with_store(|tx| {
        let (app, other) = (new_app(tx, "one")?, new_app(tx, "two")?);
        let addon = request(tx, &wish(&app, Some("db"), None))?.addon;
        tx.create_attachment(addon.id, other.id, "SHARED")?;
        provisioned(tx, addon.id, &resource())?;
        let releases = destroy(tx, &addon, app.owner)?;
        let apps: BTreeSet<AppId> = releases.iter().map(|it| it.app).collect();
        assert_eq!((releases.len(), apps), (2, BTreeSet::from([app.id, other.id])));
        assert_eq!(descriptions(tx, app.id)?.last().map(String::as_str), Some("Detach DATABASE (@ref:db)"));
        assert_eq!(descriptions(tx, other.id)?.last().map(String::as_str), Some("Detach SHARED (@ref:db)"));
        for app in [app.id, other.id] {
            assert_eq!(tx.config_vars(app)?.len(), 0);
            let newest = tx.newest_release(app)?.expect("a release");
            assert_eq!(tx.release_config(newest.id)?.len(), 0);
        }
        assert_eq!(tx.addon(addon.id)?.map(|it| it.state), Some(AddonState::Deprovisioning));
        assert_eq!(destroy(tx, &addon, app.owner)?.len(), 0);
        assert_eq!(provisioned(tx, addon.id, &resource())?.len(), 0, "too late");
        Ok(())
    })
    .await
    .expect("the story");
}

#[tokio::test]
async fn an_app_goes_at_once_and_its_add_ons_follow() {
    with_store(|tx| {
        let (app, other) = (new_app(tx, "one")?, new_app(tx, "two")?);
        let own = request(tx, &wish(&app, Some("own"), None))?.addon;
        let foreign = request(tx, &wish(&other, Some("foreign"), None))?.addon;
        tx.create_attachment(own.id, other.id, "SHARED")?;
        tx.create_attachment(foreign.id, app.id, "BORROWED")?;
        for addon in [&own, &foreign] {
            provisioned(tx, addon.id, &resource())?;
        }
        let releases = destroy_all(tx, app.id, app.owner)?;
        tx.delete_app(app.id)?;
        assert_eq!(releases.iter().map(|it| it.app).collect::<Vec<_>>(), [other.id]);
        assert_eq!(tx.app(app.id)?, None);
        assert_eq!(tx.addon(own.id)?.map(|it| it.state), Some(AddonState::Deprovisioning));
        assert_eq!(tx.addon(foreign.id)?.map(|it| it.state), Some(AddonState::Provisioned));
        let keys: Vec<String> = tx.config_vars(other.id)?.keys().map(ToString::to_string).collect();
        assert_eq!(keys, ["DATABASE_URL"]);
        Ok(())
    })
    .await
    .expect("the story");
}

fn wish_to_attach<'a>(addon: &'a Addon, app: &App, name: Option<&'a str>, replaces: bool) -> Attach<'a> {
    Attach { addon, app: app.id, name, replaces, user: app.owner }
}

fn attached(tx: &Tx<'_>, wish: &Attach<'_>) -> Result<(Attachment, Vec<Release>), RequestError> {
    attach(tx, wish, &outside())
}

#[tokio::test]
async fn another_database_is_promoted_in_one_step() {
    with_store(|tx| {
        let app = new_app(tx, "one")?;
        let (first, second) = (resource(), resource());
        let old = request(tx, &wish(&app, Some("old"), None))?.addon;
        provisioned(tx, old.id, &first)?;
        let new = request(tx, &wish(&app, Some("new"), None))?.addon;
        tx.set_addon_resource(old.id, &first)?;
        tx.set_addon_resource(new.id, &second)?;
        provisioned(tx, new.id, &second)?;
        let (old, new) = (tx.addon(old.id)?.expect("there"), tx.addon(new.id)?.expect("there"));

        let last =
            attached(tx, &wish_to_attach(&new, &app, Some("DATABASE"), true)).expect_err("the last one");
        assert!(
            last.to_string().starts_with("Cannot destroy last attachment to billing app for resource old")
        );
        let (alias, releases) = attached(tx, &wish_to_attach(&old, &app, None, true))?;
        assert!(alias.name.starts_with("HEROKU_POSTGRESQL_"), "{}", alias.name);
        assert_eq!(releases[0].description, format!("Attach {} (@ref:old)", alias.name));
        let asked =
            attached(tx, &wish_to_attach(&new, &app, Some("DATABASE"), false)).expect_err("not agreed to");
        assert!(matches!(asked, RequestError::NeedsConfirmation { .. }), "{asked}");
        let same =
            attached(tx, &wish_to_attach(&old, &app, Some("database"), true)).expect_err("it is there");
        assert!(matches!(same, RequestError::AlreadyAttached { .. }), "{same}");

        let (_, releases) = attached(tx, &wish_to_attach(&new, &app, Some("DATABASE"), true))?;
        let told: Vec<_> = releases.iter().map(|it| (it.description.as_str(), it.runs_command)).collect();
        assert_eq!(told, [("Detach DATABASE (@ref:old)", false), ("Attach DATABASE (@ref:new)", true)]);
        let key = ConfigKey::of_platform("DATABASE_URL").expect("a key");
        for (release, url) in releases.iter().zip([&first, &second]) {
            assert_eq!(tx.release_config(release.id)?.get(&key), Some(url), "never without");
        }
        Ok(())
    })
    .await
    .expect("the story");
}

#[tokio::test]
async fn an_add_on_is_shared_and_its_owner_keeps_one_attachment() {
    with_store(|tx| {
        let (app, other) = (new_app(tx, "one")?, new_app(tx, "two")?);
        let addon = request(tx, &wish(&app, Some("db"), None))?.addon;
        let (early, _) = attached(tx, &wish_to_attach(&addon, &other, None, false))?;
        assert_eq!(early.name, "DATABASE");
        let url = resource();
        tx.set_addon_resource(addon.id, &url)?;
        provisioned(tx, addon.id, &url)?;
        let key = ConfigKey::of_platform("DATABASE_URL").expect("a key");
        assert_eq!(tx.config_vars(other.id)?.get(&key), Some(&url), "it came when it was there");
        let release = detach(tx, &early, other.owner)?;
        assert_eq!(release.description, "Detach DATABASE (@ref:db)");
        assert_eq!(tx.config_vars(other.id)?.get(&key), None);
        let last = tx.attachments_of(addon.id)?.remove(0);
        assert!(matches!(detach(tx, &last, app.owner), Err(RequestError::LastAttachment { .. })));

        rename(tx, &addon, "renamed")?;
        assert_eq!(tx.addon(addon.id)?.expect("there").name, "renamed");
        request(tx, &wish(&app, Some("second"), None))?;
        for (name, wanted) in [("second", "Name is already taken"), ("1db", "Name must start with a letter")]
        {
            let refused = rename(tx, &addon, name).expect_err(name);
            assert!(refused.to_string().starts_with(wanted), "{refused}");
        }
        destroy(tx, &addon, app.owner)?;
        let going = tx.addon(addon.id)?.expect("there");
        let refused = attached(tx, &wish_to_attach(&going, &other, None, false));
        assert!(matches!(refused, Err(RequestError::Going { .. })), "{refused:?}");
        Ok(())
    })
    .await
    .expect("the story");
}
