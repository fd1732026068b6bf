//! Transfers of apps to another owner.

use model::app_transfer::{AppTransfer, AppTransferEvent, AppTransferState};
use model::id::{AccountId, AppId, AppTransferId};

use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::Columns;

const WHAT: &str = "transfer";

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<AppTransfer, StoreError> {
    Ok(AppTransfer {
        id: row.parse("id")?,
        app: row.parse("app")?,
        owner: row.parse("owner")?,
        recipient: row.parse("recipient")?,
        state: row.word("state", AppTransferState::from_word)?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

impl Tx<'_> {
    /// Offers an app to another account.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when it is being offered already.
    pub fn create_app_transfer(
        &self,
        app: AppId,
        owner: AccountId,
        recipient: AccountId,
    ) -> Result<AppTransfer, StoreError> {
        let (id, now, state) = (AppTransferId::new(), self.now(), AppTransferState::Pending);
        self.sql
            .execute(
                "INSERT INTO app_transfers (id, app, owner, recipient, state, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                (
                    id.to_string(),
                    app.to_string(),
                    owner.to_string(),
                    recipient.to_string(),
                    state.as_str(),
                    now.as_micros(),
                ),
            )
            .map_err(unique("App", "offer an app"))?;
        Ok(AppTransfer { id, app, owner, recipient, state, created_at: now, updated_at: now })
    }

    /// A transfer by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn app_transfer(&self, id: AppTransferId) -> Result<Option<AppTransfer>, StoreError> {
        self.row(WHAT, "SELECT * FROM app_transfers WHERE id = ?1", &[&id.to_string()], read)
    }

    /// The transfers that an account gives or is to receive, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn app_transfers_of(&self, account: AccountId) -> Result<Vec<AppTransfer>, StoreError> {
        let query = "SELECT * FROM app_transfers WHERE owner = ?1 OR recipient = ?1
                     ORDER BY created_at, id";
        self.rows(WHAT, query, &[&account.to_string()], read)
    }

    /// What happened to a transfer.
    ///
    /// # Errors
    /// [`StoreError::IllegalAppTransfer`] when it is over already.
    pub fn app_transfer_on(
        &self,
        id: AppTransferId,
        event: AppTransferEvent,
    ) -> Result<AppTransfer, StoreError> {
        let transfer = self.app_transfer(id)?.ok_or(StoreError::Missing { what: WHAT })?;
        let state = transfer.state.on(event)?;
        self.execute(
            "change a transfer",
            "UPDATE app_transfers SET state = ?2, updated_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &state.as_str(), &self.now().as_micros()],
        )?;
        Ok(AppTransfer { state, updated_at: self.now(), ..transfer })
    }

    /// Forgets a transfer.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_app_transfer(&self, id: AppTransferId) -> Result<(), StoreError> {
        let statement = "DELETE FROM app_transfers WHERE id = ?1";
        self.execute("delete a transfer", statement, &[&id.to_string()]).map(drop)
    }
}
