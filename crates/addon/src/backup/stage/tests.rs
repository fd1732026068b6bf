use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::addon::{Addon, AddonState};
use model::config_var::Secret;
use model::id::TransferId;
use model::transfer::{DailyAt, Transfer, TransferEvent, TransferKind, TransferSource, TransferState};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use store::{NewTransfer, Store, StoreError};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Context, stage};
use crate::backup::fetch::Fetcher;
use crate::backup::folder::Folder;
use crate::backup::scratch;
use crate::backup::workshop::Workshop;
use crate::credentials::Credentials;
use crate::fixture::{Clock, Guide, Home, mini, new_app, open_store, psql, until};
use crate::postgres::Cluster;
use crate::service::DataService;

/// A real server, a store, a folder of backups and the stage over them.
struct World {
    cluster: Cluster,
    cx: Context,
    clock: Clock,
    running: Option<JoinHandle<Result<(), StoreError>>>,
    stop: CancellationToken,
    _dir: TempDir,
    _home: Home,
}

const TAG: &str = "test1234";

impl World {
    async fn new() -> Self {
        let home = Home::new();
        let cluster = home.open().await;
        let dir = tempfile::tempdir_in(home.dir.path()).expect("a folder");
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))
            .expect("passable");
        let clock = Clock::new();
        let cx = Context {
            store: open_store(dir.path(), &clock),
            workshop: cluster.workshop(TAG),
            folder: Folder::open(&dir.path().join("backups")).expect("a folder"),
            fetcher: Fetcher::new(Arc::new(Guide::ANYWHERE)).expect("a client"),
        };
        let mut world = Self {
            cluster,
            cx,
            clock,
            running: None,
            stop: CancellationToken::new(),
            _dir: dir,
            _home: home,
        };
        world.start();
        world
    }

    /// With a database in which this was run.
    async fn with(sql: &str) -> (Self, Database) {
        let world = Self::new().await;
        let one = world.database("one").await;
        one.run(sql).await;
        (world, one)
    }

    fn start(&mut self) {
        self.stop = CancellationToken::new();
        self.running = Some(tokio::spawn(stage(self.cx.clone(), self.stop.clone())));
    }

    /// Ends the stage in the middle of whatever it does, and what it works on.
    async fn kill(&mut self) {
        let running = self.running.take().expect("it runs");
        running.abort();
        assert!(running.await.expect_err("aborted").is_cancelled());
    }

    async fn end(mut self) {
        self.stop.cancel();
        self.running.take().expect("it runs").await.expect("no panic").expect("a clean end");
        self.cluster.stop().await.expect("stopped");
    }

    fn store(&self) -> &Store {
        &self.cx.store
    }

    /// An app with a database, as the add-ons' stage would make it.
    async fn database(&self, app: &'static str) -> Database {
        let databases = self.cluster.databases();
        let resource = databases.make_up();
        databases.create(&resource, mini()).await.expect("a database");
        let url = resource.clone();
        let made = self.store().write(move |tx| {
            let app = new_app(tx, app)?;
            let addon = tx.create_addon(app.id, &format!("db-of-{}", app.name), mini())?;
            tx.set_addon_resource(addon.id, &resource)?;
            tx.set_addon_state(addon.id, AddonState::Provisioned)?;
            tx.addon(addon.id)?.ok_or(StoreError::Missing { what: "add-on" })
        });
        Database { addon: made.await.expect("an add-on"), url }
    }

    async fn ask(&self, addon: &Addon, kind: TransferKind, source: TransferSource) -> TransferId {
        let new = NewTransfer {
            app: addon.app,
            addon: addon.id,
            kind,
            schedule: None,
            from_name: "DATABASE".to_owned(),
            to_name: "BACKUP".to_owned(),
            source,
            extensions: Vec::new(),
        };
        self.store().write(move |tx| tx.create_transfer(&new)).await.expect("asked for").id
    }

    async fn see(&self, id: TransferId) -> Option<Transfer> {
        self.store().read(move |tx| tx.transfer(id)).await.expect("read")
    }

    async fn log(&self, id: TransferId) -> String {
        let lines = self.store().read(move |tx| tx.transfer_log(id)).await.expect("read");
        lines.into_iter().map(|line| line.message + "\n").collect()
    }

    async fn until(&self, id: TransferId, state: TransferState) -> Transfer {
        let reached = || async { self.see(id).await.filter(|it| it.state == state || it.state.is_over()) };
        let transfer = until("the transfer's state", reached).await;
        assert_eq!(transfer.state, state, "{}", self.log(id).await);
        transfer
    }

    async fn done(&self, addon: &Addon, kind: TransferKind, source: TransferSource) -> Transfer {
        self.until(self.ask(addon, kind, source).await, TransferState::Succeeded).await
    }

    async fn failed(&self, addon: &Addon, kind: TransferKind, source: TransferSource) -> String {
        let id = self.ask(addon, kind, source).await;
        self.until(id, TransferState::Failed).await;
        self.log(id).await
    }

    /// Databases and roles of transfers that are in the server.
    async fn left(&self) -> Vec<String> {
        let admin = self.cx.workshop.admin.connect(None).await.expect("the socket");
        let query = "SELECT datname::text FROM pg_database WHERE datname LIKE 'hokku%'
                     UNION ALL SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'hokku%'";
        admin.all(query, &[]).await.expect("an answer").iter().map(|row| row.get(0)).collect()
    }

    /// Waits until nothing is left of any transfer but the files of these backups.
    async fn is_tidy(&self, backups: &[TransferId]) {
        until("nothing is left in the server", || async { self.left().await.is_empty().then_some(()) }).await;
        let dir = self.cx.folder.kept(TransferId::from_u128(0));
        let dir = dir.parent().expect("a folder");
        let names = |dir: &std::path::Path| -> BTreeSet<String> {
            let entries = std::fs::read_dir(dir).expect("a folder").flatten();
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        };
        let wanted: BTreeSet<String> =
            backups.iter().map(|id| format!("{id}.dump")).chain(["work".to_owned()]).collect();
        until("no file is left", || async {
            (names(dir) == wanted && names(&dir.join("work")).is_empty()).then_some(())
        })
        .await;
    }
}

