//! Ids: of things that are the same on every platform (sizes, plans, the stack), and new ones.

use sha2::{Digest, Sha256};

/// The id of something that has no row in the store: the same for the same words, always.
pub(crate) fn fixed(kind: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{kind}/{name}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid(bytes, 8)
}

/// A reference to something that has no row in the store.
pub(crate) fn fixed_ref(kind: &str, name: &str) -> wire::Ref {
    wire::Ref { id: fixed(kind, name), name: name.to_owned() }
}

/// A new random id.
pub(crate) fn random() -> String {
    uuid(rand::random(), 4)
}

fn uuid(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Heroku's first generation: the official CLI behaves otherwise for others.
pub(crate) fn cedar() -> wire::Ref {
    fixed_ref("generation", "cedar")
}
