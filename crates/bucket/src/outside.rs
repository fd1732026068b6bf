//! Objects in an S3 that somebody else runs: one bucket there, and in it a folder (a beginning of names) for each of ours.
//!
//! ```text
//!  app ──its own keys──► front ─► s3s ─► door ─► operations ─► Remote ──our keys──► outside S3
//! ```
//! Apps never learn its address or keys. Both ways bytes are passed on as they come. A name that a path could be made to
//! leave its folder with (`.` or `..` between slashes) is refused, because not every S3 takes names for what they are.

mod answers;
mod client;
mod ledger;
mod remote;
mod sign;
mod upload;

use std::time::Duration;

use model::config_var::Secret;

pub(crate) use client::Outside;
pub(crate) use remote::Remote;

/// What the check at the start writes, and removes.
const PROBE: &str = ".hokku-probe";
/// How long that check may take.
const CHECK_WITHIN: Duration = Duration::from_secs(20);

/// An outside S3, and the keys that open it.
#[derive(Debug, Clone)]
pub struct OutsideConfig {
    /// `https://ENDPOINT/BUCKET`, or `https://ENDPOINT/BUCKET/FOLDER`; `http://` as well.
    pub url: String,
    /// The region that signatures are made for.
    pub region: String,
    /// The public half of the key pair.
    pub access_key: String,
    /// The secret half.
    pub secret_key: Secret,
}

/// Why an outside S3 cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// The address is none.
    #[error(
        "{url:?} is no address of a bucket: expected https://ENDPOINT/BUCKET or https://ENDPOINT/BUCKET/FOLDER, without keys"
    )]
    Url {
        /// As it was given.
        url: String,
    },
    /// There is no HTTP client.
    #[error("this platform has no HTTP client")]
    NoClient(#[source] reqwest::Error),
    /// It does not answer, or not now.
    #[error("the outside S3 at {url} does not answer ({why})")]
    Away {
        /// Where.
        url: String,
        /// What was seen.
        why: String,
    },
    /// It answers, and refuses us.
    #[error(
        "the outside S3 at {url} refuses to {doing}: {why}. Check the address, the region, and the keys' rights"
    )]
    Refused {
        /// Where.
        url: String,
        /// Which of the rights that are needed.
        doing: &'static str,
        /// What it says.
        why: String,
    },
}

impl OutsideConfig {
    /// Looks whether names can be listed there, and an object written and removed.
    ///
    /// # Errors
    /// [`OutsideError::Away`] when it does not answer; anything else has to be mended by whoever runs this platform.
    pub async fn check(self, clock: crate::Clock) -> Result<(), OutsideError> {
        let url = self.url.clone();
        let outside = Outside::new(self, clock)?;
        let checked = tokio::time::timeout(CHECK_WITHIN, outside.check(PROBE)).await;
        checked.unwrap_or_else(|_| {
            Err(OutsideError::Away { url, why: format!("silent for {} seconds", CHECK_WITHIN.as_secs()) })
        })
    }
}
