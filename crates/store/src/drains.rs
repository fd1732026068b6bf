//! Log drains.

use model::drain::{Drain, DrainUrl};
use model::id::{AppId, DrainId};

use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::Columns;
use crate::topic::Topic;

const WHAT: &str = "drain";

fn place(id: DrainId) -> String {
    format!("drains/{id}/url")
}

fn read(tx: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Drain, StoreError> {
    let id: DrainId = row.parse("id")?;
    let sealed: Vec<u8> = row.get("url")?;
    let url = tx.sealer.open_sealed(&place(id), &sealed)?;
    Ok(Drain {
        id,
        app: row.parse("app")?,
        url: url.parse::<DrainUrl>().map_err(|error| row.broken("url", &error.to_string()))?,
        token: row.get("token")?,
        cursor: row.get::<Option<i64>>("log_cursor")?.and_then(|cursor| u64::try_from(cursor).ok()),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

impl Tx<'_> {
    /// Adds a drain to an app; it is named by a new token.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the app has it already.
    pub fn create_drain(&self, app: AppId, url: &DrainUrl) -> Result<Drain, StoreError> {
        let id = DrainId::new();
        let sealed = self.sealer.seal(&place(id), url.expose_secret())?;
        let digest = self.sealer.sign("drain", url.expose_secret());
        // A second random id: the token is told to the receiver, the id is not.
        let token = format!("d.{}", DrainId::new());
        self.sql
            .execute(
                "INSERT INTO drains (id, app, url, url_digest, token, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                (id.to_string(), app.to_string(), sealed, digest, token, self.now().as_micros()),
            )
            .map_err(unique("Url", "add a drain"))?;
        self.touch(Topic::Drains);
        self.row(WHAT, "SELECT * FROM drains WHERE id = ?1", &[&id.to_string()], read)?
            .ok_or(StoreError::Missing { what: WHAT })
    }

    /// An app's drains, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn drains(&self, app: AppId) -> Result<Vec<Drain>, StoreError> {
        let query = "SELECT * FROM drains WHERE app = ?1 ORDER BY created_at, id";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Every drain of every app, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn all_drains(&self) -> Result<Vec<Drain>, StoreError> {
        self.rows(WHAT, "SELECT * FROM drains ORDER BY created_at, id", &[], read)
    }

    /// Removes a drain.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_drain(&self, id: DrainId) -> Result<(), StoreError> {
        self.execute("remove a drain", "DELETE FROM drains WHERE id = ?1", &[&id.to_string()])?;
        self.touch(Topic::Drains);
        Ok(())
    }

    /// Notes up to which log line a drain needs no more care. Wakes nobody: it is for the next start.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_drain_cursor(&self, id: DrainId, cursor: u64) -> Result<(), StoreError> {
        let cursor = i64::try_from(cursor).unwrap_or(i64::MAX);
        self.execute(
            "note a drain's place",
            "UPDATE drains SET log_cursor = ?2 WHERE id = ?1",
            &[&id.to_string(), &cursor],
        )
        .map(drop)
    }
}
