//! Schema changes, forward only. A landed file is never edited; the next change is the next file.

use std::path::Path;

use rusqlite::Connection;

use crate::error::{StoreError, sql};

/// Every migration in order; its number is its place, counted from 1.
const MIGRATIONS: [&str; 6] = [
    include_str!("../migrations/0001_start.sql"),
    include_str!("../migrations/0002_postgres.sql"),
    include_str!("../migrations/0003_transfers.sql"),
    include_str!("../migrations/0004_domains.sql"),
    include_str!("../migrations/0005_accounts.sql"),
    include_str!("../migrations/0006_drains.sql"),
];

/// Brings the schema up to date. Before the first change to a file that has content, a copy is kept beside it.
pub(crate) fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(sql("read the schema number"))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found > 0 && found < known {
        let copy = path.with_extension(format!("before-{known}.db"));
        if !copy.exists() {
            connection
                .execute("VACUUM INTO ?1", [copy.to_string_lossy()])
                .map_err(sql("copy itself before a schema change"))?;
        }
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let tx = connection.transaction().map_err(sql("begin a schema change"))?;
        tx.execute_batch(migration).map_err(sql("change its schema"))?;
        tx.pragma_update(None, "user_version", index as i64 + 1).map_err(sql("note its schema number"))?;
        tx.commit().map_err(sql("commit a schema change"))?;
    }
    Ok(())
}
