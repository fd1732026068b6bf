//! SSH keys.

use serde::{Deserialize, Serialize};

/// A public key of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The last word of it.
    pub comment: String,
    /// When it was added.
    pub created_at: String,
    /// Whose it is.
    pub email: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// Its id.
    pub id: String,
    /// The key as in `authorized_keys`.
    pub public_key: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Adds a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRequest {
    /// The key as in `authorized_keys`.
    pub public_key: String,
}
