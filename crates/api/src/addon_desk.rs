//! What the API asks of whoever makes add-ons.

use std::error::Error;
use std::pin::Pin;

use model::addon::{Addon, Attachment, Plan};
use model::config_var::Secret;
use model::database::Database;
use model::release::Release;
use store::{Account, App, StoreError, Tx};

/// An add-on that a user wants.
#[derive(Debug, Clone, Copy)]
pub struct AddonWish<'a> {
    /// The app that will own it.
    pub app: &'a App,
    /// What it shall give.
    pub plan: &'static Plan,
    /// Its name; one is made up otherwise.
    pub name: Option<&'a str>,
    /// The attachment's name (`DATABASE`); chosen otherwise.
    pub attachment: Option<&'a str>,
    /// Who wants it.
    pub user: &'a Account,
}

/// An attachment that a user wants.
#[derive(Debug, Clone, Copy)]
pub struct AttachWish<'a> {
    /// The add-on.
    pub addon: &'a Addon,
    /// The app whose config it is to set.
    pub app: &'a App,
    /// The attachment's name; chosen otherwise.
    pub name: Option<&'a str>,
    /// Whether the user has agreed that an attachment of that name is replaced.
    pub replaces: bool,
    /// Who wants it.
    pub user: &'a Account,
}

/// What opens a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseLogin {
    /// Where its server is.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// Its name.
    pub database: String,
    /// The name of its role.
    pub user: String,
    /// The role's password.
    pub password: Secret,
}

/// Why an add-on is not made, attached or removed.
#[derive(Debug, thiserror::Error)]
pub enum AddonRefusal {
    /// What was asked cannot be; the words are for the user.
    #[error("{0}")]
    Invalid(String),
    /// Something would be replaced, and the user has not agreed to that; the words are for the user.
    #[error("{0}")]
    NeedsConfirmation(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service does not answer.
    #[error("the service does not answer")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
}

/// What [`AddonDesk::facts`] gives: facts that are measured from the service while one waits.
pub type FactsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<wire::DatabaseFact>, AddonRefusal>> + Send + 'a>>;

/// What [`AddonDesk::disconnect`] gives.
pub type DoneFuture<'a> = Pin<Box<dyn Future<Output = Result<(), AddonRefusal>> + Send + 'a>>;

/// Makes and removes add-ons. What happens in a transaction only writes down what is wanted. The releases that come
/// with it are given back, because the API logs them after the commit.
pub trait AddonDesk: Send + Sync {
    /// Writes down a new add-on with its attachment to its owner, and a release.
    ///
    /// # Errors
    /// [`AddonRefusal`].
    fn request(&self, tx: &Tx<'_>, wish: &AddonWish<'_>) -> Result<(Addon, Release), AddonRefusal>;

    /// Writes down that an add-on is to go; its attachments and their config vars go at once, with a release each.
    ///
    /// # Errors
    /// [`AddonRefusal`].
    fn destroy(&self, tx: &Tx<'_>, addon: &Addon, user: &Account) -> Result<Vec<Release>, AddonRefusal>;

    /// Lets go of everything an app has, so that the app can be deleted in the same transaction; the releases are
    /// of other apps, which used its add-ons.
    ///
    /// # Errors
    /// [`AddonRefusal`].
    fn destroy_all(&self, tx: &Tx<'_>, app: &App, user: &Account) -> Result<Vec<Release>, AddonRefusal>;

    /// Attaches an add-on to an app; gives the attachment and the app's releases, oldest first.
    ///
    /// # Errors
    /// [`AddonRefusal`].
    fn attach(&self, tx: &Tx<'_>, wish: &AttachWish<'_>) -> Result<(Attachment, Vec<Release>), AddonRefusal>;

    /// Detaches an add-on from an app.
    ///
    /// # Errors
    /// [`AddonRefusal`].
    fn detach(&self, tx: &Tx<'_>, attachment: &Attachment, user: &Account) -> Result<Release, AddonRefusal>;

    /// Gives an add-on another name.
    ///
    /// # Errors
    /// [`AddonRefusal`].
    fn rename(&self, tx: &Tx<'_>, addon: &Addon, name: &str) -> Result<(), AddonRefusal>;

    /// What opens a database whose credentials these are, as the store keeps them.
    ///
    /// # Errors
    /// [`AddonRefusal`].
    fn login(&self, resource: &Secret) -> Result<DatabaseLogin, AddonRefusal>;

    /// Ends every connection to a database.
    fn disconnect<'a>(&'a self, addon: &'a Addon) -> DoneFuture<'a>;

    /// What `pg:info` tells about a database that is provisioned.
    fn facts<'a>(&'a self, addon: &'a Addon, database: &'a Database) -> FactsFuture<'a>;
}
