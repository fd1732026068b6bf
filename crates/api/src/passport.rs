//! URLs that are their own permission: streams and uploads, whose clients send no token.
//!
//! The path holds what is permitted, until when, and the platform's signature over both.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Store;

use crate::error::Problem;

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// What is permitted; also the first part of the URL's path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Reads an app's log.
    Log,
    /// Reads the output of a build or a release command.
    Output,
    /// Puts a source archive, or names it in a build.
    Source,
    /// Downloads a backup, or names it in a restore.
    Backup,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Output => "output",
            Self::Source => "source",
            Self::Backup => "backup",
        }
    }
}

/// Makes the part of a path that permits `what` until `ends`.
pub(crate) fn issue(store: &Store, purpose: Purpose, what: &impl Serialize, ends: Timestamp) -> String {
    let what = serde_json::to_vec(what).unwrap_or_else(|_| unreachable!("permissions are plain structs"));
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(what), ends.as_micros() / SECOND);
    let signature = store.sign(purpose.as_str(), &text);
    format!("{text}.{signature}")
}

/// A permission that was read back.
#[derive(Debug)]
pub(crate) struct Permit<T> {
    /// What is permitted.
    pub(crate) what: T,
    /// Whether its time is over.
    pub(crate) is_over: bool,
}

/// Reads a permission. Whether its time is over is told apart, because a log's reader may come back later.
pub(crate) fn read<T: DeserializeOwned>(
    store: &Store,
    purpose: Purpose,
    text: &str,
) -> Result<Permit<T>, Problem> {
    let (signed, signature) = text.rsplit_once('.').ok_or(Problem::Expired)?;
    if !store.is_signed(purpose.as_str(), signed, signature) {
        return Err(Problem::Expired);
    }
    let (what, ends) = signed.split_once('.').ok_or(Problem::Expired)?;
    let ends: i64 = ends.parse().map_err(|_| Problem::Expired)?;
    let what = URL_SAFE_NO_PAD.decode(what).map_err(|_| Problem::Expired)?;
    let what = serde_json::from_slice(&what).map_err(|_| Problem::Expired)?;
    Ok(Permit { what, is_over: store.now().as_micros() / SECOND >= ends })
}

/// Like [`read`], for permissions that are worth nothing once their time is over.
pub(crate) fn read_valid<T: DeserializeOwned>(
    store: &Store,
    purpose: Purpose,
    text: &str,
) -> Result<T, Problem> {
    let permit = read(store, purpose, text)?;
    if permit.is_over { Err(Problem::Expired) } else { Ok(permit.what) }
}
