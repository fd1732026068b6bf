use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logs::{Filter, Logs, LogsConfig};
use model::addon::{Addon, AddonState, POSTGRES, Plan};
use model::config_var::{ConfigKey, Secret};
use model::database::{Database, GRACE, Rotation};
use model::id::AppId;
use model::release::ReleaseEvent;
use store::{App, Store, StoreError};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Context, Upkeep, stage};
use crate::attach::{Request, destroy, destroy_all, request};
use crate::bucketeer::Buckets;
use crate::credentials::Credentials;
use crate::fixture::{Clock, Home, mini, new_app, open_store, psql, until};
use crate::info;
use crate::service::{
    BadResource, DataService, DatabaseInfo, DatabaseService, Endpoint, Restriction, ServiceError, Services,
    Values, Work,
};

/// A server that only remembers what it was asked for, and can be made to fail.
struct Fake {
    endpoint: Endpoint,
    state: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    /// Database to password.
    databases: BTreeMap<String, String>,
    /// So many requests fail, from the next on.
    failures_left: usize,
    asked: usize,
}

impl Fake {
    fn new(port: u16, state: &Arc<Mutex<Held>>) -> Arc<Self> {
        let endpoint = Endpoint { host: "pg.example.com".to_owned(), port };
        Arc::new(Self { endpoint, state: Arc::clone(state) })
    }

    fn answer<T: Send + 'static>(
        &self,
        credentials: &Credentials,
        answer: impl FnOnce(&mut Held) -> Option<T>,
    ) -> Work<'_, T> {
        let mut held = self.state.lock().expect("no panic");
        let missing = || ServiceError::Missing {
            server: self.endpoint.to_string(),
            database: credentials.database().to_owned(),
        };
        held.asked += 1;
        let result = if held.failures_left > 0 {
            held.failures_left -= 1;
            Err(missing())
        } else {
            answer(&mut held).ok_or_else(missing)
        };
        Box::pin(async move { result })
    }
}

impl DataService for Fake {
    fn name(&self) -> &'static str {
        POSTGRES
    }

    fn address(&self) -> String {
        self.endpoint.to_string()
    }

    fn make_up(&self) -> Secret {
        Credentials::make_up(&self.endpoint).url()
    }

    fn create<'a>(&'a self, resource: &'a Secret, _: &'a Plan) -> Work<'a, ()> {
        let credentials = Credentials::parse(resource).expect("credentials");
        let password = credentials.password().expose_secret().to_owned();
        self.answer(&credentials, |held| {
            held.databases.insert(credentials.database().to_owned(), password);
            Some(())
        })
    }

    fn remove<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        let credentials = Credentials::parse(resource).expect("credentials");
        self.answer(&credentials, |held| {
            held.databases.remove(credentials.database());
            Some(())
        })
    }

    fn moved(&self, resource: &Secret) -> Result<Option<Secret>, BadResource> {
        let known = Credentials::parse(resource)?;
        Ok((*known.endpoint() != self.endpoint).then(|| known.at(&self.endpoint).url()))
    }

    fn find<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        let credentials = Credentials::parse(resource).expect("credentials");
        self.answer(&credentials, |held| held.databases.contains_key(credentials.database()).then_some(()))
    }

    fn values(&self, resource: &Secret, attachment: &str) -> Result<Values, BadResource> {
        let key = ConfigKey::of_platform(&format!("{attachment}_URL")).expect("a key");
        Ok(Values::from([(key, resource.clone())]))
    }
}

impl DatabaseService for Fake {
    fn measure<'a>(&'a self, resource: &'a Secret, _: &'a Plan) -> Work<'a, DatabaseInfo> {
        let credentials = Credentials::parse(resource).expect("credentials");
        let info = DatabaseInfo { version: "15.14".to_owned(), bytes: 0, connections: 0, tables: 0, rows: 0 };
        self.answer(&credentials, |held| held.databases.contains_key(credentials.database()).then_some(info))
    }

    fn equip<'a>(&'a self, resource: &'a Secret, _: u32) -> Work<'a, ()> {
        self.find(resource)
    }

    fn renew(&self, resource: &Secret) -> Result<Secret, BadResource> {
        Ok(Credentials::parse(resource)?.renew().url())
    }

    fn switch<'a>(&'a self, _: &'a Secret, new: &'a Secret, _: &'a Plan) -> Work<'a, ()> {
        self.find(new)
    }

    fn retire<'a>(&'a self, _: &'a Secret, new: &'a Secret, _: &'a Plan) -> Work<'a, ()> {
        self.find(new)
    }

    fn identity<'a>(&'a self, _: &'a Secret) -> Work<'a, u32> {
        Box::pin(async { Ok(1) })
    }

    fn replace<'a>(&'a self, resource: &'a Secret, _: u32) -> Work<'a, ()> {
        self.find(resource)
    }

    fn restrict<'a>(&'a self, resource: &'a Secret, _: Restriction) -> Work<'a, ()> {
        self.find(resource)
    }

    fn free<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        self.find(resource)
    }

    fn disconnect<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        self.find(resource)
    }
}

