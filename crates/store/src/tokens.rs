//! API tokens (Heroku's OAuth authorizations). Only a digest is kept, so the file tells nobody's token.

use std::fmt::Write;

use model::config_var::Secret;
use model::id::{AccountId, TokenId};
use model::scope::Scopes;
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
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its text or its description last changed.
    pub updated_at: Timestamp,
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
    /// What it allows.
    pub scopes: Scopes,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.parse("id")?,
        account: row.parse("account")?,
        hint: row.get("hint")?,
        description: row.get("description")?,
        scopes: row.parse("scope")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        expires_at: row.get::<Option<i64>>("expires_at")?.map(Timestamp::from_micros),
    })
}

pub(crate) fn digest_of(token: &str) -> String {
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
                "INSERT INTO tokens (id, account, digest, hint, description, scope, created_at, updated_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
                (
                    id.to_string(),
                    new.account.to_string(),
                    digest_of(token),
                    hint_of(token),
                    &new.description,
                    new.scopes.to_string(),
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

    /// Says anew what a token is for.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn describe_token(&self, id: TokenId, description: &str) -> Result<(), StoreError> {
        self.execute(
            "describe a token",
            "UPDATE tokens SET description = ?2, updated_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &description, &self.now().as_micros()],
        )
        .map(drop)
    }

    /// Gives a token another text; the one before stops working at once.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn replace_token(
        &self,
        id: TokenId,
        token: &Secret,
        expires_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let text = token.expose_secret();
        self.execute(
            "replace a token",
            "UPDATE tokens SET digest = ?2, hint = ?3, updated_at = ?4, expires_at = ?5 WHERE id = ?1",
            &[
                &id.to_string(),
                &digest_of(text),
                &hint_of(text),
                &self.now().as_micros(),
                &expires_at.map(Timestamp::as_micros),
            ],
        )
        .map(drop)
    }

    /// Forgets an account's logins: the tokens that end by themselves, but for `kept`; with `all`, every other one too.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_tokens(
        &self,
        account: AccountId,
        kept: Option<TokenId>,
        all: bool,
    ) -> Result<(), StoreError> {
        let kept = kept.map(|id| id.to_string()).unwrap_or_default();
        self.execute(
            "delete an account's tokens",
            "DELETE FROM tokens WHERE account = ?1 AND id <> ?2 AND (?3 OR expires_at IS NOT NULL)",
            &[&account.to_string(), &kept, &all],
        )
        .map(drop)
    }

    /// Forgets a token; it stops working at once.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_token(&self, id: TokenId) -> Result<(), StoreError> {
        self.execute("delete a token", "DELETE FROM tokens WHERE id = ?1", &[&id.to_string()]).map(drop)
    }
}
