//! Invitations: links by which a person chooses a password, once. Only a digest of a link's secret is kept.

use model::config_var::Secret;
use model::id::AccountId;
use model::time::Timestamp;

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::Columns;
use crate::tokens::digest_of;

const WHAT: &str = "invitation";

/// A link that was given out and not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Whose password it sets.
    pub account: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        account: row.parse("account")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

impl Tx<'_> {
    /// Remembers a link for an account; the one before stops working.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn invite(
        &self,
        account: AccountId,
        secret: &Secret,
        expires_at: Timestamp,
    ) -> Result<Invitation, StoreError> {
        let created_at = self.now();
        self.execute(
            "make an invitation",
            "INSERT OR REPLACE INTO invitations (account, digest, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4)",
            &[
                &account.to_string(),
                &digest_of(secret.expose_secret()),
                &created_at.as_micros(),
                &expires_at.as_micros(),
            ],
        )?;
        Ok(Invitation { account, created_at, expires_at })
    }

    /// The invitation with this secret, unless its time is over.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn invitation_by_secret(&self, secret: &str) -> Result<Option<Invitation>, StoreError> {
        let query = "SELECT * FROM invitations WHERE digest = ?1";
        let found = self.row(WHAT, query, &[&digest_of(secret)], read)?;
        Ok(found.filter(|invitation| invitation.expires_at > self.now()))
    }

    /// Forgets an account's invitation: it was used.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_invitation(&self, account: AccountId) -> Result<(), StoreError> {
        let statement = "DELETE FROM invitations WHERE account = ?1";
        self.execute("delete an invitation", statement, &[&account.to_string()]).map(drop)
    }
}