struct Database {
    addon: Addon,
    url: Secret,
}

impl Database {
    async fn run(&self, statements: &str) -> String {
        psql(&self.url, "require", statements).await.expect("it works")
    }

    /// Somebody who holds a lock on a table for as long as he lives.
    async fn locked(&self, table: &str) -> JoinHandle<Result<String, String>> {
        let (url, statement) = (self.url.clone(), format!("BEGIN; LOCK TABLE {table}; SELECT pg_sleep(600)"));
        let session = tokio::spawn(async move { psql(&url, "require", &statement).await });
        let locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL
                     AND pid <> pg_backend_pid()";
        until("the lock", || async { (self.run(locks).await != "0").then_some(()) }).await;
        session
    }

    /// Throws everybody else out.
    async fn unlock(&self) {
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE pid <> pg_backend_pid() AND usename = current_user AND query LIKE '%pg_sleep%'",
        )
        .await;
    }
}

const SETUP: &str = r#"
    CREATE EXTENSION hstore; CREATE SCHEMA "Other Schema";
    CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL, more hstore);
    INSERT INTO people (name, more) SELECT 'person ' || n, hstore('n', n::text) FROM generate_series(1, 1000) n;
    CREATE TABLE "Other Schema"."Odd ""Name""" (person int REFERENCES public.people);
    INSERT INTO "Other Schema"."Odd ""Name""" SELECT id FROM people LIMIT 7;
    CREATE TABLE parted (n int) PARTITION BY RANGE (n); CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM (0) TO (9);
    INSERT INTO parted VALUES (1), (2);
    CREATE VIEW names AS SELECT name FROM people; CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM people;
    CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'; CREATE INDEX ON people (twice(id));
    SELECT lo_from_bytea(4711, 'a large object');
"#;

/// All that tenants see of a database.
const EVERYTHING: &str = r#"
    SELECT count(*), sum(id), md5(string_agg(name || (more->'n'), ',' ORDER BY id)) FROM people;
    SELECT count(*) FROM "Other Schema"."Odd ""Name"""; SELECT count(*) FROM parted; SELECT count(*) FROM names;
    SELECT * FROM counted; SELECT convert_from(lo_get(4711), 'UTF8');
    SELECT string_agg(format('%s %s', relname, pg_get_userbyid(relowner) = current_user), ',' ORDER BY relname)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace;
    SELECT current_setting('work_mem'), has_database_privilege('postgres', current_database(), 'CONNECT');
"#;

