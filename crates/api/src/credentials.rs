//! Tokens and passwords.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use model::config_var::Secret;
use rand::TryRngCore;

/// Randomness of a token, in bytes.
const TOKEN_BYTES: usize = 32;
/// Bytes of a password's salt (the length the PHC format recommends).
const SALT_BYTES: usize = 16;
/// Every token begins so, which lets secret scanners know one.
const TOKEN_PREFIX: &str = "HOKKU-";

/// A new API token: 256 bits of randomness.
#[must_use]
pub fn new_token() -> Secret {
    Secret::new(format!("{TOKEN_PREFIX}{}", random_text()))
}

/// 256 bits of the system's randomness in URL-safe characters.
pub(crate) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<TOKEN_BYTES>())
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .unwrap_or_else(|error| unreachable!("Linux always has randomness: {error}"));
    bytes
}

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("could not hash a password: {detail}")]
pub struct HashError {
    /// What the library says.
    pub detail: String,
}

/// Hashes a password with argon2id, in PHC form, as the store keeps it. Takes a good part of a second of one core.
///
/// # Errors
/// Only for passwords beyond the library's limits (4 GiB).
pub fn hash_password(password: &Secret) -> Result<String, HashError> {
    let failed = |error: argon2::password_hash::Error| HashError { detail: error.to_string() };
    let salt = SaltString::encode_b64(&random_bytes::<SALT_BYTES>()).map_err(failed)?;
    let hash = Argon2::default().hash_password(password.expose_secret().as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(failed)
}

/// Whether a password has this hash. Without a hash it does the same work in vain, so that nobody can tell from the
/// time whether an account exists.
pub(crate) fn is_password(password: &Secret, hash: Option<&str>) -> bool {
    let Some(hash) = hash.and_then(|hash| PasswordHash::new(hash).ok()) else {
        drop(hash_password(password));
        return false;
    };
    Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok()
}

/// What an `Authorization` header holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The user of Basic authentication, perhaps empty.
    pub(crate) user: String,
    /// A token, or at a login a password.
    pub(crate) secret: Secret,
}

/// Reads Bearer and Basic; clients put the token where Basic has the password, with any user or none.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credentials { user: String::new(), secret: rest.trim().into() });
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (user, secret) = plain.split_once(':')?;
    Some(Credentials { user: user.to_owned(), secret: secret.into() })
}

#[cfg(test)]
mod tests;
