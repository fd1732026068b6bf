//! SSH keys: kept and shown. Nothing is served over SSH, and who adds one is told.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use store::{NewSshKey, SshKey, StoreError, Tx};

use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const FIELDS: &[&str] = &["id"];
const MISSING: Problem = Problem::NotFound { resource: "key" };
/// Longest key, in bytes: an RSA key of 16,384 bits has 2,800.
const KEY_BYTES_MAX: usize = 8 * 1024;
/// Most keys of an account.
const KEYS_MAX: usize = 100;
/// Kinds of keys, as OpenSSH calls them.
const KINDS: [&str; 7] = [
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

fn show(call: &Call, key: &SshKey) -> wire::Key {
    wire::Key {
        comment: key.comment.clone(),
        created_at: key.created_at.to_api(),
        email: call.caller.email.to_string(),
        fingerprint: key.fingerprint.clone(),
        id: key.id.to_string(),
        public_key: key.public_key.clone(),
        updated_at: key.created_at.to_api(),
    }
}

/// A key of the caller by id or fingerprint.
fn find(tx: &Tx<'_>, call: &Call) -> Result<SshKey, Problem> {
    let asked = call.param("key");
    let mut keys = tx.ssh_keys(call.caller.id)?.into_iter();
    keys.find(|key| key.id.to_string() == asked || key.fingerprint == asked).ok_or(MISSING)
}

/// The caller's keys.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let keys = tx.ssh_keys(call.caller.id)?;
        call.list(keys.iter().map(|key| show(call, key)).collect(), FIELDS)
    })
    .await
}

/// One of them.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| Ok(Reply::ok(&show(call, &find(tx, call)?)))).await
}

/// Adds a key.
pub(crate) async fn create(call: Call, Json(request): Json<wire::KeyRequest>) -> Answer {
    let Read { public_key, comment, fingerprint } = read(&request.public_key)?;
    call.write(move |tx, call, _| {
        let account = call.caller.id;
        if tx.ssh_keys(account)?.len() >= KEYS_MAX {
            return Err(Problem::Invalid(format!("An account can have at most {KEYS_MAX} keys.")));
        }
        let new = NewSshKey { account, public_key, comment, fingerprint };
        let added = tx.add_ssh_key(&new).map_err(|error| match error {
            StoreError::Taken { .. } => Problem::Invalid("Fingerprint already exists".to_owned()),
            other => other.into(),
        })?;
        let warning = "The key is kept, but git over SSH is not served here; push over HTTPS.";
        Ok(Reply::created(&show(call, &added)).warning(warning))
    })
    .await
}

/// Forgets a key.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let key = find(tx, call)?;
        tx.delete_ssh_key(key.id)?;
        Ok(Reply::ok(&show(call, &key)))
    })
    .await
}

/// A key that was read.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    public_key: String,
    comment: String,
    fingerprint: String,
}

/// Reads a line of `authorized_keys`: kind, key, and perhaps a comment. The kind stands once more within the key.
fn read(text: &str) -> Result<Read, Problem> {
    let wrong = || Problem::Invalid("Key is not a valid SSH public key".to_owned());
    let text = text.trim();
    if text.len() > KEY_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(wrong());
    }
    let (kind, rest) = text.split_once(' ').ok_or_else(wrong)?;
    let (encoded, comment) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
    let blob = STANDARD.decode(encoded).map_err(|_| wrong())?;
    let named = blob.split_first_chunk::<4>().and_then(|(length, rest)| {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.split_at_checked(length)
    });
    match named {
        Some((name, key)) if name == kind.as_bytes() && KINDS.contains(&kind) && !key.is_empty() => {}
        _ => return Err(wrong()),
    }
    let comment = comment.trim();
    let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob)));
    let public_key = format!("{kind} {encoded} {comment}").trim_end().to_owned();
    Ok(Read { public_key, comment: comment.to_owned(), fingerprint })
}

#[cfg(test)]
mod tests;