/// A store with one app, and its logs.
struct World {
    store: Store,
    logs: Logs,
    clock: Clock,
    app: App,
    upkeep: Upkeep,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Clock::new();
        let store = open_store(dir.path(), &clock);
        let app = store.write(|tx| new_app(tx, "one")).await.expect("an app");
        // Its clock runs fast: by itself nothing is looked at twice.
        let upkeep = Upkeep { inspect_every: Duration::MAX, ..Upkeep::default() };
        Self { logs: open_logs(dir.path(), &store), store, clock, app, upkeep, _dir: dir }
    }

    fn start(
        &self,
        postgres: Arc<dyn DatabaseService>,
    ) -> (CancellationToken, JoinHandle<Result<(), StoreError>>) {
        self.start_with(postgres, Vec::new())
    }

    fn start_with(
        &self,
        postgres: Arc<dyn DatabaseService>,
        others: Vec<Arc<dyn DataService>>,
    ) -> (CancellationToken, JoinHandle<Result<(), StoreError>>) {
        let stop = CancellationToken::new();
        let (store, logs) = (self.store.clone(), self.logs.clone());
        let services = Services { postgres, others };
        let cx = Context { store, logs, services, upkeep: self.upkeep };
        (stop.clone(), tokio::spawn(stage(cx, stop)))
    }

    async fn request(&self, name: &'static str) -> Addon {
        self.request_of(mini(), name).await
    }

    async fn request_of(&self, plan: &'static Plan, name: &'static str) -> Addon {
        let (app, user) = (self.app.id, self.app.owner);
        let wish = Request { app, plan, name: Some(name), attachment: None, user };
        self.store.write(move |tx| request(tx, &wish)).await.expect("asked for").addon
    }

    async fn is_provisioned(&self, addon: &Addon) -> Addon {
        until("provisioned", || self.find(addon, |addon| addon.state == AddonState::Provisioned)).await
    }

    async fn find(&self, addon: &Addon, is_so: impl Fn(&Addon) -> bool) -> Option<Addon> {
        let id = addon.id;
        self.store.read(move |tx| tx.addon(id)).await.expect("read").filter(is_so)
    }

    async fn is_gone(&self, addon: &Addon) {
        let id = addon.id;
        let gone =
            || async { self.store.read(move |tx| tx.addon(id)).await.expect("read").is_none().then_some(()) };
        until("gone", gone).await;
    }

    async fn url(&self, app: AppId) -> Option<Secret> {
        let key = ConfigKey::of_platform("DATABASE_URL").expect("a key");
        self.store.read(move |tx| tx.config_vars(app)).await.expect("read").remove(&key)
    }

    async fn log(&self, lines: usize) -> Vec<String> {
        let messages = || async {
            let entries = self.logs.history(self.app.id, &Filter::default(), 100).await.expect("read");
            (entries.len() >= lines).then_some(entries)
        };
        let entries = until("log lines", messages).await;
        entries.iter().map(|it| format!("{}: {}", it.line.process, it.line.message)).collect()
    }
}

fn open_logs(dir: &Path, store: &Store) -> Logs {
    let store = store.clone();
    Logs::open(LogsConfig::new(dir.join("logs")), Arc::new(move || store.now())).expect("logs")
}

