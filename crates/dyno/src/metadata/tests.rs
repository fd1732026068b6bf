use std::collections::BTreeMap;
use std::sync::Arc;

use model::dyno::Dyno;
use model::feature::AppFeature;
use model::id::{DynoId, SlugId};
use model::procfile::Procfile;
use model::slug::Slug;
use model::time::Timestamp;
use store::{NewApp, NewRelease, Store, StoreError, Tx};

use super::env;

const COMMIT: &str = "954ab5310000000000000000000000000000beef";

/// The variables of a dyno of v2, which runs the slug that v1 brought.
fn told(tx: &Tx<'_>, on: &[AppFeature]) -> Result<BTreeMap<String, String>, StoreError> {
    let owner = tx.create_account(&"owner@example.com".parse().expect("an address"), None, true)?.id;
    let app = tx.create_app(&NewApp {
        name: "shop".parse().expect("a name"),
        owner,
        stack: "hokku-12".to_owned(),
        hostname: "shop.example.com".parse().expect("a host"),
    })?;
    let slug = Slug {
        id: SlugId::new(),
        app: app.id,
        stack: "hokku-12".to_owned(),
        commit: Some(COMMIT.to_owned()),
        language: "Python".to_owned(),
        bytes: 1,
        processes: Procfile::parse("web: serve\n"),
        manifest: "{}".to_owned(),
        created_at: tx.now(),
    };
    tx.create_slug(&slug)?;
    let release = |description: &str| {
        let (slug, description) = (Some(slug.id), description.to_owned());
        tx.create_release(&NewRelease { app: app.id, slug, description, user: owner, runs_command: false })
    };
    release("Deploy 954ab531")?;
    let release = release("Set A config vars")?;
    for feature in on {
        tx.set_app_feature(app.id, *feature, true)?;
    }
    let dyno = Dyno {
        id: DynoId::from_u128(7),
        ..Dyno::new(app.id, "web.1".parse().expect("a name"), release.id, tx.now())
    };
    let mut told: BTreeMap<_, _> = env(tx, &dyno, &release, &slug)?
        .into_iter()
        .map(|(name, value)| (name, value.expose_secret().to_owned()))
        .collect();
    if let Some(id) = told.get_mut("HEROKU_APP_ID").filter(|id| **id == app.id.to_string()) {
        *id = "its own".to_owned();
    }
    Ok(told)
}

async fn with(on: &'static [AppFeature]) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a folder");
    let at: Timestamp = "2015-04-02T18:00:42.5Z".parse().expect("a time");
    let store = Store::open(dir.path(), Arc::new(move || at)).expect("a store");
    let told = store.write(move |tx| told(tx, on)).await.expect("told");
    told.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[tokio::test]
async fn dynos_are_told_what_is_switched_on_and_nothing_else() {
    assert_eq!(with(&[]).await, Vec::<String>::new());
    assert_eq!(
        with(&[AppFeature::DynoMetadata]).await,
        [
            "HEROKU_APP_DEFAULT_DOMAIN_NAME=shop.example.com",
            "HEROKU_APP_ID=its own",
            "HEROKU_APP_NAME=shop",
            "HEROKU_DYNO_ID=00000000-0000-0000-0000-000000000007",
            "HEROKU_RELEASE_CREATED_AT=2015-04-02T18:00:42Z",
            "HEROKU_RELEASE_VERSION=v2",
            "HEROKU_SLUG_COMMIT=954ab5310000000000000000000000000000beef",
            "HEROKU_SLUG_DESCRIPTION=Deploy 954ab531",
        ]
    );
    assert_eq!(
        with(&[AppFeature::DynoBuildMetadata]).await,
        [
            "HEROKU_BUILD_COMMIT=954ab5310000000000000000000000000000beef",
            "HEROKU_BUILD_DESCRIPTION=Deploy 954ab531",
        ]
    );
}
