//! Counting rows exactly, where they are few enough.

use tokio_postgres::{Client, SimpleQueryMessage};

/// Most rows that are counted, together.
pub(super) const COUNTED_MAX: u64 = 1_000_000;
/// Tables counted by one statement.
const TABLES_AT_A_TIME: usize = 100;

/// Counting must not get in the way of an app: whoever changes a table is not waited for.
const LIMITS: &str = "SET lock_timeout = '500ms'; SET statement_timeout = '10s'";

const TABLES: &str = "
    SELECT format('%I.%I', nspname, relname) AS name
      FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'm') AND relpersistence <> 't' AND relispopulated
       AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
     ORDER BY pg_class.oid";

/// All rows of a database, up to [`COUNTED_MAX`]; none when they cannot be counted now.
pub(super) async fn count(client: &Client) -> Option<u64> {
    client.batch_execute(LIMITS).await.ok()?;
    let tables = client.query(TABLES, &[]).await.ok()?;
    let names: Vec<String> = tables.iter().map(|row| row.get("name")).collect();
    let mut rows = 0;
    for some in names.chunks(TABLES_AT_A_TIME) {
        let left = COUNTED_MAX.saturating_sub(rows);
        let parts: Vec<String> = some
            .iter()
            .map(|name| format!("SELECT count(*) AS n FROM (SELECT FROM ONLY {name} LIMIT {left}) AS t"))
            .collect();
        let query = format!("SELECT sum(n) FROM ({}) AS all_of_them", parts.join(" UNION ALL "));
        let answer = client.simple_query(&query).await.ok()?;
        rows += answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse::<u64>().ok(),
            _ => None,
        })?;
    }
    Some(rows.min(COUNTED_MAX))
}
