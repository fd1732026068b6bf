//! People: who may work on an app, links, tokens, transfers, and what is left of somebody who goes.

use std::collections::BTreeSet;
use std::time::Duration;

use model::account::Role;
use model::app_transfer::{AppTransferEvent, AppTransferState};
use model::config_var::Secret;
use model::feature::AppFeature;
use model::id::AccountId;
use model::scope::Scopes;

use super::{new_app, open};
use crate::{App, NewSshKey, NewToken, StoreError, Tx};

fn someone(tx: &Tx<'_>, email: &str) -> Result<AccountId, StoreError> {
    let email = email.parse().expect("an address");
    Ok(tx.create_account(&email, Some("hash"), false)?.id)
}

/// One transaction in a fresh store.
async fn in_a_store(change: impl FnOnce(&Tx<'_>) -> Result<(), StoreError> + Send + 'static) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    store.write(change).await.expect("written");
}

fn scene(tx: &Tx<'_>) -> Result<(App, AccountId), StoreError> {
    Ok((new_app(tx, "one")?, someone(tx, "jane@example.com")?))
}

#[tokio::test]
async fn a_collaborator_may_work_until_removed() {
    in_a_store(|tx| {
        let (app, jane) = scene(tx)?;
        assert_eq!(tx.role(app.owner, &app)?, Some(Role::Owner));
        assert_eq!(tx.role(jane, &app)?, None);
        assert_eq!(tx.apps_open_to(jane)?, []);
        tx.add_collaborator(app.id, jane)?;
        assert!(matches!(tx.add_collaborator(app.id, jane), Err(StoreError::Taken { what: "User" })));
        assert_eq!(tx.role(jane, &app)?, Some(Role::Collaborator));
        assert_eq!(tx.apps_open_to(jane)?, std::slice::from_ref(&app));
        assert_eq!(tx.collaborators(app.id)?.len(), 1);
        tx.remove_collaborator(app.id, jane)?;
        assert_eq!(tx.role(jane, &app)?, None);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_for_a_time_and_the_newest_counts() {
    in_a_store(|tx| {
        let jane = someone(tx, "jane@example.com")?;
        let (old, new) = (Secret::from("old"), Secret::from("new"));
        tx.invite(jane, &old, tx.now())?;
        assert_eq!(tx.invitation_by_secret("old")?, None, "its time is over");
        tx.invite(jane, &old, tx.now().plus(Duration::from_secs(60)))?;
        assert_eq!(tx.invitation_by_secret("old")?.map(|it| it.account), Some(jane));
        tx.invite(jane, &new, tx.now().plus(Duration::from_secs(60)))?;
        assert_eq!(tx.invitation_by_secret("old")?, None);
        assert!(tx.invitation_by_secret("new")?.is_some());
        tx.delete_invitation(jane)?;
        assert_eq!(tx.invitation_by_secret("new")?, None);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn logins_end_together_and_a_replaced_token_works_no_more() {
    in_a_store(|tx| {
        let jane = someone(tx, "jane@example.com")?;
        let later = tx.now().plus(Duration::from_secs(60));
        let make = |text: &str, expires_at| {
            tx.create_token(&NewToken {
                account: jane,
                token: Secret::from(text),
                description: "a test".to_owned(),
                scopes: "read identity".parse::<Scopes>().expect("scopes"),
                expires_at,
            })
        };
        let (here, _, lasting) =
            (make("here", Some(later))?, make("elsewhere", Some(later))?, make("lasting", None)?);
        assert_eq!(here.scopes.to_string(), "identity read");
        tx.delete_tokens(jane, Some(here.id), false)?;
        let left: BTreeSet<_> = tx.tokens(jane)?.into_iter().map(|token| token.id).collect();
        assert_eq!(left, BTreeSet::from([here.id, lasting.id]), "made at one time, they have no order");
        tx.replace_token(lasting.id, &Secret::from("replaced"), None)?;
        tx.describe_token(lasting.id, "renamed")?;
        assert_eq!(tx.token_by_secret("lasting")?, None);
        let found = tx.token_by_secret("replaced")?.expect("a token");
        assert_eq!((found.id, found.hint.as_str()), (lasting.id, "repl**********aced"));
        assert_eq!(found.description, "renamed");
        tx.delete_tokens(jane, None, true)?;
        assert_eq!(tx.tokens(jane)?, []);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_app_is_offered_once_and_goes_with_its_transfers() {
    in_a_store(|tx| {
        let (app, jane) = scene(tx)?;
        let offered = tx.create_app_transfer(app.id, app.owner, jane)?;
        assert!(matches!(tx.create_app_transfer(app.id, app.owner, jane), Err(StoreError::Taken { .. })));
        assert_eq!(tx.app_transfers_of(jane)?, tx.app_transfers_of(app.owner)?);
        let accepted = tx.app_transfer_on(offered.id, AppTransferEvent::Accept)?;
        assert_eq!(accepted.state, AppTransferState::Accepted);
        let again = tx.app_transfer_on(offered.id, AppTransferEvent::Decline);
        assert!(matches!(again, Err(StoreError::IllegalAppTransfer(_))));
        tx.set_app_owner(app.id, jane)?;
        assert_eq!(tx.app(app.id)?.map(|app| app.owner), Some(jane));
        tx.create_app_transfer(app.id, jane, app.owner)?;
        tx.set_app_feature(app.id, AppFeature::DynoMetadata, true)?;
        tx.set_app_feature(app.id, AppFeature::DynoMetadata, true)?;
        assert_eq!(tx.app_features(app.id)?.len(), 1);
        tx.set_app_feature(app.id, AppFeature::DynoMetadata, false)?;
        assert!(tx.app_features(app.id)?.is_empty());
        tx.delete_app(app.id)?;
        assert_eq!(tx.app_transfers_of(jane)?, []);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn who_is_removed_keeps_nothing_but_a_name() {
    in_a_store(|tx| {
        let (app, jane) = scene(tx)?;
        tx.add_collaborator(app.id, jane)?;
        tx.create_app_transfer(app.id, app.owner, jane)?;
        tx.invite(jane, &Secret::from("link"), tx.now().plus(Duration::from_secs(60)))?;
        let key = NewSshKey {
            account: jane,
            public_key: "ssh-ed25519 AAAA".to_owned(),
            comment: String::new(),
            fingerprint: "SHA256:x".to_owned(),
        };
        tx.add_ssh_key(&key)?;
        let twice = tx.add_ssh_key(&NewSshKey { account: app.owner, ..key });
        assert!(matches!(twice, Err(StoreError::Taken { what: "Fingerprint" })));
        tx.remove_account(jane)?;
        let left = tx.account(jane)?.expect("its name is in the history");
        assert!(left.removed_at.is_some() && left.password_hash.is_none());
        assert_eq!(tx.role(jane, &app)?, None);
        assert_eq!((tx.app_transfers_of(jane)?, tx.ssh_keys(jane)?), (vec![], vec![]));
        assert_eq!(tx.invitation_by_secret("link")?, None);
        assert_eq!(tx.accounts()?.len(), 1);
        tx.restore_account(jane)?;
        assert_eq!(tx.accounts()?.len(), 2);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_store_of_before_gets_what_people_need() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("hokku.db");
    let old = rusqlite::Connection::open(&path).expect("a file");
    old.execute_batch(include_str!("../../migrations/0001_start.sql")).expect("the first schema");
    old.execute_batch(
        "INSERT INTO accounts (id, email, owner, created_at, updated_at)
             VALUES ('00000000-0000-0000-0000-000000000001', 'old@example.com', 1, 7, 7);
         INSERT INTO tokens (id, account, digest, hint, description, created_at)
             VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'd', 'h', '', 7);
         PRAGMA user_version = 1;",
    )
    .expect("rows");
    drop(old);
    let store = open(dir.path());
    let read = store.read(|tx| {
        let owner = tx.owner()?.expect("an owner");
        Ok::<_, StoreError>((tx.tokens(owner.id)?, owner))
    });
    let (tokens, owner) = read.await.expect("read");
    assert_eq!(owner.removed_at, None);
    assert_eq!(tokens[0].scopes, Scopes::global());
    assert_eq!(tokens[0].updated_at, tokens[0].created_at);
}