#[tokio::test]
async fn an_add_on_is_made_told_of_and_removed_whatever_fails_on_the_way() {
    let world = World::new().await;
    let held = Arc::new(Mutex::new(Held { failures_left: 1, ..Held::default() }));
    let (stop, running) = world.start(Fake::new(5432, &held));

    let addon = world.is_provisioned(&world.request("db").await).await;
    let url = world.url(world.app.id).await.expect("a URL");
    assert_eq!(addon.resource.as_ref(), Some(&url));
    {
        let held = held.lock().expect("no panic");
        let credentials = Credentials::parse(&url).expect("credentials");
        let password = credentials.password().expose_secret().to_owned();
        let only = BTreeMap::from([(credentials.database().to_owned(), password)]);
        assert_eq!((held.asked >= 2, &held.databases), (true, &only), "tried again with the same names");
    }
    assert_eq!(
        world.log(2).await,
        [
            "api: @ref:db completed provisioning, setting DATABASE_URL. by user owner@example.com",
            "api: Release v2 created by user owner@example.com",
        ]
    );

    held.lock().expect("no panic").failures_left = 1;
    let (gone, user) = (addon.clone(), world.app.owner);
    world.store.write(move |tx| destroy(tx, &gone, user)).await.expect("destroyed");
    assert_eq!(world.url(world.app.id).await, None, "at once");
    world.is_gone(&addon).await;
    assert!(held.lock().expect("no panic").databases.is_empty());
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn an_app_that_is_gone_keeps_no_database() {
    let world = World::new().await;
    let held = Arc::new(Mutex::new(Held::default()));
    let addon = world.request("db").await;
    let never = world.request("never-made").await;
    let (stop, running) = world.start(Fake::new(5432, &held));
    world.is_provisioned(&never).await;
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");

    let (app, user) = (world.app.id, world.app.owner);
    let deletion = move |tx: &store::Tx<'_>| {
        destroy_all(tx, app, user)?;
        tx.delete_app(app)
    };
    world.store.write(deletion).await.expect("deleted");
    let (stop, running) = world.start(Fake::new(5432, &held));
    world.is_gone(&addon).await;
    world.is_gone(&never).await;
    assert!(held.lock().expect("no panic").databases.is_empty());
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn apps_are_told_a_new_address_but_only_of_a_server_that_has_their_data() {
    let world = World::new().await;
    let held = Arc::new(Mutex::new(Held::default()));
    let (stop, running) = world.start(Fake::new(5432, &held));
    let addon = world.is_provisioned(&world.request("db").await).await;
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
    let old = world.url(world.app.id).await.expect("a URL");

    let empty = Arc::new(Mutex::new(Held::default()));
    let (stop, running) = world.start(Fake::new(6000, &empty));
    until("a second look", || async { (empty.lock().expect("no panic").asked == 2).then_some(()) }).await;
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
    assert_eq!(
        world.url(world.app.id).await.as_ref(),
        Some(&old),
        "another server's address is kept from it"
    );

    let (stop, running) = world.start(Fake::new(5433, &held));
    let moved = until("moved", || world.find(&addon, |it| it.resource != addon.resource)).await;
    let url = world.url(world.app.id).await.expect("a URL");
    assert_eq!(url.expose_secret(), old.expose_secret().replace(":5432/", ":5433/"));
    assert_eq!(moved.resource.as_ref(), Some(&url));
    let log = world.log(4).await;
    assert_eq!(
        log[2..],
        ["api: Update DATABASE by heroku-postgresql", "api: Release v3 created by user owner@example.com"]
    );
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn a_real_database_comes_and_goes_with_its_add_on() {
    let home = Home::new();
    let cluster = home.open().await;
    let world = World::new().await;
    let (stop, running) = world.start(cluster.databases());
    let addon = world.is_provisioned(&world.request("db").await).await;
    let url = world.url(world.app.id).await.expect("a URL");
    let answer = psql(&url, "require", "CREATE TABLE t (a int); SELECT count(*) FROM t").await;
    assert_eq!(answer.as_deref(), Ok("CREATE TABLE\n0"));
    let facts =
        info::look(&*cluster.databases(), &addon, &Database::new(addon.id), GRACE).await.expect("measured");
    let rows = facts.iter().find(|fact| fact.name == "Rows").expect("its plan counts rows");
    assert_eq!(rows.values, ["0/10000 (In compliance) - refreshing"]);

    let (gone, user) = (addon.clone(), world.app.owner);
    world.store.write(move |tx| destroy(tx, &gone, user)).await.expect("destroyed");
    world.is_gone(&addon).await;
    let refused = psql(&url, "require", "SELECT 1").await;
    assert!(
        refused.as_ref().is_err_and(|said| said.contains("password authentication failed")),
        "{refused:?}"
    );
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
    cluster.stop().await.expect("stopped");
}

impl World {
    async fn database(&self, addon: &Addon) -> Database {
        let id = addon.id;
        self.store.read(move |tx| tx.database(id)).await.expect("read")
    }

    /// Lets every release on its way succeed, as the release stage does where there is no code.
    async fn settle_releases(&self) {
        let settle = |tx: &store::Tx<'_>| {
            for release in tx.open_releases()? {
                tx.release_on(release.id, ReleaseEvent::Settle)?;
            }
            Ok::<_, StoreError>(())
        };
        self.store.write(settle).await.expect("settled");
    }
}

#[tokio::test]
async fn old_credentials_last_as_long_as_a_release_needs_them() {
    let home = Home::new();
    let cluster = home.open().await;
    let world = World::new().await;
    let (stop, running) = world.start(cluster.databases());
    let addon = world.is_provisioned(&world.request("db").await).await;
    world.settle_releases().await;
    let old = world.url(world.app.id).await.expect("a URL");
    let id = addon.id;
    world.store.write(move |tx| tx.ask_rotation(id, false)).await.expect("asked for");
    until("both", || async {
        matches!(world.database(&addon).await.rotation, Rotation::Overlap { .. }).then_some(())
    })
    .await;
    let new = world.url(world.app.id).await.expect("a URL");
    assert_ne!(new, old);
    for url in [&old, &new] {
        assert_eq!(psql(url, "require", "SELECT 1").await.as_deref(), Ok("1"));
    }

    // The release with the new ones has not taken over: what runs has the old ones.
    let (app, given) = (world.app.id, old.clone());
    let runs_with_old = world.store.read(move |tx| {
        let current = tx.current_release(app)?.expect("a release");
        tx.release_is_given(current.id, &given)
    });
    assert!(runs_with_old.await.expect("read"));
    assert_eq!(psql(&old, "require", "SELECT 1").await.as_deref(), Ok("1"));
    world.settle_releases().await;
    until("settled", || async { (world.database(&addon).await.rotation == Rotation::Settled).then_some(()) })
        .await;
    assert!(psql(&old, "require", "SELECT 1").await.is_err());
    assert_eq!(psql(&new, "require", "SELECT 1").await.as_deref(), Ok("1"));
    let log = world.log(5).await;
    assert_eq!(
        log[2..],
        [
            "api: Update DATABASE by heroku-postgresql",
            "api: Release v3 created by user owner@example.com",
            "heroku-postgres: The previous credentials of db are no longer valid",
        ]
    );

    world.store.write(move |tx| tx.ask_rotation(id, true)).await.expect("asked for");
    until("at once", || async {
        let database = world.database(&addon).await;
        (database.rotation == Rotation::Settled && world.url(world.app.id).await != Some(new.clone()))
            .then_some(())
    })
    .await;
    assert!(psql(&new, "require", "SELECT 1").await.is_err(), "forced: whoever has them is shut out");
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_full_database_is_held_and_let_go_by_deleting_or_by_a_larger_plan() {
    let home = Home::new();
    let cluster = home.open().await;
    let mut world = World::new().await;
    world.upkeep =
        Upkeep { grace: Duration::from_secs(20), inspect_every: Duration::from_secs(1), rotate_every: None };
    let (stop, running) = world.start(cluster.databases());
    let addon = world.is_provisioned(&world.request("db").await).await;
    let url = world.url(world.app.id).await.expect("a URL");
    let fill = "CREATE TABLE t AS SELECT generate_series(1, 10001) AS a";
    psql(&url, "require", fill).await.expect("nobody is held at once");
    let insert = || psql(&url, "require", "INSERT INTO t VALUES (1)");
    until("held", || async { insert().await.err() }).await;
    let id = addon.id;
    let larger = model::addon::plan("heroku-postgresql:basic").expect("a plan");
    world.store.write(move |tx| tx.set_addon_plan(id, larger)).await.expect("upgraded");
    until("let go", || async { insert().await.ok() }).await;
    until("equipped", || async { (world.database(&addon).await.equipped == Some(larger)).then_some(()) })
        .await;
    world.store.write(move |tx| tx.set_addon_plan(id, mini())).await.expect("back");
    until("held again", || async { insert().await.err() }).await;
    psql(&url, "require", "TRUNCATE t").await.expect("it may be emptied");
    until("let go", || async { insert().await.ok() }).await;
    until("told", || async {
        let log = world.log(7).await.join("\n");
        let told = ["db is over the limits", "db is still over", "db keeps to the limits"];
        told.iter().all(|text| log.contains(text)).then_some(())
    })
    .await;
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn credentials_are_changed_whenever_their_time_has_come() {
    const HOUR: Duration = Duration::from_secs(3600);
    let mut world = World::new().await;
    world.upkeep.rotate_every = Some(HOUR * 24);
    // Each look asks the server something, so looks can be counted.
    world.upkeep.inspect_every = Duration::from_secs(1);
    let held = Arc::new(Mutex::new(Held::default()));
    let (stop, running) = world.start(Fake::new(5432, &held));
    let addon = world.is_provisioned(&world.request("db").await).await;
    world.settle_releases().await;
    let mut known = world.url(world.app.id).await.expect("a URL");
    for _ in 0..2 {
        world.clock.put_forward(HOUR * 23);
        let asked = held.lock().expect("no panic").asked;
        let more = || async { (held.lock().expect("no panic").asked >= asked + 2).then_some(()) };
        until("two more looks", more).await;
        assert_eq!(world.url(world.app.id).await.as_ref(), Some(&known), "not before its time");
        world.clock.put_forward(HOUR);
        let changed = || async { world.url(world.app.id).await.filter(|url| *url != known) };
        known = until("other credentials", changed).await;
        world.settle_releases().await;
        let settled = || async { (world.database(&addon).await.rotation == Rotation::Settled).then_some(()) };
        until("the old ones end", settled).await;
    }
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn a_bucket_follows_its_plan_up_and_down_and_after_a_start() {
    let world = World::new().await;
    let home = tempfile::tempdir().expect("a folder");
    let config = bucket::Config {
        dir: home.path().join("buckets"),
        key: vec![7; 32],
        host: "s3.localhost".to_owned(),
        socket: home.path().join("s3.sock"),
        control_socket: home.path().join("control.sock"),
        listen: None,
        certificate: home.path().join("none"),
        private_key: home.path().join("none"),
        outside: None,
    };
    let client = bucket::Client::new(config.control_socket.clone());
    let ended = CancellationToken::new();
    let store = world.store.clone();
    let serving = tokio::spawn(bucket::serve(config, Arc::new(move || store.now()), ended.clone()));
    let buckets = || -> Vec<Arc<dyn DataService>> {
        vec![Arc::new(Buckets::new(client.clone(), "https://s3.localhost".to_owned()))]
    };
    let held = Arc::new(Mutex::new(Held::default()));
    let (stop, running) = world.start_with(Fake::new(5432, &held), buckets());
    let plan = |name| model::addon::plan(name).expect("a plan");
    let asked = world.request_of(plan("bucketeer:hobbyist"), "pictures").await;
    let addon = world.is_provisioned(&asked).await;
    let known: serde_json::Value =
        serde_json::from_str(addon.resource.as_ref().expect("made up").expose_secret()).expect("JSON");
    let name = known["bucket"].as_str().expect("a name").to_owned();
    let holds = |bytes: u64| {
        let (client, name) = (client.clone(), name.clone());
        async move {
            until("the limit", || async {
                let usage = client.measure(&name).await.expect("measured");
                (usage.bytes_max == bytes).then_some(())
            })
            .await;
        }
    };
    holds(plan("bucketeer:hobbyist").bytes).await;
    let id = addon.id;
    let change = |to: &'static str| {
        let to = plan(to);
        world.store.write(move |tx| tx.set_addon_plan(id, to))
    };
    change("bucketeer:small").await.expect("upgraded");
    holds(plan("bucketeer:small").bytes).await;
    change("bucketeer:micro").await.expect("downgraded");
    holds(plan("bucketeer:micro").bytes).await;

    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
    change("bucketeer:hobbyist").await.expect("while nobody looks");
    let (stop, running) = world.start_with(Fake::new(5432, &held), buckets());
    holds(plan("bucketeer:hobbyist").bytes).await;
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
    ended.cancel();
    serving.await.expect("no panic").expect("a clean end");
}
