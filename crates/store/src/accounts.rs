//! Accounts.

use model::account::Email;
use model::id::AccountId;
use model::time::Timestamp;

use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::Columns;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its address, which names it.
    pub email: Email,
    /// The person's name, if told.
    pub name: Option<String>,
    /// Argon2id hash of its password in PHC form; none when it can only use tokens.
    pub password_hash: Option<String>,
    /// Whether it owns the platform.
    pub owner: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was removed; nobody can use it since. It is kept because releases and builds name it.
    pub removed_at: Option<Timestamp>,
}

const WHAT: &str = "account";

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.parse("id")?,
        email: row.parse("email")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        owner: row.get("owner")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        removed_at: row.get::<Option<i64>>("removed_at")?.map(Timestamp::from_micros),
    })
}

impl Tx<'_> {
    /// Makes an account.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the address is in use.
    pub fn create_account(
        &self,
        email: &Email,
        password_hash: Option<&str>,
        owner: bool,
    ) -> Result<Account, StoreError> {
        let id = AccountId::new();
        let at = self.now().as_micros();
        self.sql
            .execute(
                "INSERT INTO accounts (id, email, password_hash, owner, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                (id.to_string(), email.as_str(), password_hash, owner, at),
            )
            .map_err(unique("Email", "make an account"))?;
        self.account(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// An account by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.row(WHAT, "SELECT * FROM accounts WHERE id = ?1", &[&id.to_string()], read)
    }

    /// An account by address.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        self.row(WHAT, "SELECT * FROM accounts WHERE email = ?1", &[&email.as_str()], read)
    }

    /// The account that owns the platform; none only before the first start is over.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn owner(&self) -> Result<Option<Account>, StoreError> {
        self.row(WHAT, "SELECT * FROM accounts WHERE owner = 1", &[], read)
    }

    /// Every account that is not removed, by address.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let query = "SELECT * FROM accounts WHERE removed_at IS NULL ORDER BY email";
        self.rows(WHAT, query, &[], read)
    }

    /// Removes an account: its password, tokens, keys, invitation and places as a collaborator go, and the transfers
    /// that it waits for. Apps that it still owns stay its own.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such account.
    pub fn remove_account(&self, id: AccountId) -> Result<(), StoreError> {
        let text = id.to_string();
        for (doing, statement) in [
            ("delete tokens", "DELETE FROM tokens WHERE account = ?1"),
            ("delete keys", "DELETE FROM ssh_keys WHERE account = ?1"),
            ("delete an invitation", "DELETE FROM invitations WHERE account = ?1"),
            ("delete collaborators", "DELETE FROM collaborators WHERE account = ?1"),
            (
                "delete transfers",
                "DELETE FROM app_transfers WHERE state = 'pending' AND (recipient = ?1 OR owner = ?1)",
            ),
        ] {
            self.execute(doing, statement, &[&text])?;
        }
        let changed = self.execute(
            "remove an account",
            "UPDATE accounts SET removed_at = ?2, updated_at = ?2, password_hash = NULL WHERE id = ?1",
            &[&text, &self.now().as_micros()],
        )?;
        if changed == 1 { Ok(()) } else { Err(StoreError::Missing { what: WHAT }) }
    }

    /// Takes a removed account back; it has no password yet.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such account.
    pub fn restore_account(&self, id: AccountId) -> Result<(), StoreError> {
        let changed = self.execute(
            "restore an account",
            "UPDATE accounts SET removed_at = NULL, updated_at = ?2 WHERE id = ?1",
            &[&id.to_string(), &self.now().as_micros()],
        )?;
        if changed == 1 { Ok(()) } else { Err(StoreError::Missing { what: WHAT }) }
    }

    /// Sets or clears a password.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such account.
    pub fn set_password_hash(&self, id: AccountId, hash: Option<&str>) -> Result<(), StoreError> {
        let changed = self.execute(
            "set a password",
            "UPDATE accounts SET password_hash = ?2, updated_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &hash, &self.now().as_micros()],
        )?;
        if changed == 1 { Ok(()) } else { Err(StoreError::Missing { what: WHAT }) }
    }

    /// Sets or clears the person's name.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such account.
    pub fn set_account_name(&self, id: AccountId, name: Option<&str>) -> Result<(), StoreError> {
        let changed = self.execute(
            "set a name",
            "UPDATE accounts SET name = ?2, updated_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &name, &self.now().as_micros()],
        )?;
        if changed == 1 { Ok(()) } else { Err(StoreError::Missing { what: WHAT }) }
    }
}
