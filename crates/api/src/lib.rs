//! The Platform API v3: what the official `heroku` command line and every other client of Heroku's API speak to.
//!
//! ```text
//!  request ─► protocol (ids, headers) ─► door (version, who, rate) ─► handler ─► one store transaction ─► JSON
//! ```
//! A handler writes down what is wanted and answers at once; stages make it so. It never starts a process and never
//! waits for one. The page of all routes is `routes.rs`; there is one file per Heroku resource, the words of every
//! refusal are in `error.rs`, and who may see an app is decided in `access.rs` alone.
//!
//! Not here: git, the web pages, the rendezvous of attached dynos, and what an add-on is made of: that is handed in
//! as an [`AddonDesk`].

mod accept;
mod access;
mod account;
mod accounts;
mod acm;
mod addon_attachments;
mod addon_desk;
mod addon_services;
mod addons;
mod app_transfers;
mod apps;
mod backups;
mod body;
mod buildpacks;
mod builds;
mod call;
mod collaborators;
mod config_vars;
mod credentials;
mod database_credentials;
mod databases;
mod domains;
mod door;
mod dyno_sizes;
mod dynos;
mod error;
mod etag;
mod features;
mod formation;
mod identity;
mod invitations;
mod keys;
mod log_drains;
mod log_sessions;
mod log_stream;
mod nothing;
mod oauth_authorizations;
mod output_streams;
mod passport;
mod protocol;
mod range;
mod rate_limit;
mod regions;
mod releases;
mod reply;
mod routes;
mod scopes;
mod slugs;
mod sni_endpoints;
mod sources;
mod stacks;
mod status;
mod transfer_schedules;
mod transfers;
mod webhooks;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use logs::Logs;
use logs::transcript::Transcripts;
use model::site::Site;
use store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use addon_desk::{
    AddonDesk, AddonRefusal, AddonWish, AttachWish, DatabaseLogin, DoneFuture, FactsFuture,
};
pub use credentials::{HashError, hash_password, new_token};
pub use routes::{RouteName, route_names, routes};

/// What the API works with; every part is handed in.
#[derive(Clone)]
pub struct Context {
    /// The store.
    pub store: Store,
    /// The apps' logs.
    pub logs: Logs,
    /// Output of builds and release commands.
    pub transcripts: Transcripts,
    /// Public addresses.
    pub site: Site,
    /// Makes and removes add-ons.
    pub addons: Arc<dyn AddonDesk>,
    /// Folder of source archives, where builds look for them.
    pub sources: PathBuf,
    /// The authorities that this machine trusts.
    pub roots: certs::Roots,
    /// Folder of backups, as their stage keeps them.
    pub backups: PathBuf,
    /// Names of the buildpacks that the platform carries (`heroku/python`).
    pub buildpacks: Vec<String>,
    /// Cancelled when the server stops: open log streams then end in good order.
    pub stop: CancellationToken,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("site", &self.site).finish_non_exhaustive()
    }
}

/// What the store is to be given, so that webhooks are told of every change.
#[must_use]
pub fn witness(cx: Context) -> store::Witness {
    webhooks::witness(cx)
}

/// Passwords being checked at a time: each takes a good part of a second of one core, on purpose.
const PASSWORD_CHECKS_MAX: usize = 2;

/// The context and what the API itself remembers between requests.
pub(crate) struct Server {
    pub(crate) cx: Context,
    pub(crate) requests: rate_limit::Buckets<model::id::AccountId>,
    pub(crate) logins: rate_limit::Buckets<String>,
    pub(crate) password_checks: Semaphore,
}

impl Server {
    fn new(cx: Context) -> Self {
        Self {
            cx,
            requests: rate_limit::Buckets::new(rate_limit::REQUESTS),
            logins: rate_limit::Buckets::new(rate_limit::LOGINS),
            password_checks: Semaphore::new(PASSWORD_CHECKS_MAX),
        }
    }
}
