//! Encryption at rest: ChaCha20-Poly1305 with one key per data folder, kept beside the store with mode 0600. URLs
//! that are their own permission are signed with a key derived from the same one.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::StoreError;

const KEY_BYTES: usize = 32;

/// Seals and opens secret columns.
pub(crate) struct Sealer {
    key: LessSafeKey,
    signing: hmac::Key,
    random: SystemRandom,
}

impl Sealer {
    /// Reads the key file, or makes it when there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |cause| StoreError::Key { path: path.to_owned(), cause };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(path).map_err(failed)?,
            Err(error) => return Err(failed(error)),
        };
        let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes)
            .map_err(|_| StoreError::BadKey { path: path.to_owned() })?;
        // A key of its own, so that a signature tells nothing about what is sealed.
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), b"signatures");
        let signing = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        Ok(Self { key: LessSafeKey::new(key), signing, random: SystemRandom::new() })
    }

    /// Encrypts `plain`; `place` (table and row) is bound to it, so that a sealed value cannot be moved.
    pub(crate) fn seal(&self, place: &str, plain: &str) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| broken("no randomness"))?;
        let mut sealed = plain.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(|_| broken("cannot be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Sealer::seal`] made for the same place.
    pub(crate) fn open_sealed(&self, place: &str, sealed: &[u8]) -> Result<String, StoreError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(|| broken("too short"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken("bad nonce"))?;
        let mut bytes = rest.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(place), &mut bytes)
            .map_err(|_| broken("it was sealed with another key, or changed"))?;
        String::from_utf8(plain.to_vec()).map_err(|_| broken("not text"))
    }
}

impl Sealer {
    /// Signs `text` for a purpose; URL-safe base64.
    pub(crate) fn sign(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.signing, &signed(purpose, text)))
    }

    /// Whether [`Sealer::sign`] made this signature; takes the same time for every wrong one.
    pub(crate) fn is_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        hmac::verify(&self.signing, &signed(purpose, text), &signature).is_ok()
    }
}

/// Purposes have no NUL, so no two pairs run together to the same bytes.
fn signed(purpose: &str, text: &str) -> Vec<u8> {
    [purpose.as_bytes(), b"\0", text.as_bytes()].concat()
}

fn make_key(path: &Path) -> io::Result<String> {
    let mut key = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("no randomness"))?;
    let text = STANDARD.encode(key);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(text)
}

fn broken(detail: &str) -> StoreError {
    StoreError::Broken { what: "sealed value", detail: detail.to_owned() }
}
