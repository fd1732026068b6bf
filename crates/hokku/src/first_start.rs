//! The owner's account: made at the first start, with a token and a password in files that only root can read.

use std::path::Path;

use anyhow::Context;
use model::account::Email;
use model::config_var::Secret;
use model::scope::Scopes;
use store::{NewToken, Store, StoreError};

use crate::layout::{Layout, write_secret};

/// File of the owner's API token.
pub const TOKEN_FILE: &str = "owner.token";
/// File of the owner's first password, for `heroku login`.
pub const PASSWORD_FILE: &str = "owner.password";

/// Makes the owner's account if there is none; tells whether it did. A start that was killed half-way is finished by the
/// next one, and a token in the file that was revoked meanwhile is replaced.
///
/// # Errors
/// When the account or its files cannot be made.
pub async fn ensure_owner(store: &Store, layout: &Layout, email: &Email) -> anyhow::Result<bool> {
    let owner = store.read(|tx| tx.owner()).await?;
    let token_file = layout.path(TOKEN_FILE);
    let is_first = owner.is_none() || !token_file.exists();
    if !is_first && works(store, &token_file).await? {
        return Ok(false);
    }
    let owner = match owner {
        Some(owner) => owner,
        None => {
            let password = api::new_token();
            let hash = tokio::task::spawn_blocking({
                let password = password.clone();
                move || api::hash_password(&password)
            });
            let hash = hash.await.context("the password's hash was not made")??;
            keep(&layout.path(PASSWORD_FILE), &password)?;
            let email = email.clone();
            store.write(move |tx| tx.create_account(&email, Some(&hash), true)).await?
        }
    };
    let token = api::new_token();
    // The file first: a token in a file that the store does not know is harmless, the reverse locks the owner out.
    keep(&token_file.with_extension("token.next"), &token)?;
    let new = NewToken {
        account: owner.id,
        token,
        description: "The owner's token, made at the first start".to_owned(),
        scopes: Scopes::global(),
        expires_at: None,
    };
    store.write(move |tx| tx.create_token(&new).map(drop)).await.map_err(|error: StoreError| error)?;
    std::fs::rename(token_file.with_extension("token.next"), &token_file)
        .with_context(|| format!("could not write {}", token_file.display()))?;
    Ok(is_first)
}

/// Whether the token in the file is one that the store knows.
async fn works(store: &Store, file: &Path) -> anyhow::Result<bool> {
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let found = store.read(move |tx| tx.token_by_secret(text.trim())).await?;
    Ok(found.is_some())
}

fn keep(path: &Path, secret: &Secret) -> anyhow::Result<()> {
    let text = format!("{}\n", secret.expose_secret());
    write_secret(path, text.as_bytes()).with_context(|| format!("could not write {}", path.display()))
}
