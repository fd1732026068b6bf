//! What the API asks of whoever makes add-ons.

use std::error::Error;
use std::pin::Pin;

use model::addon::{Addon, Plan};
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

/// Why an add-on is not made or removed.
#[derive(Debug, thiserror::Error)]
pub enum AddonRefusal {
    /// What was asked cannot be; the words are for the user.
    #[error("{0}")]
    Invalid(String),
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

    /// What `pg:info` tells about a database that is provisioned.
    fn facts<'a>(&'a self, addon: &'a Addon) -> FactsFuture<'a>;
}
