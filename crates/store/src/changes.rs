//! What a transaction changed of the things that webhooks tell about.
//!
//! ```text
//!  a statement of whatever file ─► trigger (only for apps with webhooks) ─► temp table `changed`
//!  before the commit: each entry, once ─► the witness, who writes events in the same transaction
//! ```
//! Triggers, because no statement can forget them, however it came about: also a foreign key that takes rows along.
//! They are temporary: they belong to the writer's connection and not to the schema.

use std::error::Error;
use std::sync::Arc;

use model::id::AppId;
use model::webhook::Resource;
use rusqlite::Connection;

use crate::database::Tx;
use crate::error::{StoreError, sql};

/// Something that was made, changed or removed in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is.
    pub resource: Resource,
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub app: AppId,
    /// It was not there before this transaction.
    pub is_new: bool,
}

/// Who is shown all changes of a transaction before it is committed, in the transaction itself. An error is logged and
/// does not undo the change.
pub type Witness = Arc<dyn Fn(&Tx<'_>, &[Change]) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync>;

/// Where each resource is: its table, and the column that names the app.
const WATCHED: [(Resource, &str, &str); 10] = [
    (Resource::App, "apps", "id"),
    (Resource::Addon, "addons", "app"),
    (Resource::Attachment, "attachments", "app"),
    (Resource::Build, "builds", "app"),
    (Resource::Collaborator, "collaborators", "app"),
    (Resource::Domain, "domains", "app"),
    (Resource::Dyno, "dynos", "app"),
    (Resource::Formation, "formation", "app"),
    (Resource::Release, "releases", "app"),
    (Resource::SniEndpoint, "sni_endpoints", "app"),
];

/// Sets the triggers on the writer's connection.
pub(crate) fn watch(connection: &Connection) -> Result<(), StoreError> {
    let table = "PRAGMA temp_store = MEMORY;
        CREATE TEMP TABLE changed (
            resource TEXT NOT NULL, id TEXT NOT NULL, app TEXT NOT NULL, is_new INTEGER NOT NULL,
            PRIMARY KEY (resource, id)
        ) STRICT;";
    let doing = "watch what changes";
    connection.execute_batch(table).map_err(sql(doing))?;
    for (resource, table, app) in WATCHED {
        let is_there: bool = connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)",
                [table],
                |row| row.get(0),
            )
            .map_err(sql(doing))?;
        if !is_there {
            continue;
        }
        for (event, row, is_new) in [("INSERT", "NEW", 1), ("UPDATE", "NEW", 0), ("DELETE", "OLD", 0)] {
            let trigger = format!(
                "CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table}
                 WHEN EXISTS (SELECT 1 FROM webhooks WHERE webhooks.app = {row}.{app})
                 BEGIN
                     INSERT OR IGNORE INTO changed VALUES ('{}', {row}.id, {row}.{app}, {is_new});
                 END;",
                resource.as_str()
            );
            connection.execute_batch(&trigger).map_err(sql(doing))?;
        }
    }
    Ok(())
}

impl Tx<'_> {
    /// What changed since the transaction began or this was last asked, in the order of first change.
    pub(crate) fn take_changes(&self) -> Result<Vec<Change>, StoreError> {
        let query = "SELECT resource, id, app, is_new FROM temp.changed ORDER BY rowid";
        let changes = self.rows("change", query, &[], |_, row| {
            Ok(Change {
                resource: row.word("resource", Resource::from_word)?,
                id: row.get("id")?,
                app: row.parse("app")?,
                is_new: row.get("is_new")?,
            })
        })?;
        if !changes.is_empty() {
            self.execute("forget what changed", "DELETE FROM temp.changed", &[])?;
        }
        Ok(changes)
    }
}
