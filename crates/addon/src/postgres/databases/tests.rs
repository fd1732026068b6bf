use std::fs;

use model::config_var::Secret;
use tokio_postgres::NoTls;

use super::{BadOutside, Databases, Outside, Step};
use crate::credentials::Credentials;
use crate::fixture::{Home, mini, psql, with_database};
use crate::postgres::Cluster;
use crate::service::{DataService, DatabaseService, ServiceError};

async fn made(databases: &Databases) -> Credentials {
    let credentials = Credentials::make_up(databases.endpoint());
    databases.create(&credentials.url(), mini()).await.expect("a database");
    credentials
}

/// What the superuser sees, as text.
async fn superuser(cluster: &Cluster, home: &Home, query: &str) -> String {
    let mut config = tokio_postgres::Config::new();
    config.host_path(home.config.dir.join("run")).port(cluster.endpoint().port).user("postgres");
    let (client, connection) = config.connect(NoTls).await.expect("the socket");
    let driver = tokio::spawn(connection);
    let rows = client.simple_query(query).await.expect("an answer");
    driver.abort();
    let texts = rows.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    texts.collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn an_add_on_has_its_database_to_itself() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let (one, two) = (made(&databases).await, made(&databases).await);
    let url = one.url();

    let answer =
        psql(&url, "require", "CREATE TABLE t (a int); INSERT INTO t VALUES (7); SELECT a FROM t").await;
    assert_eq!(answer.as_deref(), Ok("CREATE TABLE\nINSERT 0 1\n7"));
    let encoding = psql(&url, "require", "SHOW server_encoding; SHOW data_checksums; SHOW fsync").await;
    assert_eq!(encoding.as_deref(), Ok("UTF8\non\non"));
    psql(&url, "require", "CREATE EXTENSION pgcrypto; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .await
        .expect("its owner may do with it what he likes");

    let refused = [
        (url.clone(), "disable", "SELECT 1", "no encryption"),
        (with_database(&one, two.database()), "require", "SELECT 1", "permission denied for database"),
        (with_database(&one, "postgres"), "require", "SELECT 1", "permission denied for database"),
        (with_database(&one, "template1"), "require", "SELECT 1", "permission denied for database"),
        (url.clone(), "require", "CREATE ROLE other", "permission denied to create role"),
        (url.clone(), "require", "CREATE DATABASE other", "permission denied to create database"),
        (url.clone(), "require", "SELECT pg_read_file('PG_VERSION')", "permission denied for function"),
        (url.clone(), "require", "COPY (SELECT 1) TO PROGRAM 'true'", "superuser"),
        (url.clone(), "require", "SELECT * FROM pg_authid", "permission denied for table pg_authid"),
        (url.clone(), "require", "ALTER ROLE CURRENT_USER CONNECTION LIMIT 100", "permission denied"),
    ];
    for (url, sslmode, statement, why) in refused {
        let answer = psql(&url, sslmode, statement).await;
        assert!(answer.as_ref().is_err_and(|said| said.contains(why)), "{statement}: {answer:?}");
    }
    let wrong = url.expose_secret().replace(one.password().expose_secret(), two.password().expose_secret());
    let superuser = format!("postgres://postgres:x@{}/postgres", cluster.endpoint());
    for (url, why) in [(wrong, "password authentication failed"), (superuser, "pg_hba.conf rejects")] {
        let answer = psql(&Secret::new(url), "require", "SELECT 1").await;
        assert!(answer.as_ref().is_err_and(|said| said.contains(why)), "{answer:?}");
    }
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_role_has_as_many_connections_as_its_plan_gives() {
    let home = Home::new();
    let cluster = home.open().await;
    let one = made(&cluster.databases()).await;
    let tls = crate::postgres::tls::Tls::new(None).expect("TLS");
    let config: tokio_postgres::Config = one.url().expose_secret().parse().expect("a URL");
    let mut open = Vec::new();
    for _ in 0..mini().connections {
        let (client, connection) = config.connect(tls.clone()).await.expect("a connection");
        open.push((client, tokio::spawn(connection)));
    }
    let refused = psql(&one.url(), "require", "SELECT 1").await;
    let expected = format!("too many connections for role \"{}\"", one.user());
    assert!(refused.as_ref().is_err_and(|said| said.contains(&expected)), "{refused:?}");
    let info =
        cluster.databases().measure(&one.url(), mini()).await.expect("measured: the limit is not ours");
    assert_eq!(info.connections, mini().connections);
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_kill_between_two_steps_is_healed_by_doing_all_again() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    for done in 0..=Step::ALL.len() {
        let credentials = Credentials::make_up(databases.endpoint());
        for step in &Step::ALL[..done] {
            databases.take(*step, &credentials, mini()).await.expect("a step");
        }
        databases.create(&credentials.url(), mini()).await.expect("the rest");
        psql(&credentials.url(), "require", "CREATE TABLE kept (a int)").await.expect("usable");
        databases.create(&credentials.url(), mini()).await.expect("again");
        let tables = databases.measure(&credentials.url(), mini()).await.map(|info| info.tables);
        assert!(matches!(tables, Ok(1)), "nothing is lost by doing it again: {tables:?}");
    }
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn removing_leaves_nothing_even_of_a_database_in_use() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let (one, two) = (made(&databases).await, made(&databases).await);
    let tls = crate::postgres::tls::Tls::new(None).expect("TLS");
    let config: tokio_postgres::Config = one.url().expose_secret().parse().expect("a URL");
    let (client, connection) = config.connect(tls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    client.batch_execute("CREATE TABLE t (a int); BEGIN; LOCK TABLE t").await.expect("in use");

    databases.remove(&one.url()).await.expect("removed");
    connection.await.expect("no panic").expect_err("the session was ended");
    databases.remove(&one.url()).await.expect("nothing left to remove");
    let left =
        superuser(&cluster, &home, "SELECT datname FROM pg_database WHERE datname ~ '^d' ORDER BY 1").await;
    assert_eq!(left, two.database());
    let roles =
        superuser(&cluster, &home, "SELECT rolname FROM pg_roles WHERE rolname ~ '^u' ORDER BY 1").await;
    assert_eq!(roles, two.user());
    assert!(matches!(databases.measure(&one.url(), mini()).await, Err(ServiceError::Missing { .. })));
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn what_is_measured_is_so() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let one = made(&databases).await;
    let before = databases.measure(&one.url(), mini()).await.expect("measured");
    assert_eq!((before.connections, before.tables, before.rows), (0, 0, 0));
    assert!(before.version.starts_with(|c: char| c.is_ascii_digit()), "{}", before.version);
    // A tenant's own function must never be run with our rights.
    let trap =
        "CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS $$SELECT 'trapped'$$;
                ALTER DATABASE DB SET search_path = public, pg_catalog;
                CREATE TABLE t AS SELECT generate_series(1, 1000) a; ANALYZE t";
    psql(&one.url(), "require", &trap.replace("DB", one.database())).await.expect("a table");
    let after = databases.measure(&one.url(), mini()).await.expect("measured");
    assert_eq!((after.version, after.tables, after.rows), (before.version, 1, 1000));
    assert!(after.bytes > before.bytes && before.bytes > 1 << 20);
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn an_outside_server_works_the_same_with_an_administrator_who_is_no_superuser() {
    let home = Home::new();
    let cluster = home.open().await;
    superuser(&cluster, &home, "CREATE ROLE boss LOGIN CREATEDB CREATEROLE PASSWORD 'secret'").await;
    superuser(&cluster, &home, "GRANT CONNECT ON DATABASE postgres TO boss").await;
    let admin_url =
        Secret::new(format!("postgres://boss:secret@{}/postgres?sslmode=require", cluster.endpoint()));
    let outside = |authority_pem| Outside {
        admin_url: admin_url.clone(),
        authority_pem,
        public_host: Some("127.0.0.1".to_owned()),
    };
    let right = fs::read(&home.config.tls.cert_pem).expect("the certificate");
    for authority in [None, Some(right)] {
        let databases = Databases::outside(outside(authority)).expect("usable");
        let one = made(&databases).await;
        let answer = psql(&one.url(), "require", "CREATE TABLE t (a int); SELECT count(*) FROM t").await;
        assert_eq!(answer.as_deref(), Ok("CREATE TABLE\n0"));
        assert!(matches!(databases.measure(&one.url(), mini()).await, Ok(info) if info.tables == 1));
        databases.remove(&one.url()).await.expect("removed");
    }
    let other = home.new_certificate().into_bytes();
    let doubted = Databases::outside(outside(Some(other))).expect("usable");
    let refused = doubted.create(&Credentials::make_up(doubted.endpoint()).url(), mini()).await;
    assert!(matches!(refused, Err(ServiceError::Connect { .. })), "another authority: {refused:?}");
    cluster.stop().await.expect("stopped");
}

#[test]
fn an_outside_server_is_described_in_full() {
    let outside = |url: &str, pem: Option<&str>| {
        Databases::outside(Outside {
            admin_url: Secret::from(url),
            authority_pem: pem.map(|pem| pem.as_bytes().to_vec()),
            public_host: None,
        })
    };
    let endpoint =
        outside("postgres://a:b@pg.example.com/postgres", None).map(|it| it.endpoint().to_string());
    assert_eq!(endpoint.expect("good"), "pg.example.com:5432");
    for url in ["", "postgres://", "nonsense", "postgres://a@%2Frun%2Fpostgresql/x"] {
        assert!(matches!(outside(url, None), Err(BadOutside::Url)), "{url}");
    }
    let bad = outside("postgres://a:b@pg.example.com/postgres", Some("no certificate"));
    assert!(matches!(bad, Err(BadOutside::Authority)));
}
