//! What opens one database: the URL that an app gets. It is also what the store keeps of an add-on.

use model::config_var::Secret;
use rand::Rng;

use crate::service::{BadResource, Endpoint};

/// Characters after the letter that tells what a name is of, as Heroku's names have.
const NAME_CHARS: usize = 13;
/// Hexadecimal digits of a password: 256 bits.
const PASSWORD_DIGITS: usize = 64;
const SCHEME: &str = "postgres://";

/// A database, its owner and the owner's password, at a server.
///
/// Names and password consist of lower-case letters and digits only, so they need no quoting in URLs and SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    endpoint: Endpoint,
    database: String,
    user: String,
    password: Secret,
}

impl Credentials {
    /// Makes up names and a password that nobody has.
    #[must_use]
    pub fn make_up(endpoint: &Endpoint) -> Self {
        Self {
            endpoint: endpoint.clone(),
            database: format!("d{}", random(b"abcdefghijklmnopqrstuvwxyz0123456789", NAME_CHARS)),
            user: format!("u{}", random(b"abcdefghijklmnopqrstuvwxyz0123456789", NAME_CHARS)),
            password: Secret::new(format!("p{}", random(b"0123456789abcdef", PASSWORD_DIGITS))),
        }
    }

    /// Another user and password for the same database.
    #[must_use]
    pub fn renew(&self) -> Self {
        let Self { user, password, .. } = Self::make_up(&self.endpoint);
        Self { user, password, ..self.clone() }
    }

    /// Reads what [`Credentials::url`] wrote.
    ///
    /// # Errors
    /// [`BadResource`].
    pub fn parse(url: &Secret) -> Result<Self, BadResource> {
        let read = |url: &str| {
            let (login, place) = url.strip_prefix(SCHEME)?.split_once('@')?;
            let (user, password) = login.split_once(':')?;
            let (address, database) = place.split_once('/')?;
            let (host, port) = address.rsplit_once(':')?;
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let plain = [user, password, database].into_iter().all(is_plain);
            plain.then_some(Self {
                endpoint: Endpoint { host: host.to_owned(), port: port.parse().ok()? },
                database: database.to_owned(),
                user: user.to_owned(),
                password: Secret::from(password),
            })
        };
        read(url.expose_secret()).ok_or(BadResource)
    }

    /// `postgres://user:password@host:port/database`. The scheme is not `postgresql`: programs compare it.
    #[must_use]
    pub fn url(&self) -> Secret {
        let Self { endpoint, database, user, password } = self;
        Secret::new(format!("{SCHEME}{user}:{}@{endpoint}/{database}", password.expose_secret()))
    }

    /// The same database, reached at another address.
    #[must_use]
    pub fn at(self, endpoint: &Endpoint) -> Self {
        Self { endpoint: endpoint.clone(), ..self }
    }

    /// The server.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The name of the role that owns it.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The role's password.
    #[must_use]
    pub const fn password(&self) -> &Secret {
        &self.password
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn random(alphabet: &[u8], chars: usize) -> String {
    let mut rng = rand::rng();
    (0..chars).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}

#[cfg(test)]
mod tests;
