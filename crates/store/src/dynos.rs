//! Dynos. A row lives from the decision to start a dyno until its end has been seen by all who wait for it.

use std::net::SocketAddrV4;

use model::dyno::{Attach, Dyno, DynoEvent, DynoKind, DynoName, DynoState, Exit, ExitReason};
use model::id::{AppId, DynoId};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::{Columns, json};
use crate::topic::Topic;

const WHAT: &str = "dyno";

#[derive(Serialize, Deserialize)]
struct AttachColumn {
    secret: String,
    window: Option<(u16, u16)>,
}

fn read(tx: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Dyno, StoreError> {
    let id: DynoId = row.parse("id")?;
    let attach: Option<String> = row.get("attach")?;
    let attach = match attach {
        None => None,
        Some(_) => {
            let AttachColumn { secret, window } = row.json("attach")?;
            Some(Attach { secret, window })
        }
    };
    let env: Option<Vec<u8>> = row.get("env")?;
    let env = match env {
        None => Vec::new(),
        Some(sealed) => {
            let text = tx.sealer.open_sealed(&place(id), &sealed)?;
            serde_json::from_str(&text).map_err(|_| row.broken("env", "no JSON"))?
        }
    };
    let exit = match row.get::<Option<i32>>("exit_status")? {
        None => None,
        Some(status) => Some(Exit { status, reason: row.word("exit_reason", ExitReason::from_word)? }),
    };
    Ok(Dyno {
        id,
        app: row.parse("app")?,
        name: DynoName { kind: row.parse("process")?, number: row.get("number")? },
        kind: row.word("kind", DynoKind::from_word)?,
        release: row.parse("release")?,
        command: row.get("command")?,
        size: row.parse("size")?,
        state: row.word("state", DynoState::from_word)?,
        life: row.get("life")?,
        crashes: row.get("crashes")?,
        not_before: row.time("not_before")?,
        replace: row.get("replaced")?,
        address: row.parse_opt::<SocketAddrV4>("address")?,
        exit,
        attach,
        env,
        created_at: row.time("created_at")?,
        state_changed_at: row.time("state_changed_at")?,
    })
}

fn place(id: DynoId) -> String {
    format!("dynos/{id}/env")
}

impl Tx<'_> {
    /// Writes down a dyno that is to be started, as the caller made it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_dyno(&self, dyno: &Dyno) -> Result<(), StoreError> {
        let attach = dyno
            .attach
            .as_ref()
            .map(|attach| json(&AttachColumn { secret: attach.secret.clone(), window: attach.window }));
        let env = match dyno.env.as_slice() {
            [] => None,
            pairs => Some(self.sealer.seal(&place(dyno.id), &json(&pairs))?),
        };
        self.execute(
            "write down a dyno",
            "INSERT INTO dynos (id, app, process, number, kind, release, command, size, state, life, crashes,
                                not_before, replaced, attach, env, created_at, state_changed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, 0, 0, ?10, ?11, ?12, ?12)",
            &[
                &dyno.id.to_string(),
                &dyno.app.to_string(),
                &dyno.name.kind.as_str(),
                &dyno.name.number,
                &dyno.kind.as_str(),
                &dyno.release.to_string(),
                &dyno.command,
                &dyno.size.as_str(),
                &dyno.state.as_str(),
                &attach,
                &env,
                &dyno.created_at.as_micros(),
            ],
        )?;
        self.touch(Topic::Dynos);
        Ok(())
    }

    /// A dyno by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn dyno(&self, id: DynoId) -> Result<Option<Dyno>, StoreError> {
        self.row(WHAT, "SELECT * FROM dynos WHERE id = ?1", &[&id.to_string()], read)
    }

    /// Every dyno row there is, by app and name, older first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn dynos(&self) -> Result<Vec<Dyno>, StoreError> {
        self.rows(WHAT, "SELECT * FROM dynos ORDER BY app, process, number, created_at, id", &[], read)
    }

    /// An app's dynos, by name, older first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn dynos_of(&self, app: AppId) -> Result<Vec<Dyno>, StoreError> {
        let query = "SELECT * FROM dynos WHERE app = ?1 ORDER BY process, number, created_at, id";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Notes that a dyno's process is being started for the next time.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the dyno is gone.
    pub fn begin_life(&self, id: DynoId) -> Result<Dyno, StoreError> {
        self.execute(
            "note a dyno's start",
            "UPDATE dynos SET life = life + 1, address = NULL, exit_status = NULL, exit_reason = NULL WHERE id = ?1",
            &[&id.to_string()],
        )?;
        self.touch(Topic::Dynos);
        self.dyno(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// Notes where a dyno's port is reached.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_dyno_address(&self, id: DynoId, address: SocketAddrV4) -> Result<(), StoreError> {
        self.execute(
            "note a dyno's address",
            "UPDATE dynos SET address = ?2 WHERE id = ?1",
            &[&id.to_string(), &address.to_string()],
        )?;
        self.touch(Topic::Dynos);
        Ok(())
    }

    /// Moves a dyno on; returns it as it is then.
    ///
    /// # Errors
    /// [`StoreError::IllegalDyno`] when its state machine refuses.
    pub fn dyno_on(&self, id: DynoId, event: DynoEvent) -> Result<Dyno, StoreError> {
        let dyno = self.dyno(id)?.ok_or(StoreError::Missing { what: WHAT })?;
        let state = dyno.state.on(dyno.kind, event)?;
        if state == dyno.state {
            return Ok(dyno);
        }
        let at = self.now();
        self.execute(
            "change a dyno's state",
            "UPDATE dynos SET state = ?2, state_changed_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &state.as_str(), &at.as_micros()],
        )?;
        self.touch(Topic::Dynos);
        Ok(Dyno { state, state_changed_at: at, ..dyno })
    }

    /// Notes how a dyno's process ended.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_dyno_exit(&self, id: DynoId, exit: Exit) -> Result<(), StoreError> {
        self.execute(
            "note a dyno's end",
            "UPDATE dynos SET exit_status = ?2, exit_reason = ?3 WHERE id = ?1",
            &[&id.to_string(), &exit.status, &exit.reason.as_str()],
        )?;
        self.touch(Topic::Dynos);
        Ok(())
    }

    /// Sets a dyno's crashes in a row, and when it may be restarted.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_dyno_crashes(
        &self,
        id: DynoId,
        crashes: u32,
        not_before: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "count a crash",
            "UPDATE dynos SET crashes = ?2, not_before = ?3 WHERE id = ?1",
            &[&id.to_string(), &crashes, &not_before.as_micros()],
        )?;
        self.touch(Topic::Dynos);
        Ok(())
    }

    /// Marks a dyno to be replaced by a fresh one.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn replace_dyno(&self, id: DynoId) -> Result<(), StoreError> {
        self.execute("mark a dyno", "UPDATE dynos SET replaced = 1 WHERE id = ?1", &[&id.to_string()])?;
        self.touch(Topic::Dynos);
        Ok(())
    }

    /// Forgets a dyno that is over.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_dyno(&self, id: DynoId) -> Result<(), StoreError> {
        self.execute("forget a dyno", "DELETE FROM dynos WHERE id = ?1", &[&id.to_string()])?;
        self.touch(Topic::Dynos);
        Ok(())
    }
}
