//! Formations.

use model::formation::{DynoSize, Formation, ProcessType};
use model::id::{AppId, FormationId};
use model::procfile::Procfile;

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::Columns;
use crate::topic::Topic;

const WHAT: &str = "formation";

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Formation, StoreError> {
    Ok(Formation {
        id: row.parse("id")?,
        kind: row.parse("kind")?,
        command: row.get("command")?,
        quantity: row.get("quantity")?,
        size: row.parse("size")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

impl Tx<'_> {
    /// An app's formation, by process type.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn formation(&self, app: AppId) -> Result<Vec<Formation>, StoreError> {
        self.rows(WHAT, "SELECT * FROM formation WHERE app = ?1 ORDER BY kind", &[&app.to_string()], read)
    }

    /// Gives every process type of a slug its place in the formation. The first `web` of an app gets one dyno, every
    /// other new type none; what is there keeps its quantity and size. With `prune`, types that the slug does not
    /// have disappear.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn sync_formation(&self, app: AppId, processes: &Procfile, prune: bool) -> Result<(), StoreError> {
        let present = self.formation(app)?;
        let first = present.is_empty();
        let at = self.now().as_micros();
        for (kind, command) in &processes.commands {
            let quantity = u32::from(first && kind.is_web());
            self.execute(
                "set a process type",
                "INSERT INTO formation (id, app, kind, command, quantity, size, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
                 ON CONFLICT (app, kind) DO UPDATE SET command = excluded.command",
                &[
                    &FormationId::new().to_string(),
                    &app.to_string(),
                    &kind.as_str(),
                    command,
                    &quantity,
                    &DynoSize::Basic.as_str(),
                    &at,
                ],
            )?;
        }
        for gone in present.iter().filter(|entry| prune && !processes.commands.contains_key(&entry.kind)) {
            let delete = "DELETE FROM formation WHERE id = ?1";
            self.execute("remove a process type", delete, &[&gone.id.to_string()])?;
        }
        self.touch(Topic::Formation);
        Ok(())
    }

    /// Sets quantity and size of a process type.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the app has no such type.
    pub fn scale(
        &self,
        app: AppId,
        kind: &ProcessType,
        quantity: u32,
        size: DynoSize,
    ) -> Result<(), StoreError> {
        let changed = self.execute(
            "scale",
            "UPDATE formation SET quantity = ?3, size = ?4, updated_at = ?5 WHERE app = ?1 AND kind = ?2",
            &[&app.to_string(), &kind.as_str(), &quantity, &size.as_str(), &self.now().as_micros()],
        )?;
        self.touch(Topic::Formation);
        if changed == 1 { Ok(()) } else { Err(StoreError::Missing { what: "process type" }) }
    }
}
