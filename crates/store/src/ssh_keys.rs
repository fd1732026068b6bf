//! SSH keys: kept and shown; nothing is served over SSH.

use model::id::{AccountId, KeyId};
use model::time::Timestamp;

use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::Columns;

const WHAT: &str = "key";

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub account: AccountId,
    /// The key as in `authorized_keys`.
    pub public_key: String,
    /// The last word of it, often `user@machine`; may be empty.
    pub comment: String,
    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    pub fingerprint: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What is needed to add a key.
#[derive(Debug, Clone)]
pub struct NewSshKey {
    /// Whose it is.
    pub account: AccountId,
    /// The key as in `authorized_keys`.
    pub public_key: String,
    /// The last word of it.
    pub comment: String,
    /// `SHA256:…`.
    pub fingerprint: String,
}

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<SshKey, StoreError> {
    Ok(SshKey {
        id: row.parse("id")?,
        account: row.parse("account")?,
        public_key: row.get("public_key")?,
        comment: row.get("comment")?,
        fingerprint: row.get("fingerprint")?,
        created_at: row.time("created_at")?,
    })
}

impl Tx<'_> {
    /// Adds a key.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when an account has it already.
    pub fn add_ssh_key(&self, new: &NewSshKey) -> Result<SshKey, StoreError> {
        let (id, at) = (KeyId::new(), self.now());
        self.sql
            .execute(
                "INSERT INTO ssh_keys (id, account, public_key, comment, fingerprint, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (
                    id.to_string(),
                    new.account.to_string(),
                    &new.public_key,
                    &new.comment,
                    &new.fingerprint,
                    at.as_micros(),
                ),
            )
            .map_err(unique("Fingerprint", "add a key"))?;
        let NewSshKey { account, public_key, comment, fingerprint } = new.clone();
        Ok(SshKey { id, account, public_key, comment, fingerprint, created_at: at })
    }

    /// An account's keys, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn ssh_keys(&self, account: AccountId) -> Result<Vec<SshKey>, StoreError> {
        let query = "SELECT * FROM ssh_keys WHERE account = ?1 ORDER BY created_at, id";
        self.rows(WHAT, query, &[&account.to_string()], read)
    }

    /// Forgets a key.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_ssh_key(&self, id: KeyId) -> Result<(), StoreError> {
        self.execute("delete a key", "DELETE FROM ssh_keys WHERE id = ?1", &[&id.to_string()]).map(drop)
    }
}
