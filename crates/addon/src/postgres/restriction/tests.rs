use model::config_var::Secret;

use crate::credentials::Credentials;
use crate::fixture::{Home, mini, psql};
use crate::service::{DataService, DatabaseService, Restriction};

const DENIED: &str = "permission denied";
const FULL: &str = "the database is over the limits of its plan";

async fn is_refused(url: &Secret, statement: &str, why: &str) {
    let answer = psql(url, "require", statement).await;
    assert!(answer.as_ref().is_err_and(|said| said.contains(why)), "{statement}: {answer:?}");
}

async fn works(url: &Secret, statement: &str) -> String {
    psql(url, "require", statement).await.unwrap_or_else(|said| panic!("{statement}: {said}"))
}

/// Every way to more rows that the owner of everything may try.
const TRIES: [(&str, &str); 14] = [
    ("INSERT INTO t VALUES (1)", DENIED),
    ("INSERT INTO v VALUES (1)", DENIED),
    ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", DENIED),
    ("MERGE INTO t USING (SELECT 5 AS n) s ON t.a = s.n WHEN NOT MATCHED THEN INSERT VALUES (n)", DENIED),
    ("GRANT INSERT ON t TO CURRENT_USER; INSERT INTO t VALUES (1)", DENIED),
    ("GRANT INSERT (a) ON t TO CURRENT_USER; INSERT INTO t (a) VALUES (1)", DENIED),
    ("GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC; INSERT INTO t VALUES (1)", DENIED),
    (
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; CREATE TABLE d (a int); INSERT INTO d VALUES (1)",
        DENIED,
    ),
    ("CREATE TABLE n (a int); INSERT INTO n VALUES (1)", DENIED),
    ("BEGIN; CREATE TABLE n2 (a int); INSERT INTO n2 VALUES (1); COMMIT", DENIED),
    (
        "CREATE SCHEMA s CREATE TABLE q (a int) GRANT INSERT ON q TO PUBLIC; INSERT INTO s.q VALUES (1)",
        DENIED,
    ),
    ("CREATE TABLE c AS SELECT generate_series(1, 9)", FULL),
    ("SELECT generate_series(1, 9) INTO e", FULL),
    ("CREATE MATERIALIZED VIEW m AS SELECT generate_series(1, 9)", FULL),
];

#[tokio::test]
async fn an_owner_cannot_add_until_it_is_given_back() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let url = Credentials::make_up(cluster.endpoint()).url();
    databases.create(&url, mini()).await.expect("a database");
    works(&url, "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 20)").await;
    works(&url, "CREATE VIEW v AS SELECT * FROM t; CREATE TABLE \"Odd \"\"name\" (a int)").await;
    works(&url, "GRANT SELECT, INSERT ON t TO PUBLIC; GRANT INSERT (a) ON \"Odd \"\"name\" TO PUBLIC").await;
    let granted = "SELECT relname, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(relacl, acldefault('r', relowner))) a),
                          (SELECT string_agg(attacl::text, ' ') FROM pg_attribute WHERE attrelid = c.oid)
                     FROM pg_class c WHERE relname IN ('t', 'Odd \"name') ORDER BY 1";
    let before = works(&url, granted).await;

    databases.restrict(&url, Restriction::Insert).await.expect("restricted");
    databases.restrict(&url, Restriction::Insert).await.expect("again");
    for (statement, why) in TRIES {
        is_refused(&url, statement, why).await;
    }
    for statement in ["DROP EVENT TRIGGER hokku_guard", "ALTER EVENT TRIGGER hokku_guard DISABLE"] {
        is_refused(&url, statement, "must be owner of event trigger").await;
    }
    is_refused(&url, "DROP FUNCTION pg_catalog.hokku_guard()", "must be owner of function").await;
    let trap = "CREATE TEMP TABLE pg_class AS SELECT * FROM pg_catalog.pg_class WHERE false;
                CREATE TABLE trapped (a int); INSERT INTO trapped VALUES (1)";
    is_refused(&url, trap, DENIED).await;

    works(&url, "SELECT count(*) FROM t; UPDATE t SET a = a + 100; DELETE FROM t WHERE a <= 110").await;
    works(&url, "CREATE TEMP TABLE x AS SELECT 1 AS a; INSERT INTO x VALUES (2); TRUNCATE \"Odd \"\"name\"")
        .await;
    works(&url, "CREATE TABLE n (a int); ALTER TABLE t ADD COLUMN b text; DROP TABLE n; CREATE TABLE made_meanwhile (a int)").await;

    databases.free(&url).await.expect("given back");
    databases.free(&url).await.expect("again");
    let after = works(&url, granted).await;
    let sorted = |text: &str| {
        let mut parts: Vec<String> = text.split([' ', '|', '\n']).map(str::to_owned).collect();
        parts.sort();
        parts
    };
    assert_eq!(sorted(&after), sorted(&before));
    works(&url, "INSERT INTO t VALUES (1); INSERT INTO v VALUES (2); INSERT INTO made_meanwhile VALUES (3)")
        .await;
    works(&url, "CREATE TABLE c AS SELECT generate_series(1, 9)").await;
    assert_eq!(works(&url, "SELECT count(*) FROM t").await, "12");
    let left = "SELECT (SELECT count(*) FROM pg_event_trigger), (SELECT count(*) FROM pg_proc WHERE proname ~ 'hokku')";
    assert_eq!(works(&url, left).await, "0|0");
    cluster.stop().await.expect("stopped");
}

#[tokio::test]
async fn who_takes_too_many_bytes_cannot_grow_by_updates_either() {
    let home = Home::new();
    let cluster = home.open().await;
    let databases = cluster.databases();
    let url = Credentials::make_up(cluster.endpoint()).url();
    databases.create(&url, mini()).await.expect("a database");
    works(&url, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)").await;
    databases.restrict(&url, Restriction::Insert).await.expect("restricted");
    works(&url, "UPDATE t SET a = 3 WHERE a = 1").await;
    databases.restrict(&url, Restriction::InsertAndUpdate).await.expect("more");
    is_refused(&url, "UPDATE t SET a = 4", DENIED).await;
    is_refused(&url, "GRANT UPDATE ON t TO CURRENT_USER; UPDATE t SET a = 4", DENIED).await;
    databases.restrict(&url, Restriction::Insert).await.expect("less");
    works(&url, "UPDATE t SET a = 4; DELETE FROM t").await;
    is_refused(&url, "INSERT INTO t VALUES (1)", DENIED).await;
    databases.free(&url).await.expect("given back");
    works(&url, "INSERT INTO t VALUES (1); UPDATE t SET a = 5").await;
    cluster.stop().await.expect("stopped");
}
