//! A folder with everything the API works with, and an app in full swing.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use logs::transcript::Transcripts;
use logs::{Logs, LogsConfig};
use model::build::Build;
use model::config_var::{ConfigKey, Secret};
use model::dyno::{Dyno, DynoEvent};
use model::formation::DynoSize;
use model::id::{BuildId, SlugId};
use model::log::{Line, Source};
use model::procfile::Procfile;
use model::release::ReleaseEvent;
use model::scope::Scopes;
use model::site::Site;
use model::slug::{STACK, Slug};
use model::time::Timestamp;
use store::{Account, App, ConfigChange, NewApp, NewBuild, NewRelease, NewToken, Store, StoreError, Tx};
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;

/// The present time.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since)
}

/// Everything the API needs, in a folder of its own. `port` is where clients reach it.
pub(crate) fn context(dir: &Path, port: u16) -> api::Context {
    let clock = Arc::new(now);
    let sources = dir.join("sources");
    std::fs::create_dir_all(&sources).expect("a folder");
    api::Context {
        store: Store::open(dir, clock.clone()).expect("a store"),
        logs: Logs::open(LogsConfig::new(dir.join("logs")), clock).expect("logs"),
        transcripts: Transcripts::open(&dir.join("transcripts")).expect("transcripts"),
        site: Site { domain: "localhost".parse().expect("a domain"), port, rendezvous_port: 5000 },
        addons: Arc::new(Desk),
        sources,
        roots: certs::Roots::from_pem(""),
        backups: dir.join("backups"),
        buildpacks: vec!["heroku/python".to_owned()],
        stop: CancellationToken::new(),
    }
}

/// The password of every account here; hashed once, because that is slow on purpose.
pub(crate) const PASSWORD: &str = "password";
static HASH: LazyLock<String> =
    LazyLock::new(|| api::hash_password(&Secret::from(PASSWORD)).expect("a hash"));

/// Makes an account that can log in with this token and [`PASSWORD`].
pub(crate) async fn account(cx: &api::Context, email: &str, token: &str) -> Account {
    let (email, token) = (email.parse().expect("an address"), Secret::from(token));
    let made = cx.store.write(move |tx| {
        let is_first = tx.owner()?.is_none();
        let account = tx.create_account(&email, Some(&HASH), is_first)?;
        let (description, scopes) = ("test".to_owned(), Scopes::global());
        tx.create_token(&NewToken { account: account.id, token, description, scopes, expires_at: None })?;
        Ok::<_, StoreError>(account)
    });
    made.await.expect("an account")
}

/// What the fixture app consists of.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) app: App,
    pub(crate) build: Build,
}

/// An app with one deploy, two web dynos up, a worker that crashed, a worn-out release command's output.
pub(crate) async fn running_app(cx: &api::Context, owner: &Account, name: &str) -> Running {
    let (owner, name) = (owner.clone(), name.to_owned());
    let made = cx.store.write(move |tx| {
        let app = new_app(tx, &owner, &name)?;
        let (build, slug) = built(tx, &app)?;
        deployed(tx, &app, &build, &slug)?;
        let build = tx.build(build.id)?.ok_or(StoreError::Missing { what: "build" })?;
        Ok::<_, StoreError>(Running { app, build })
    });
    let running = made.await.expect("an app");
    let id = running.build.id;
    let mut transcript = cx.transcripts.writer(&format!("build-{id}")).expect("a transcript");
    transcript.append(b"-----> Building\n-----> Done\n").expect("written");
    transcript.finish().expect("finished");
    for (process, message) in [("web.1", "Listening on 5000"), ("worker.1", "boom"), ("web.2", "GET /")] {
        let (process, message) = (process.to_owned(), message.to_owned());
        cx.logs.append(running.app.id, Line { at: now(), source: Source::App, process, message });
    }
    running
}

fn new_app(tx: &Tx<'_>, owner: &Account, name: &str) -> Result<App, StoreError> {
    let app = tx.create_app(&NewApp {
        name: name.parse().expect("a name"),
        owner: owner.id,
        stack: STACK.to_owned(),
        hostname: format!("{name}.localhost").parse().expect("a host name"),
    })?;
    for description in ["Initial release", "Enable Logplex"] {
        settled(tx, &app, description, None)?;
    }
    let key = ConfigKey::of_platform("SECRET_KEY").expect("a key");
    tx.change_config_vars(app.id, &ConfigChange::from([(key, Some(Secret::from("one")))]), None)?;
    Ok(app)
}

/// A release that is over at once.
pub(crate) fn settled(
    tx: &Tx<'_>,
    app: &App,
    description: &str,
    slug: Option<SlugId>,
) -> Result<model::release::Release, StoreError> {
    let (app, user, description) = (app.id, app.owner, description.to_owned());
    let release = tx.create_release(&NewRelease { app, slug, description, user, runs_command: true })?;
    tx.release_on(release.id, ReleaseEvent::Settle)
}

fn built(tx: &Tx<'_>, app: &App) -> Result<(Build, Slug), StoreError> {
    let build = tx.create_build(&NewBuild {
        id: BuildId::new(),
        app: app.id,
        user: app.owner,
        source: "source.tar".to_owned(),
        commit: Some("954ab5310000000000000000000000000000beef".to_owned()),
        stack: STACK.to_owned(),
    })?;
    let build = tx.claim_build(build.id)?;
    let slug = Slug {
        id: SlugId::new(),
        app: app.id,
        stack: STACK.to_owned(),
        commit: build.commit.clone(),
        language: "Python".to_owned(),
        bytes: 12_345_678,
        processes: Procfile::parse(
            "web: gunicorn mysite.wsgi\nworker: python manage.py work\nrelease: true\n",
        ),
        manifest: "{}".to_owned(),
        created_at: tx.now(),
    };
    tx.succeed_build(&build, &slug, &["heroku/python".to_owned()])?;
    Ok((build, slug))
}

fn deployed(tx: &Tx<'_>, app: &App, build: &Build, slug: &Slug) -> Result<(), StoreError> {
    let release = settled(tx, app, "Deploy 954ab531", Some(slug.id))?;
    tx.set_build_release(build.id, release.id)?;
    tx.sync_formation(app.id, &slug.processes, true)?;
    tx.scale(app.id, &"web".parse().expect("a type"), 2, DynoSize::Basic)?;
    tx.scale(app.id, &"worker".parse().expect("a type"), 1, DynoSize::Standard1X)?;
    for name in ["web.1", "web.2", "worker.1"] {
        let name: model::dyno::DynoName = name.parse().expect("a name");
        let dyno = Dyno {
            command: slug.processes.command(name.kind.as_str()).unwrap_or_default().to_owned(),
            ..Dyno::new(app.id, name, release.id, tx.now())
        };
        tx.create_dyno(&dyno)?;
        let is_web = dyno.name.kind.is_web();
        tx.dyno_on(dyno.id, if is_web { DynoEvent::Ready } else { DynoEvent::Exited })?;
    }
    Ok(())
}
