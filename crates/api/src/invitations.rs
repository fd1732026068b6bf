//! The other end of a link that the platform's owner gave out: whose it is, and the password that is chosen with it.
//! The secret in the link is the permission; it works once.

use std::sync::Arc;

use axum::extract::{Path, State};
use model::account::check_password;
use model::config_var::Secret;
use store::{Account, Invitation, Tx};

use crate::Server;
use crate::account::show;
use crate::body::Json;
use crate::credentials::hash_password;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const MISSING: Problem = Problem::NotFound { resource: "invitation" };

fn find(tx: &Tx<'_>, secret: &str) -> Result<(Invitation, Account), Problem> {
    let invitation = tx.invitation_by_secret(secret)?.ok_or(MISSING)?;
    let account = tx.account(invitation.account)?.filter(|account| account.removed_at.is_none());
    Ok((invitation, account.ok_or(MISSING)?))
}

/// Whose link it is.
pub(crate) async fn info(State(server): State<Arc<Server>>, Path(secret): Path<String>) -> Answer {
    let found = server.cx.store.read(move |tx| find(tx, &secret)).await;
    let (invitation, account) = found?;
    Ok(Reply::ok(&wire::Invitation {
        email: account.email.to_string(),
        expires_at: invitation.expires_at.to_api(),
        reset: account.password_hash.is_some(),
        url: None,
    }))
}

/// Sets the password and ends every login of before. The owner's lasting tokens stay: one of them is the key of the
/// machine itself.
pub(crate) async fn accept(
    State(server): State<Arc<Server>>,
    Path(secret): Path<String>,
    Json(choice): Json<wire::PasswordChoice>,
) -> Answer {
    let password = Secret::new(choice.password);
    let wanted = secret.clone();
    let found: Result<_, Problem> = server.cx.store.read(move |tx| find(tx, &wanted)).await;
    let (_, account) = found?;
    check_password(password.expose_secret(), &account.email).map_err(Problem::invalid)?;
    let hash = server.one_at_a_time(move || hash_password(&password)).await?.map_err(Problem::internal)?;
    let changed = server.cx.store.write(move |tx| {
        // Looked up again: hashing took a while, and the link works once.
        let (_, account) = find(tx, &secret)?;
        tx.set_password_hash(account.id, Some(&hash))?;
        tx.delete_invitation(account.id)?;
        tx.delete_tokens(account.id, None, !account.owner)?;
        Ok::<_, Problem>(account)
    });
    Ok(Reply::ok(&show(&changed.await?)))
}
