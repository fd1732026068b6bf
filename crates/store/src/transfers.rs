//! Transfers (backups, restores, copies) and the schedules of daily backups.

use std::collections::BTreeMap;

use model::config_var::Secret;
use model::id::{AddonId, AppId, ScheduleId, TransferId};
use model::transfer::{
    DailyAt, Schedule, Transfer, TransferEvent, TransferKind, TransferLine, TransferSource, TransferState,
};

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::{Columns, json};
use crate::topic::Topic;

const WHAT: &str = "transfer";
const SCHEDULE: &str = "backup schedule";
/// Most lines of one transfer's log; what comes after them is dropped.
const LOG_LINES_MAX: usize = 200;

/// What is needed to ask for a transfer.
#[derive(Debug, Clone)]
pub struct NewTransfer {
    /// The app that owns the add-on.
    pub app: AppId,
    /// The add-on whose database is read or replaced.
    pub addon: AddonId,
    /// What is to be done.
    pub kind: TransferKind,
    /// The schedule that asks, if one does.
    pub schedule: Option<ScheduleId>,
    /// What the source is called.
    pub from_name: String,
    /// What the target is called.
    pub to_name: String,
    /// Where the data come from.
    pub source: TransferSource,
    /// Extensions to make before the data come.
    pub extensions: Vec<String>,
}

fn place(id: TransferId) -> String {
    format!("transfers/{id}/source_url")
}