#[tokio::test]
async fn what_was_backed_up_comes_back_to_the_last_row() {
    let world = World::new().await;
    let one = world.database("one").await;
    one.run(SETUP).await;
    let name = Credentials::parse(&one.url).expect("credentials").database().to_owned();
    one.run(&format!("ALTER DATABASE \"{name}\" SET work_mem = '7MB'")).await;
    let before = one.run(EVERYTHING).await;

    let backup = world.done(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    world.is_tidy(&[backup.id]).await;
    assert!(backup.source_bytes > 7 << 20 && backup.processed_bytes > 10_000, "{backup:?}");
    assert_eq!(
        backup.processed_bytes,
        std::fs::metadata(world.cx.folder.kept(backup.id)).expect("a file").len()
    );
    assert_eq!((backup.attempts, backup.warnings), (1, 0));
    let log = world.log(backup.id).await;
    let verified = "Verified: restored into a scratch database and compared, 3 tables with 1009 rows and 1 large object.";
    assert!(log.contains(verified), "{log}");

    one.run("DROP TABLE people CASCADE; CREATE TABLE made_since (a int); SELECT lo_unlink(4711)").await;
    let restore = world.done(&one.addon, TransferKind::Restore, TransferSource::Backup(backup.id)).await;
    assert_eq!(one.run(EVERYTHING).await, before, "{}", world.log(restore.id).await);
    let known = world.store().read(move |tx| tx.database(restore.addon)).await.expect("read");
    assert_eq!(known.equipped, None, "it is to be looked at: what held the old data is not in the new");
    assert_eq!(
        (restore.source_bytes, restore.processed_bytes),
        (backup.processed_bytes, backup.processed_bytes)
    );
    let gone = psql(&one.url, "require", "SELECT * FROM made_since").await;
    assert!(gone.is_err_and(|said| said.contains("does not exist")), "a restore replaces what is there");
    one.run("INSERT INTO people (name) VALUES ('one more'); DROP SCHEMA \"Other Schema\" CASCADE; DROP EXTENSION hstore CASCADE")
        .await;
    world.is_tidy(&[backup.id]).await;

    // Into another app's database, from the same file.
    let two = world.database("two").await;
    world.done(&two.addon, TransferKind::Restore, TransferSource::Backup(backup.id)).await;
    assert_eq!(two.run("SELECT count(*) FROM people").await, "1000");

    let id = backup.id;
    world.store().write(move |tx| tx.delete_transfer(id)).await.expect("deleted");
    world.is_tidy(&[]).await;
    let log = world.failed(&two.addon, TransferKind::Restore, TransferSource::Backup(id)).await;
    assert!(log.contains("The backup was deleted before it could be restored."), "{log}");
    world.end().await;
}

#[tokio::test]
async fn a_copy_takes_the_place_of_what_was_there_from_here_and_elsewhere() {
    let world = World::new().await;
    let (one, two) = (world.database("one").await, world.database("two").await);
    one.run(SETUP).await;
    two.run("CREATE TABLE mine (a int)").await;
    let copy = world.done(&two.addon, TransferKind::Copy, TransferSource::Addon(one.addon.id)).await;
    assert_eq!(two.run("SELECT count(*) FROM people").await, "1000", "{}", world.log(copy.id).await);
    assert_eq!(two.run("SELECT to_regclass('mine') IS NULL").await, "t");
    one.run("INSERT INTO people (name) VALUES ('one more')").await;
    let log = world
        .log(world.done(&two.addon, TransferKind::Copy, TransferSource::Url(one.url.clone())).await.id)
        .await;
    assert_eq!(two.run("SELECT count(*) FROM people").await, "1001", "{log}");
    world.is_tidy(&[]).await;
    let wrong = Secret::new(one.url.expose_secret().replace(":p", ":x"));
    let log = world.failed(&two.addon, TransferKind::Copy, TransferSource::Url(wrong)).await;
    assert!(log.contains("password authentication failed"), "{log}");
    world.end().await;
}

/// Serves these bytes to everybody; the address.
async fn served(bytes: Vec<u8>) -> TransferSource {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let bytes = Arc::new(bytes);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _read = stream.read(&mut [0; 4096]).await;
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
            let _written = stream.write_all(head.as_bytes()).await;
            let _written = stream.write_all(&bytes).await;
            let _closed = stream.shutdown().await;
        }
    });
    TransferSource::Url(Secret::new(format!("http://127.0.0.1:{port}/latest.dump")))
}

