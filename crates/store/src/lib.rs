//! The one truth: what the platform was told and what it decided, in one SQLite file.
//!
//! Stages and faces meet only here: a writer commits a row, the commit wakes whoever watches that [`Topic`], and
//! the watcher reads the whole picture again. All SQL of the project is in this crate, one file per noun, as
//! methods of [`Tx`]. A transaction is a closure: it runs on a blocking thread, so it must not wait for anything,
//! and it either commits whole or leaves no trace.
//!
//! Config vars and credentials are sealed (encrypted) before they reach the file; tokens are stored as digests.
//! There is deliberately no row type here: rows come back as `model` values.

mod accounts;
mod addons;
mod app_features;
mod app_transfers;
mod apps;
mod automatic_certificates;
mod builds;
mod changes;
mod collaborators;
mod config_vars;
mod database;
mod databases;
mod domains;
mod drains;
mod dynos;
mod error;
mod formation;
mod invitations;
mod migrate;
mod releases;
mod row;
mod seal;
mod slugs;
mod sni_endpoints;
mod ssh_keys;
mod tokens;
mod topic;
mod transfers;
mod webhook_events;
mod webhooks;

pub use accounts::Account;
pub use apps::{App, NewApp};
pub use builds::NewBuild;
pub use changes::{Change, Witness};
pub use collaborators::Collaborator;
pub use config_vars::ConfigChange;
pub use database::{Clock, Store, Tx};
pub use error::StoreError;
pub use invitations::Invitation;
pub use releases::{NewRelease, ReleaseConfig};
pub use sni_endpoints::Served;
pub use ssh_keys::{NewSshKey, SshKey};
pub use tokens::{NewToken, Token};
pub use topic::{Topic, Wake};
pub use transfers::NewTransfer;
pub use webhook_events::{DELIVERIES_WAITING_MAX, EVENTS_KEPT, NewWebhookEvent};
pub use webhooks::WebhookWish;

#[cfg(test)]
mod tests;
