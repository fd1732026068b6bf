//! Collaborators: who besides its owner works on an app.

use model::account::Role;
use model::id::{AccountId, AppId, CollaboratorId};
use model::time::Timestamp;

use crate::apps::App;
use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::Columns;

const WHAT: &str = "collaborator";

/// Somebody who works on an app that is another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collaborator {
    /// Its id.
    pub id: CollaboratorId,
    /// The app.
    pub app: AppId,
    /// Who.
    pub account: AccountId,
    /// Since when.
    pub created_at: Timestamp,
}

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Collaborator, StoreError> {
    Ok(Collaborator {
        id: row.parse("id")?,
        app: row.parse("app")?,
        account: row.parse("account")?,
        created_at: row.time("created_at")?,
    })
}

impl Tx<'_> {
    /// What an account may do with an app; `None`: nothing, not even know of it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn role(&self, account: AccountId, app: &App) -> Result<Option<Role>, StoreError> {
        if app.owner == account {
            return Ok(Some(Role::Owner));
        }
        let query = "SELECT * FROM collaborators WHERE app = ?1 AND account = ?2";
        let found = self.row(WHAT, query, &[&app.id.to_string(), &account.to_string()], read)?;
        Ok(found.map(|_| Role::Collaborator))
    }

    /// An app's collaborators, oldest first; its owner is not among them.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn collaborators(&self, app: AppId) -> Result<Vec<Collaborator>, StoreError> {
        let query = "SELECT * FROM collaborators WHERE app = ?1 ORDER BY created_at, id";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Lets an account work on an app.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when it may already.
    pub fn add_collaborator(&self, app: AppId, account: AccountId) -> Result<Collaborator, StoreError> {
        let (id, at) = (CollaboratorId::new(), self.now());
        self.sql
            .execute(
                "INSERT INTO collaborators (id, app, account, created_at) VALUES (?1, ?2, ?3, ?4)",
                (id.to_string(), app.to_string(), account.to_string(), at.as_micros()),
            )
            .map_err(unique("User", "add a collaborator"))?;
        Ok(Collaborator { id, app, account, created_at: at })
    }

    /// Ends that an account works on an app; nothing when it did not.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn remove_collaborator(&self, app: AppId, account: AccountId) -> Result<(), StoreError> {
        self.execute(
            "remove a collaborator",
            "DELETE FROM collaborators WHERE app = ?1 AND account = ?2",
            &[&app.to_string(), &account.to_string()],
        )
        .map(drop)
    }
}
