//! What is in a database: the rows of each table, counted, in one picture of the data.

use std::collections::BTreeMap;

use crate::backup::failure::TransferError;
use crate::backup::workshop::Login;
use crate::postgres::admin::Session;

/// Tables, as they are written in SQL, with their rows. Large objects are counted like a table of their own.
pub(crate) type Census = BTreeMap<String, u64>;

const LARGE_OBJECTS: &str = "large objects";
/// Differences told of one comparison.
const DIFFERENCES_TOLD_MAX: usize = 5;

/// Every table with rows of its own that a dump holds: not the server's, not those that come with an extension.
const TABLES: &str = "
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1";

/// A picture of a database that stays the same while others write; it lasts as long as its session.
pub(crate) struct Picture {
    session: Session,
    /// By this name other sessions can look at the same picture.
    pub(crate) snapshot: String,
    /// Size of the database on disk.
    pub(crate) bytes: u64,
}

impl Picture {
    /// Takes a picture of the database.
    pub(crate) async fn take(login: &Login) -> Result<Self, TransferError> {
        let session = login.connect("").await?;
        session.run("begin looking", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY".to_owned()).await?;
        let query = "SELECT pg_export_snapshot(), pg_database_size(current_database())";
        let row = session.one(query, &[]).await?.ok_or(TransferError::Silent)?;
        let bytes = u64::try_from(row.get::<_, i64>(1)).unwrap_or(0);
        Ok(Self { snapshot: row.get(0), bytes, session })
    }

    /// Counts.
    pub(crate) async fn census(&self) -> Result<Census, TransferError> {
        let mut census = Census::new();
        for row in self.session.all(TABLES, &[]).await? {
            let table: String = row.get(0);
            // Not the rows of tables that inherit from it: they are counted there.
            let rows = self.count(&format!("SELECT count(*) FROM ONLY {table}")).await?;
            census.insert(table, rows);
        }
        let large_objects = self.count("SELECT count(*) FROM pg_largeobject_metadata").await?;
        if large_objects > 0 {
            census.insert(LARGE_OBJECTS.to_owned(), large_objects);
        }
        Ok(census)
    }

    async fn count(&self, query: &str) -> Result<u64, TransferError> {
        let row = self.session.one(query, &[]).await?.ok_or(TransferError::Silent)?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }
}

/// Counts what is in a database now.
pub(crate) async fn census(login: &Login) -> Result<Census, TransferError> {
    Picture::take(login).await?.census().await
}

/// `12 tables with 10342 rows`.
pub(crate) fn told(census: &Census) -> String {
    let tables = census.keys().filter(|name| *name != LARGE_OBJECTS).count();
    let rows: u64 = census.iter().filter(|(name, _)| *name != LARGE_OBJECTS).map(|(_, rows)| rows).sum();
    let plural = |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let mut text = format!("{} with {}", plural(tables as u64, "table"), plural(rows, "row"));
    if let Some(objects) = census.get(LARGE_OBJECTS) {
        text = format!("{text} and {}", plural(*objects, "large object"));
    }
    text
}

/// What is not the same in both, in words; nothing when all is.
pub(crate) fn differences(wanted: &Census, found: &Census) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    let different = names.into_iter().filter_map(|name| match (wanted.get(name), found.get(name)) {
        (Some(wanted), Some(found)) if wanted == found => None,
        (Some(wanted), Some(found)) => Some(format!("{name} has {found} of {wanted} rows")),
        (Some(_), None) => Some(format!("{name} is missing")),
        (None, _) => Some(format!("{name} should not be there")),
    });
    let mut told: Vec<String> = different.collect();
    let more = told.len().saturating_sub(DIFFERENCES_TOLD_MAX);
    if more > 0 {
        told.truncate(DIFFERENCES_TOLD_MAX);
        told.push(format!("and {more} more"));
    }
    told
}

#[cfg(test)]
mod tests;
