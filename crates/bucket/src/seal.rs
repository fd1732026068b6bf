//! Buckets' keys at rest: ChaCha20-Poly1305 under a key derived from the data folder's own, which the store's secrets
//! are sealed with too.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// What cannot be opened was sealed by another data folder, for another bucket, or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed with another key, or changed")]
pub(crate) struct Sealed;

/// Seals and opens.
pub(crate) struct Sealer {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Sealer {
    /// From the data folder's key.
    pub(crate) fn new(key: &[u8]) -> Result<Self, Sealed> {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"buckets");
        let key = UnboundKey::new(&CHACHA20_POLY1305, derived.as_ref()).map_err(|_| Sealed)?;
        Ok(Self { key: LessSafeKey::new(key), random: SystemRandom::new() })
    }

    /// Encrypts; the place is bound to it, so that it cannot be moved.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, Sealed> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| Sealed)?;
        let mut sealed = plain.to_vec();
        let once = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(once, Aad::from(place), &mut sealed).map_err(|_| Sealed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what was sealed for the same place.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, Sealed> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Sealed)?;
        let mut bytes = rest.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(place), &mut bytes).map_err(|_| Sealed)?;
        Ok(plain.to_vec())
    }
}