fn read(tx: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Transfer, StoreError> {
    let id: TransferId = row.parse("id")?;
    let sealed: Option<Vec<u8>> = row.get("source_url")?;
    let url = sealed.map(|sealed| tx.sealer.open_sealed(&place(id), &sealed)).transpose()?;
    let source = match (row.parse_opt("source_transfer")?, row.parse_opt("source_addon")?, url) {
        (Some(backup), ..) => TransferSource::Backup(backup),
        (None, Some(addon), _) => TransferSource::Addon(addon),
        (None, None, Some(url)) => TransferSource::Url(Secret::new(url)),
        (None, None, None) => TransferSource::Own,
    };
    let time = |column| Ok::<_, StoreError>(row.get::<Option<i64>>(column)?.map(time_of));
    Ok(Transfer {
        id,
        app: row.parse("app")?,
        addon: row.parse("addon")?,
        number: row.get("number")?,
        kind: row.word("kind", TransferKind::from_word)?,
        state: row.word("state", TransferState::from_word)?,
        schedule: row.parse_opt("schedule")?,
        from_name: row.get("from_name")?,
        to_name: row.get("to_name")?,
        source,
        extensions: row.json("extensions")?,
        attempts: row.get("attempts")?,
        source_bytes: bytes_of(row.get("source_bytes")?),
        processed_bytes: bytes_of(row.get("processed_bytes")?),
        warnings: row.get("warnings")?,
        created_at: row.time("created_at")?,
        started_at: time("started_at")?,
        finished_at: time("finished_at")?,
    })
}

const fn time_of(micros: i64) -> model::time::Timestamp {
    model::time::Timestamp::from_micros(micros)
}

fn bytes_of(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}

fn column_of(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn read_line(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<TransferLine, StoreError> {
    Ok(TransferLine { at: row.time("at")?, message: row.get("message")? })
}

fn read_schedule(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Schedule, StoreError> {
    let (hour, timezone): (i64, String) = (row.get("hour")?, row.get("timezone")?);
    let at = DailyAt::new(&hour.to_string(), &timezone)
        .map_err(|error| StoreError::Broken { what: SCHEDULE, detail: error.to_string() })?;
    Ok(Schedule {
        id: row.parse("id")?,
        addon: row.parse("addon")?,
        name: row.get("name")?,
        at,
        created_at: row.time("created_at")?,
        last_day: row.get("last_day")?,
    })
}

impl Tx<'_> {
    /// Asks for a transfer; its stage does it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_transfer(&self, new: &NewTransfer) -> Result<Transfer, StoreError> {
        let id = TransferId::new();
        let number = self.next_transfer_number(new.app)?;
        let (mut backup, mut addon, mut url) = (None, None, None);
        match &new.source {
            TransferSource::Own => {}
            TransferSource::Backup(id) => backup = Some(id.to_string()),
            TransferSource::Addon(id) => addon = Some(id.to_string()),
            TransferSource::Url(secret) => {
                url = Some(self.sealer.seal(&place(id), secret.expose_secret())?);
            }
        }
        self.execute(
            "ask for a transfer",
            "INSERT INTO transfers (id, app, addon, number, kind, state, schedule, from_name, to_name, source_transfer,
                                    source_addon, source_url, extensions, attempts, source_bytes, processed_bytes,
                                    warnings, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, 0, 0, 0, ?14)",
            &[
                &id.to_string(),
                &new.app.to_string(),
                &new.addon.to_string(),
                &number,
                &new.kind.as_str(),
                &TransferState::Pending.as_str(),
                &new.schedule.map(|id| id.to_string()),
                &new.from_name,
                &new.to_name,
                &backup,
                &addon,
                &url,
                &json(&new.extensions),
                &self.now().as_micros(),
            ],
        )?;
        self.touch(Topic::Transfers);
        self.transfer(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    fn next_transfer_number(&self, app: AppId) -> Result<u32, StoreError> {
        self.execute(
            "count a transfer",
            "INSERT INTO transfer_numbers (app, number) VALUES (?1, 1)
             ON CONFLICT (app) DO UPDATE SET number = number + 1",
            &[&app.to_string()],
        )?;
        let query = "SELECT number FROM transfer_numbers WHERE app = ?1";
        let number = self.row(WHAT, query, &[&app.to_string()], |_, row| row.get("number"))?;
        number.ok_or(StoreError::Missing { what: "number for this transfer" })
    }

    /// A transfer by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn transfer(&self, id: TransferId) -> Result<Option<Transfer>, StoreError> {
        self.row(WHAT, "SELECT * FROM transfers WHERE id = ?1", &[&id.to_string()], read)
    }

    /// Every transfer, in the order in which they were asked for.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn transfers(&self) -> Result<Vec<Transfer>, StoreError> {
        self.rows(WHAT, "SELECT * FROM transfers ORDER BY created_at, number", &[], read)
    }

    /// The transfers of an app's databases, in the order in which they were asked for.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn transfers_of(&self, app: AppId) -> Result<Vec<Transfer>, StoreError> {
        let query = "SELECT * FROM transfers WHERE app = ?1 ORDER BY number";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Takes an event: its state changes, and with it the times of its beginning and end.
    ///
    /// # Errors
    /// [`StoreError::IllegalTransfer`] when it cannot take it, [`StoreError::Missing`] when it is gone.
    pub fn transfer_on(&self, id: TransferId, event: TransferEvent) -> Result<Transfer, StoreError> {
        let transfer = self.transfer(id)?.ok_or(StoreError::Missing { what: WHAT })?;
        let state = transfer.state.on(event)?;
        let now = self.now();
        let begins = state == TransferState::Running;
        let started_at = transfer.started_at.or(begins.then_some(now));
        let finished_at = state.is_over().then_some(now);
        let attempts = transfer.attempts + u32::from(begins);
        self.execute(
            "change a transfer's state",
            "UPDATE transfers SET state = ?2, attempts = ?3, started_at = ?4, finished_at = ?5 WHERE id = ?1",
            &[
                &id.to_string(),
                &state.as_str(),
                &attempts,
                &started_at.map(model::time::Timestamp::as_micros),
                &finished_at.map(model::time::Timestamp::as_micros),
            ],
        )?;
        self.touch(Topic::Transfers);
        Ok(Transfer { state, attempts, started_at, finished_at, ..transfer })
    }

    /// Notes how far a transfer is. Nobody is woken: it changes all the time.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_transfer_progress(
        &self,
        id: TransferId,
        source_bytes: u64,
        processed_bytes: u64,
    ) -> Result<(), StoreError> {
        self.execute(
            "note a transfer's progress",
            "UPDATE transfers SET source_bytes = ?2, processed_bytes = ?3 WHERE id = ?1",
            &[&id.to_string(), &column_of(source_bytes), &column_of(processed_bytes)],
        )
        .map(drop)
    }

    /// Writes a line into a transfer's log; one of a transfer that is gone is lost, and so is one too many.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn log_transfer(&self, id: TransferId, message: &str) -> Result<(), StoreError> {
        let most = i64::try_from(LOG_LINES_MAX).unwrap_or(i64::MAX);
        self.execute(
            "write into a transfer's log",
            "INSERT INTO transfer_logs (transfer, at, message)
             SELECT id, ?2, ?3 FROM transfers
             WHERE id = ?1 AND (SELECT count(*) FROM transfer_logs WHERE transfer = ?1) < ?4",
            &[&id.to_string(), &self.now().as_micros(), &message, &most],
        )
        .map(drop)
    }

    /// Writes a warning into a transfer's log, and counts it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn warn_transfer(&self, id: TransferId, message: &str) -> Result<(), StoreError> {
        self.log_transfer(id, message)?;
        let statement = "UPDATE transfers SET warnings = warnings + 1 WHERE id = ?1";
        self.execute("count a transfer's warning", statement, &[&id.to_string()]).map(drop)
    }

    /// Begins to count a transfer's warnings anew: it is done again.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn clear_transfer_warnings(&self, id: TransferId) -> Result<(), StoreError> {
        let statement = "UPDATE transfers SET warnings = 0 WHERE id = ?1";
        self.execute("forget a transfer's warnings", statement, &[&id.to_string()]).map(drop)
    }

    /// A transfer's log, oldest line first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn transfer_log(&self, id: TransferId) -> Result<Vec<TransferLine>, StoreError> {
        let query = "SELECT at, message FROM transfer_logs WHERE transfer = ?1 ORDER BY rowid";
        self.rows("line of a transfer's log", query, &[&id.to_string()], read_line)
    }

    /// Keeps what a backup holds: the rows of each table.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_transfer_contents(
        &self,
        id: TransferId,
        contents: &BTreeMap<String, u64>,
    ) -> Result<(), StoreError> {
        self.execute(
            "keep what a backup holds",
            "INSERT INTO transfer_contents (transfer, contents) VALUES (?1, ?2)
             ON CONFLICT (transfer) DO UPDATE SET contents = excluded.contents",
            &[&id.to_string(), &json(contents)],
        )
        .map(drop)
    }

    /// What a backup holds: the rows of each table.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn transfer_contents(&self, id: TransferId) -> Result<Option<BTreeMap<String, u64>>, StoreError> {
        let query = "SELECT contents FROM transfer_contents WHERE transfer = ?1";
        self.row("backup's contents", query, &[&id.to_string()], |_, row| row.json("contents"))
    }

    /// Forgets a transfer; its stage removes its file.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_transfer(&self, id: TransferId) -> Result<(), StoreError> {
        self.execute("forget a transfer", "DELETE FROM transfers WHERE id = ?1", &[&id.to_string()])?;
        self.touch(Topic::Transfers);
        Ok(())
    }

    /// Sets up daily backups of an add-on's database under a name; what was set up under it before ends.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_schedule(&self, addon: AddonId, name: &str, at: &DailyAt) -> Result<Schedule, StoreError> {
        let id = ScheduleId::new();
        self.execute(
            "replace a backup schedule",
            "DELETE FROM transfer_schedules WHERE addon = ?1 AND name = ?2",
            &[&addon.to_string(), &name],
        )?;
        self.execute(
            "set up daily backups",
            "INSERT INTO transfer_schedules (id, addon, name, hour, timezone, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                &id.to_string(),
                &addon.to_string(),
                &name,
                &at.hour(),
                &at.timezone(),
                &self.now().as_micros(),
            ],
        )?;
        self.touch(Topic::Transfers);
        self.schedule(id)?.ok_or(StoreError::Missing { what: SCHEDULE })
    }

    /// A schedule by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn schedule(&self, id: ScheduleId) -> Result<Option<Schedule>, StoreError> {
        let query = "SELECT * FROM transfer_schedules WHERE id = ?1";
        self.row(SCHEDULE, query, &[&id.to_string()], read_schedule)
    }

    /// Every schedule, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        let query = "SELECT * FROM transfer_schedules ORDER BY created_at, id";
        self.rows(SCHEDULE, query, &[], read_schedule)
    }

    /// The schedules of an add-on, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn schedules_of(&self, addon: AddonId) -> Result<Vec<Schedule>, StoreError> {
        let query = "SELECT * FROM transfer_schedules WHERE addon = ?1 ORDER BY created_at, id";
        self.rows(SCHEDULE, query, &[&addon.to_string()], read_schedule)
    }

    /// Notes the day for which a schedule has asked for its backup; in the transaction that asks for it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_schedule_day(&self, id: ScheduleId, day: &str) -> Result<(), StoreError> {
        self.execute(
            "note a schedule's day",
            "UPDATE transfer_schedules SET last_day = ?2 WHERE id = ?1",
            &[&id.to_string(), &day],
        )
        .map(drop)
    }

    /// Ends a schedule; its backups stay.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_schedule(&self, id: ScheduleId) -> Result<(), StoreError> {
        let statement = "DELETE FROM transfer_schedules WHERE id = ?1";
        self.execute("end a backup schedule", statement, &[&id.to_string()])?;
        self.touch(Topic::Transfers);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