#[tokio::test]
async fn rubbish_is_refused_in_words_and_the_database_stays_as_it_is() {
    let world = World::new().await;
    let one = world.database("one").await;
    one.run(SETUP).await;
    let before = one.run(EVERYTHING).await;
    let backup = world.done(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    let dump = std::fs::read(world.cx.folder.kept(backup.id)).expect("a file");

    let mut damaged = dump.clone();
    let at = damaged.len() - 3_000;
    damaged[at..at + 1_000].fill(0);
    for (bytes, why) in [
        (b"<html>404</html>".repeat(100), "This is no dump made with `pg_dump -Fc`: "),
        (Vec::new(), "This is no dump made with `pg_dump -Fc`: "),
        (b"--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n".repeat(100), "This is a dump in plain SQL."),
        (dump[..dump.len() / 2].to_vec(), "pg_restore failed: "),
        (damaged, "pg_restore failed: "),
    ] {
        let log = world.failed(&one.addon, TransferKind::Restore, served(bytes).await).await;
        assert!(log.contains(why), "{log}");
        assert_eq!(one.run(EVERYTHING).await, before);
    }
    world.is_tidy(&[backup.id]).await;

    one.run("DELETE FROM people WHERE id > 500").await;
    let good = world.done(&one.addon, TransferKind::Restore, served(dump).await).await;
    assert_eq!(one.run(EVERYTHING).await, before, "{}", world.log(good.id).await);
    world.end().await;
}

#[tokio::test]
async fn a_dump_may_do_no_more_than_its_tenant() {
    let (world, one) = World::with("CREATE TABLE kept (a int)").await;
    let name = Credentials::parse(&one.url).expect("credentials").database().to_owned();
    // What a superuser elsewhere may have had in his database.
    let admin = world.cx.workshop.admin.connect(None).await.expect("the socket");
    admin.run("make", "CREATE DATABASE evil".to_owned()).await.expect("made");
    let evil = world.cx.workshop.admin.connect(Some("evil")).await.expect("the socket");
    let dump = async |statement: &str| {
        evil.run("make", format!("SET search_path = public; {statement}")).await.expect("made");
        let output = std::process::Command::new(world.cx.workshop.program("pg_dump"))
            .args(["-Fc", "-h"])
            .arg(world._home.config.dir.join("run"))
            .args(["-p", &world.cluster.endpoint().port.to_string(), "-U", "postgres", "evil"])
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        served(output.stdout).await
    };
    let harmless = dump(
        "CREATE EXTENSION pg_stat_statements; CREATE TABLE good AS SELECT 1 AS a;
         CREATE FUNCTION nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION nothing()",
    )
    .await;
    let restore = world.done(&one.addon, TransferKind::Restore, harmless).await;
    let log = world.log(restore.id).await;
    assert_eq!(restore.warnings, 2, "{log}");
    assert!(
        log.contains("Left out: the extension pg_stat_statements (only a superuser can make it)."),
        "{log}"
    );
    assert!(log.contains("Left out: the event trigger watcher (only a superuser can make it)."), "{log}");
    assert_eq!(one.run("SELECT a FROM good").await, "1");

    let function = dump(
        "DROP EVENT TRIGGER watcher;
         CREATE FUNCTION run() RETURNS int AS '$libdir/plpgsql', 'plpgsql_call_handler' LANGUAGE c",
    )
    .await;
    let log = world.failed(&one.addon, TransferKind::Restore, function).await;
    assert!(log.contains("permission denied for language c"), "{log}");
    assert_eq!(one.run("SELECT a FROM good").await, "1", "{name} is as it was");
    world.is_tidy(&[]).await;
    drop((admin, evil));
    world.end().await;
}

#[tokio::test]
async fn a_cancelled_transfer_ends_at_once_and_leaves_nothing() {
    let (world, one) = World::with("CREATE TABLE t AS SELECT 1 AS a").await;
    let lock = one.locked("t").await;
    let (running, waiting) = (
        world.ask(&one.addon, TransferKind::Backup, TransferSource::Own).await,
        world.ask(&one.addon, TransferKind::Backup, TransferSource::Own).await,
    );
    world.until(running, TransferState::Running).await;
    let asked = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    until("it waits for the table", || async { (one.run(asked).await != "0").then_some(()) }).await;
    let dumps = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hokku' OR application_name = 'pg_dump'";
    assert_ne!(one.run(dumps).await, "0");
    for id in [waiting, running] {
        let cancel = move |tx: &store::Tx<'_>| tx.transfer_on(id, TransferEvent::Cancel);
        let cancelled = world.store().write(cancel).await.expect("cancelled");
        assert_eq!(cancelled.state, TransferState::Canceled);
    }
    world.is_tidy(&[]).await;
    one.unlock().await;
    lock.await.expect("no panic").expect_err("thrown out");
    let next = world.done(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    assert_eq!(next.name(), "b003");
    world.end().await;
}

#[tokio::test]
async fn a_killed_server_does_its_transfers_again() {
    let (mut world, one) = World::with("CREATE TABLE t AS SELECT 1 AS a").await;
    let lock = one.locked("t").await;
    let id = world.ask(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    let asked = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    until("it waits for the table", || async { (one.run(asked).await != "0").then_some(()) }).await;
    world.kill().await;
    assert_eq!(world.see(id).await.map(|it| it.state), Some(TransferState::Running));
    assert!(!world.left().await.is_empty(), "it left its role");

    one.unlock().await;
    lock.await.expect("no panic").expect_err("thrown out");
    world.start();
    let done = world.until(id, TransferState::Succeeded).await;
    assert_eq!(done.attempts, 2);
    let log = world.log(id).await;
    assert!(log.contains("It was broken off by a restart of the platform; it is done again."), "{log}");
    world.is_tidy(&[id]).await;
    world.end().await;
}

#[tokio::test]
async fn a_transfer_outlives_postgres_itself() {
    let world = World::new().await;
    let (cluster, stop) = (world.cluster.clone(), CancellationToken::new());
    let watching = tokio::spawn({
        let stop = stop.clone();
        async move { cluster.watch(stop).await }
    });
    let one = world.database("one").await;
    one.run("CREATE TABLE t AS SELECT 1 AS a").await;
    let lock = one.locked("t").await;
    let id = world.ask(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    let asked = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    until("it waits for the table", || async { (one.run(asked).await != "0").then_some(()) }).await;
    kill(Pid::from_raw(world.cluster.pid().expect("running")), Signal::SIGKILL).expect("killed");
    lock.await.expect("no panic").expect_err("its server was killed");
    let done = world.until(id, TransferState::Succeeded).await;
    assert_eq!(done.attempts, 2, "{}", world.log(id).await);
    world.is_tidy(&[id]).await;
    stop.cancel();
    watching.await.expect("no panic");
    world.end().await;
}

#[tokio::test]
async fn a_restore_that_was_about_to_take_its_place_takes_it_once() {
    let mut world = World::new().await;
    world.kill().await;
    let one = world.database("one").await;
    one.run("CREATE TABLE t AS SELECT 'old' AS a").await;
    let name = Credentials::parse(&one.url).expect("credentials").database().to_owned();
    let owner = scratch::owner_of(&world.cx.workshop, &name).await.expect("an owner");
    let settling = async |world: &World| {
        let id = world.ask(&one.addon, TransferKind::Restore, TransferSource::Own).await;
        for event in [TransferEvent::Start, TransferEvent::Settle] {
            world.store().write(move |tx| tx.transfer_on(id, event)).await.expect("changed");
        }
        id
    };
    let workshop: &Workshop = &world.cx.workshop.clone();

    // Killed before the names were changed: the verified data are there.
    let id = settling(&world).await;
    let admin = workshop.admin.connect(None).await.expect("the socket");
    let beside = workshop.name("scratch", id);
    let make = format!("CREATE DATABASE {beside} OWNER {owner} TEMPLATE template0");
    admin.run("make", make).await.expect("made");
    let inside = workshop.admin.connect(Some(&beside)).await.expect("the socket");
    let fill = format!("SET ROLE {owner}; CREATE TABLE public.t AS SELECT 'new'::text AS a");
    inside.run("give", format!("ALTER SCHEMA public OWNER TO {owner}")).await.expect("given");
    inside.run("fill", fill).await.expect("filled");
    drop(inside);
    world.start();
    world.until(id, TransferState::Succeeded).await;
    assert_eq!(one.run("SELECT a FROM t").await, "new");
    world.is_tidy(&[]).await;
    world.kill().await;

    // Killed after that: what the app has written since stays.
    let id = settling(&world).await;
    one.run("INSERT INTO t VALUES ('written since')").await;
    let make = format!("CREATE DATABASE {} OWNER {owner}", workshop.name("old", id));
    admin.run("make", make).await.expect("made");
    world.start();
    world.until(id, TransferState::Succeeded).await;
    assert_eq!(one.run("SELECT count(*) FROM t").await, "2");
    world.is_tidy(&[]).await;
    drop(admin);
    world.end().await;
}

#[tokio::test]
async fn a_database_under_use_is_replaced_between_two_statements() {
    let (world, one) = World::with("CREATE TABLE t AS SELECT generate_series(1, 1000) AS a").await;
    let backup = world.done(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    one.run("DELETE FROM t WHERE a > 10").await;
    let url = one.url.clone();
    let stop = CancellationToken::new();
    let user = tokio::spawn({
        let stop = stop.clone();
        async move {
            let (mut seen, mut refused) = (BTreeSet::new(), 0);
            while !stop.is_cancelled() {
                match psql(&url, "require", "SELECT count(*) FROM t").await {
                    Ok(count) => drop(seen.insert(count)),
                    Err(said) => {
                        assert!(
                            said.contains("terminating connection")
                                || said.contains("does not exist")
                                || said.contains("closed the connection"),
                            "{said}"
                        );
                        refused += 1;
                    }
                }
            }
            (seen, refused)
        }
    });
    world.done(&one.addon, TransferKind::Restore, TransferSource::Backup(backup.id)).await;
    until("the new rows", || async { (one.run("SELECT count(*) FROM t").await == "1000").then_some(()) })
        .await;
    stop.cancel();
    let (seen, refused) = user.await.expect("no panic");
    assert!(
        seen.iter().all(|count| count == "10" || count == "1000"),
        "nobody sees anything in between: {seen:?}"
    );
    assert!(refused <= 2, "{refused} sessions were refused");
    world.end().await;
}

#[tokio::test]
async fn a_backup_is_made_every_day_at_its_hour() {
    const HOUR: Duration = Duration::from_secs(3600);
    let mut world = World::new().await;
    let one = world.database("one").await;
    one.run("CREATE TABLE t AS SELECT 1 AS a").await;
    let id = one.addon.id;
    // It is some time before three.
    let at = DailyAt::new("16", "UTC").expect("a time");
    world.store().write(move |tx| tx.create_schedule(id, "DATABASE_URL", &at)).await.expect("scheduled");
    let asked_for = async |world: &World, count: usize| -> Vec<Transfer> {
        // Any change makes the stage look.
        let touch = move |tx: &store::Tx<'_>| tx.set_addon_state(id, AddonState::Provisioned);
        world.store().write(touch).await.expect("touched");
        until("the scheduled backups", || async {
            let all = world.store().read(|tx| tx.transfers()).await.expect("read");
            (all.len() == count && all.iter().all(|it| it.state == TransferState::Succeeded)).then_some(all)
        })
        .await
    };
    world.clock.put_forward(HOUR / 2);
    let manual = world.done(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    assert_eq!(asked_for(&world, 1).await[0].id, manual.id, "not before its hour");
    world.clock.put_forward(HOUR);
    let names = |all: &[Transfer]| all.iter().map(Transfer::name).collect::<Vec<_>>();
    assert_eq!(names(&asked_for(&world, 2).await), ["b001", "a002"]);
    world.clock.put_forward(HOUR * 4);
    world.done(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    assert_eq!(names(&asked_for(&world, 3).await), ["b001", "a002", "b003"], "once a day");

    // At the next day's hour nobody is there to do it.
    world.kill().await;
    world.clock.put_forward(HOUR * 20);
    world.start();
    assert_eq!(names(&asked_for(&world, 4).await), ["b001", "a002", "b003", "a004"]);
    world.end().await;
}

#[tokio::test]
async fn a_backup_goes_away_with_its_add_on() {
    let (world, one) = World::with("CREATE TABLE t AS SELECT 1 AS a").await;
    let backup = world.done(&one.addon, TransferKind::Backup, TransferSource::Own).await;
    assert!(world.cx.folder.kept(backup.id).exists());
    let id = one.addon.id;
    world.store().write(move |tx| tx.delete_addon(id)).await.expect("gone");
    world.is_tidy(&[]).await;
    world.end().await;
}
