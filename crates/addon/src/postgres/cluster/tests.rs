use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_util::sync::CancellationToken;

use super::{Cluster, LOG_FILES_MAX, OpenError, remove_old_logs};
use crate::credentials::Credentials;
use crate::fixture::{Home, mini, psql, until};
use crate::postgres::postmaster::members;
use crate::service::{DataService, DatabaseService};

async fn database(cluster: &Cluster) -> Credentials {
    let credentials = Credentials::make_up(cluster.endpoint());
    cluster.databases().create(&credentials.url(), mini()).await.expect("a database");
    credentials
}

/// The certificate that the server shows.
async fn shown_certificate(cluster: &Cluster) -> String {
    let output = tokio::process::Command::new("openssl")
        .args(["s_client", "-starttls", "postgres", "-connect", &cluster.endpoint().to_string()])
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .expect("openssl is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let from = text.find("-----BEGIN").expect("a certificate");
    text[from..].lines().take_while(|line| !line.starts_with("---\n")).take(40).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_server_outlives_who_started_it_and_is_taken_over_as_it_is() {
    let mut home = Home::new();
    let first = home.open().await;
    let (pid, endpoint) = (first.pid().expect("running"), first.endpoint().clone());
    let data = database(&first).await;
    psql(&data.url(), "require", "CREATE TABLE kept AS SELECT 7 AS a").await.expect("a table");
    drop(first);

    let second = home.open().await;
    assert_eq!((second.pid(), second.endpoint()), (Some(pid), &endpoint), "not started a second time");

    home.config.listen.push("127.0.0.2".parse().expect("an address"));
    let third = home.open().await;
    assert_ne!(third.pid(), Some(pid), "started again with its new address");
    assert_eq!(third.endpoint(), &endpoint, "at the same port");
    let elsewhere = data.clone().at(&crate::Endpoint { host: "127.0.0.2".to_owned(), port: endpoint.port });
    assert_eq!(psql(&elsewhere.url(), "require", "SELECT a FROM kept").await.as_deref(), Ok("7"));

    third.stop().await.expect("stopped");
    assert_eq!((third.pid(), members(&home.data())), (None, vec![]), "no process is left");
    let fourth = home.open().await;
    assert_eq!(fourth.endpoint(), &endpoint, "at the port it had");
    assert_eq!(psql(&data.url(), "require", "SELECT a FROM kept").await.as_deref(), Ok("7"));
    fourth.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart() {
    let home = Home::new();
    let cluster = home.open().await;
    let pid = cluster.pid();
    let has = |shown: String, pem: &str| pem.lines().all(|line| shown.contains(line));
    let new = home.new_certificate();
    assert!(!has(shown_certificate(&cluster).await, &new));
    let taken_over = home.open().await;
    // The server reads it a moment after it was told to.
    until("the new certificate", || async { has(shown_certificate(&cluster).await, &new).then_some(()) })
        .await;
    assert_eq!(taken_over.pid(), pid);
    taken_over.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_killed_server_is_started_again_even_past_a_busy_session() {
    let home = Home::new();
    let cluster = home.open().await;
    let data = database(&cluster).await;
    psql(&data.url(), "require", "CREATE TABLE kept AS SELECT 7 AS a").await.expect("a table");
    let stop = CancellationToken::new();
    let watching = tokio::spawn({
        let (cluster, stop) = (cluster.clone(), stop.clone());
        async move { cluster.watch(stop).await }
    });
    // A session that never looks up from its work keeps a new server from starting, until it is cleared away.
    let url = data.url();
    let busy = tokio::spawn(async move {
        let forever = "DO $$ BEGIN LOOP END LOOP; END $$";
        psql(&url, "require", forever).await
    });
    let databases = cluster.databases();
    until("the busy session", || async {
        databases.measure(&data.url(), mini()).await.is_ok_and(|info| info.connections == 1).then_some(())
    })
    .await;

    for _ in 0..2 {
        let old = cluster.pid().expect("running");
        kill(Pid::from_raw(old), Signal::SIGKILL).expect("killed");
        until("a new server", || async { cluster.pid().filter(|pid| *pid != old) }).await;
        until("its data", || async {
            (psql(&data.url(), "require", "SELECT a FROM kept").await.as_deref() == Ok("7")).then_some(())
        })
        .await;
    }
    busy.await.expect("no panic").expect_err("its server was killed");

    stop.cancel();
    watching.await.expect("no panic");
    assert!(cluster.pid().is_some(), "who watches leaves it running");
    cluster.stop().await.expect("stopped");
    assert_eq!(members(&home.data()), Vec::<i32>::new());
}

#[tokio::test]
async fn an_old_mark_with_the_number_of_another_process_is_seen_through() {
    let home = Home::new();
    let cluster = home.open().await;
    cluster.stop().await.expect("stopped");
    // As after a restart of the machine: the number is that of somebody whom Postgres may signal.
    let mut other = cluster
        .inner
        .owner
        .command(Path::new("/bin/sleep"))
        .arg("1000")
        .kill_on_drop(true)
        .spawn()
        .expect("a process");
    let pid = other.id().expect("running");
    let mark = format!("{pid}\n{}\n0\n5432\n\n\n\nready\n", home.data().display());
    fs::write(home.data().join("postmaster.pid"), &mark).expect("written");
    let lock = format!(".s.PGSQL.{}.lock", cluster.endpoint().port);
    fs::write(cluster.inner.place.run.join(lock), &mark).expect("written");
    let again = home.open().await;
    assert_ne!(again.pid(), Some(pid.cast_signed()));
    assert!(other.try_wait().expect("asked").is_none(), "it was left in peace");
    other.kill().await.expect("killed");
    again.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_stopped_server_is_not_started_again_by_who_watches_it() {
    let home = Home::new();
    let cluster = home.open().await;
    let watching = tokio::spawn({
        let cluster = cluster.clone();
        async move { cluster.watch(CancellationToken::new()).await }
    });
    cluster.stop().await.expect("stopped");
    watching.await.expect("it ends by itself");
    assert_eq!(members(&home.data()), Vec::<i32>::new());
}

#[tokio::test]
async fn what_a_killed_first_start_left_is_made_anew() {
    let home = Home::new();
    fs::create_dir_all(home.config.dir.join("data.new")).expect("a folder");
    fs::write(home.config.dir.join("data.new/PG_VERSION"), "15\n").expect("a half-made folder");
    fs::create_dir(home.config.dir.join("log")).expect("not yet given to the server's user");
    let cluster = home.open().await;
    assert!(!home.config.dir.join("data.new").exists());
    database(&cluster).await;
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn nobody_else_gets_near_the_data_or_the_socket() {
    if !nix::unistd::geteuid().is_root() {
        return; // Only root can be somebody else.
    }
    let home = Home::new();
    let cluster = home.open().await;
    let mode = |name: &str| {
        let metadata = fs::metadata(home.config.dir.join(name)).expect("there");
        metadata.permissions().mode() & 0o777
    };
    let modes = ["data", "log", "run", "etc", "etc/server.key"].map(mode);
    assert_eq!(modes, [0o700, 0o700, 0o700, 0o750, 0o640]);
    // Another user of this machine does not get through the socket, even if the folder let him.
    let run = home.config.dir.join("run");
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("opened");
    let port = cluster.endpoint().port;
    let socket = run.join(format!(".s.PGSQL.{port}"));
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).expect("opened");
    let output = tokio::process::Command::new("psql")
        .args(["-U", "postgres", "-p", &port.to_string(), "-h"])
        .arg(&run)
        .args(["-c", "SELECT 1", "postgres"])
        .uid(65534)
        .current_dir("/")
        .output()
        .await
        .expect("psql is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Peer authentication failed"), "{said}");
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_deep_folder_gets_its_socket_elsewhere() {
    let home = Home::named(&"deep".repeat(20));
    let cluster = home.open().await;
    database(&cluster).await;
    cluster.stop().await.expect("stopped");
    let run = cluster.inner.place.run.clone();
    assert!(!run.starts_with(home.dir.path()), "{}", run.display());
    fs::remove_dir(run).expect("nothing is left in it");
}

#[tokio::test]
async fn what_is_wrong_with_the_machine_is_said() {
    let mut home = Home::new();
    let is_root = nix::unistd::geteuid().is_root();
    if is_root {
        home.config.os_user = "nobody-of-this-name".to_owned();
        assert!(matches!(Cluster::open(home.config.clone()).await, Err(OpenError::NoUser { .. })));
        home.config.os_user = "postgres".to_owned();
    }
    home.config.bin_dir = Some("/nowhere".into());
    let error = Cluster::open(home.config.clone()).await.expect_err("no programs");
    assert_eq!(
        error.to_string(),
        "found no Postgres of version 14 or newer (looked in /nowhere); install the package `postgresql`"
    );
    home.config.bin_dir = None;
    if is_root {
        fs::set_permissions(home.dir.path(), fs::Permissions::from_mode(0o700)).expect("closed");
        let error = Cluster::open(home.config.clone()).await.expect_err("no way in");
        let OpenError::Place(why) = error else { panic!("{error:?}") };
        assert_eq!(
            why.to_string(),
            format!(
                "the user `postgres`, as whom Postgres runs, may not enter {}; use a data folder elsewhere, or allow \
                 it with `chmod o+x`",
                home.dir.path().display()
            )
        );
    }
    fs::set_permissions(home.dir.path(), fs::Permissions::from_mode(0o711)).expect("opened");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    home.config.port = taken.local_addr().expect("bound").port();
    let error = Cluster::open(home.config.clone()).await.expect_err("taken");
    assert!(matches!(error, OpenError::Listen { port, .. } if port == home.config.port), "{error:?}");
    drop(taken);
    home.config.listen = vec!["192.0.2.1".parse().expect("an address nobody has")];
    for port in [home.config.port, 0] {
        home.config.port = port;
        let error = Cluster::open(home.config.clone()).await.expect_err("no such address");
        assert!(matches!(error, OpenError::Listen { .. }), "{error:?}");
    }
    fs::write(&home.config.tls.key_pem, "no key").expect("written");
    home.config.listen = vec!["127.0.0.1".parse().expect("an address")];
    let error = Cluster::open(home.config.clone()).await.expect_err("a bad key");
    let OpenError::Failed { program: "pg_ctl start", .. } = error else { panic!("{error:?}") };
    assert_eq!(members(&home.data()), Vec::<i32>::new());
}

#[test]
fn only_the_newest_log_files_are_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |day: usize| dir.path().join(format!("postgresql-202611{day:02}-000000.log"));
    for day in 1..=LOG_FILES_MAX + 2 {
        fs::write(path(day), "").expect("written");
    }
    fs::write(dir.path().join("other.log"), "").expect("written");
    remove_old_logs(dir.path());
    assert_eq!((1..=LOG_FILES_MAX + 2).find(|day| path(*day).exists()), Some(3));
    assert!(path(LOG_FILES_MAX + 2).exists() && dir.path().join("other.log").exists());
    remove_old_logs(Path::new("/nowhere"));
}
