use model::config_var::Secret;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::credentials::Credentials;
use crate::fixture::{Home, Session, mini, psql, until};
use crate::postgres::Cluster;
use crate::service::{DataService, DatabaseService};

async fn works(url: &Secret, statement: &str) -> String {
    psql(url, "require", statement).await.unwrap_or_else(|said| panic!("{statement}: {said}"))
}

async fn is_shut_out(url: &Secret) {
    let answer = psql(url, "require", "SELECT 1").await;
    assert!(answer.as_ref().is_err_and(|said| said.contains("password authentication failed")), "{answer:?}");
}

/// A database with a table, and other credentials for it.
async fn made(cluster: &Cluster) -> (Secret, Secret) {
    let databases = cluster.databases();
    let old = Credentials::make_up(cluster.endpoint()).url();
    databases.create(&old, mini()).await.expect("a database");
    works(&old, "CREATE TABLE before (a int)").await;
    let new = databases.renew(&old).expect("others");
    (old, new)
}

const ROLES: &str = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'u_____________'";

#[tokio::test]
async fn both_credentials_work_until_the_old_ones_are_retired() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let (old, new) = made(&cluster).await;
    let mut open_before = Session::start(&old).await;
    assert_eq!(open_before.ask("SELECT 1").await, "1");

    databases.switch(&old, &new, mini()).await.expect("switched");
    databases.switch(&old, &new, mini()).await.expect("again");
    assert_eq!(open_before.ask("SELECT count(*) FROM before").await, "0", "open connections go on");
    works(&old, "CREATE TABLE by_old (a int); INSERT INTO by_old VALUES (1)").await;
    works(&new, "INSERT INTO by_old VALUES (2); ALTER TABLE before ADD COLUMN b int; DROP TABLE before")
        .await;
    let mut with_new = Session::start(&new).await;
    let ask_both = "SELECT count(*) FROM by_old";
    assert_eq!((with_new.ask(ask_both).await, works(&old, ask_both).await), ("2".to_owned(), "2".to_owned()));

    databases.retire(&old, &new, mini()).await.expect("retired");
    databases.retire(&old, &new, mini()).await.expect("again");
    is_shut_out(&old).await;
    open_before.is_ended().await;
    assert_eq!(with_new.ask("SELECT 2").await, "2", "who has the new ones is left alone");
    assert_eq!(works(&new, ROLES).await, "1");
    let limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user";
    assert_eq!(works(&new, limit).await, "20");
    let owners = "SELECT string_agg(DISTINCT tableowner, ',') = current_user FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(works(&new, owners).await, "t");

    let newer = databases.renew(&new).expect("others");
    databases.switch(&new, &newer, mini()).await.expect("switched");
    databases.retire(&new, &newer, mini()).await.expect("retired");
    assert_eq!(works(&newer, ask_both).await, "2");
    databases.remove(&newer).await.expect("removed");
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_server_killed_in_between_is_where_it_was_or_where_it_was_going() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let (old, new) = made(&cluster).await;
    for step in 0..6 {
        let pid = Pid::from_raw(cluster.pid().expect("it runs"));
        // Killed a little later each time: before the change, within it, after it.
        let killing = async move {
            for _ in 0..step * 40 {
                tokio::task::yield_now().await;
            }
            kill(pid, Signal::SIGKILL).expect("it ran");
        };
        let (_whatever, ()) = tokio::join!(databases.switch(&old, &new, mini()), killing);
        drop(home.open().await);
        let answers = (psql(&old, "require", "SELECT 1").await, psql(&new, "require", "SELECT 1").await);
        assert_eq!(answers.0.as_deref(), Ok("1"), "what apps have works at any time");
        let has_new = answers.1.is_ok();
        let wanted = if has_new { "2" } else { "1" };
        assert_eq!(works(&old, ROLES).await, wanted);
    }
    until("switched", || async { databases.switch(&old, &new, mini()).await.ok() }).await;
    let pid = Pid::from_raw(cluster.pid().expect("it runs"));
    let killing = async move { kill(pid, Signal::SIGKILL).expect("it ran") };
    let (_whatever, ()) = tokio::join!(databases.retire(&old, &new, mini()), killing);
    drop(home.open().await);
    until("retired", || async { databases.retire(&old, &new, mini()).await.ok() }).await;
    assert_eq!(works(&new, ROLES).await, "1");
    is_shut_out(&old).await;
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_database_is_replaced_once_however_often_it_is_asked_for() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let (url, _) = made(&cluster).await;
    let mut inside = Session::start(&url).await;
    assert_eq!(inside.ask("SELECT count(*) FROM before").await, "0");
    let identity = databases.identity(&url).await.expect("it has one");
    databases.replace(&url, identity).await.expect("replaced");
    inside.is_ended().await;
    assert_eq!(works(&url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, "0");
    works(&url, "CREATE TABLE after (a int)").await;
    databases.replace(&url, identity).await.expect("nothing to do");
    assert_eq!(works(&url, "SELECT count(*) FROM after").await, "0", "what came later stays");
    let other = Credentials::make_up(cluster.endpoint()).url();
    databases.create(&other, mini()).await.expect("another");
    let refused = psql(
        &crate::fixture::with_database(
            &Credentials::parse(&other).expect("one"),
            Credentials::parse(&url).expect("one").database(),
        ),
        "require",
        "SELECT 1",
    )
    .await;
    assert!(
        refused.is_err_and(|said| said.contains("permission denied for database")),
        "it is private as before"
    );
    let mut inside = Session::start(&url).await;
    databases.disconnect(&url).await.expect("thrown out");
    inside.is_ended().await;
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn few_rows_are_counted_and_not_estimated() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let (url, _) = made(&cluster).await;
    works(
        &url,
        "CREATE TABLE \"Odd name\" AS SELECT generate_series(1, 10001) AS a; INSERT INTO before VALUES (1)",
    )
    .await;
    works(
        &url,
        "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
    )
    .await;
    works(&url, "INSERT INTO p VALUES (1); CREATE MATERIALIZED VIEW m AS SELECT * FROM before WITH NO DATA")
        .await;
    let rows = databases.measure(&url, mini()).await.map(|info| info.rows);
    assert_eq!(rows.ok(), Some(10_003));
    works(&url, "TRUNCATE \"Odd name\"").await;
    let rows = databases.measure(&url, mini()).await.map(|info| info.rows);
    assert_eq!(rows.ok(), Some(2));
    cluster.stop().await.expect("stopped");
}
