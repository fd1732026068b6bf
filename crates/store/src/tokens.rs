//! API tokens (Heroku's OAuth authorizations). Only a digest is kept, so the file tells nobody's token.

use std::fmt::Write;

use model::config_var::Secret;
use model::id::{AccountId, TokenId};
use model::time::Timestamp;
use ring::digest::{SHA256, digest};

use crate::database::Tx;
use crate::error::{StoreError, sql};
use crate::row::Columns;

const WHAT: &str = "token";
/// Characters of a token shown at each end of its hint.
const HINT_CHARS: usize = 4;

/// A token, as far as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Whose it is.
    pub account: AccountId,
    /// Its ends with asterisks between, as lists show it.
    pub hint: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// What is needed to make a token.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it is.
    pub account: AccountId,
    /// The token itself, made by the caller from good randomness.
    pub token: Secret,
    /// What it is for.
    pub description: String,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.parse("id")?,
        account: row.parse("account")?,
        hint: row.get("hint")?,
        description: row.get("description")?,
        created_at: row.time("created_at")?,
        expires_at: row.get::<Option<i64>>("expires_at")?.map(Timestamp::from_micros),
    })
}

fn digest_of(token: &str) -> String {
    digest(&SHA256, token.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

/// A token's ends with ten asterisks between; the official CLI recognises its own token in this form.
fn hint_of(token: &str) -> String {
    let chars: Vec<char> = token.chars().collect();
    let head: String = chars.iter().take(HINT_CHARS).collect();
    let tail: String = chars.iter().skip(chars.len().saturating_sub(HINT_CHARS)).collect();
    format!("{head}**********{tail}")
}

impl Tx<'_> {
    /// Remembers a token.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_token(&self, new: &NewToken) -> Result<Token, StoreError> {
        let id = TokenId::new();
        let token = new.token.expose_secret();
        let expires = new.expires_at.map(Timestamp::as_micros);
        self.sql
            .execute(
                "INSERT INTO tokens (id, account, digest, hint, description, created_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (
                    id.to_string(),
                    new.account.to_string(),
                    digest_of(token),
                    hint_of(token),
                    &new.description,
                    self.now().as_micros(),
                    expires,
                ),
            )
            .map_err(sql("make a token"))?;
        self.token(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// The token with this text, unless it has expired.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn token_by_secret(&self, token: &str) -> Result<Option<Token>, StoreError> {
        let now = self.now();
        let found = self.row(WHAT, "SELECT * FROM tokens WHERE digest = ?1", &[&digest_of(token)], read)?;
        Ok(found.filter(|token| token.expires_at.is_none_or(|end| end > now)))
    }

    /// A token by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn token(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        self.row(WHAT, "SELECT * FROM tokens WHERE id = ?1", &[&id.to_string()], read)
    }

    /// An account's tokens, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn tokens(&self, account: AccountId) -> Result<Vec<Token>, StoreError> {
        let query = "SELECT * FROM tokens WHERE account = ?1 ORDER BY created_at, id";
        self.rows(WHAT, query, &[&account.to_string()], read)
    }

    /// Forgets a token; it stops working at once.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_token(&self, id: TokenId) -> Result<(), StoreError> {
        self.execute("delete a token", "DELETE FROM tokens WHERE id = ?1", &[&id.to_string()]).map(drop)
    }
}
