//! Secrets of this process: random texts, and keys made of them.

use std::fmt::Write;

use rand::TryRngCore;
use sha2::{Digest, Sha256};

/// 256 bits of the system's randomness, in hex digits.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .unwrap_or_else(|error| unreachable!("Linux always has randomness: {error}"));
    hex(&bytes)
}

/// A digest that tells nothing of the text.
pub(crate) fn digest(purpose: &str, text: &str) -> String {
    hex(&Sha256::new().chain_update(purpose).chain_update([0]).chain_update(text).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
