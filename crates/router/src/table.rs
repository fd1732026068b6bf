//! The routing table as the control server publishes it: which host leads where, and with which certificate.
//!
//! It is one whole value, replaced at once: there are no edits, so a lost message cannot leave half a truth.
//! What the workers use is the indexed form in `snapshot`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use model::id::AppId;
use serde::{Deserialize, Serialize};

use crate::saved;

/// Everything the router knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Table {
    /// Grows with every publication; it only names the table, the newest published one always wins.
    pub generation: u64,
    /// Host name in lower case (`app.example.com`, or `*.example.com` for one label) to what serves it.
    #[serde(default)]
    pub routes: BTreeMap<String, Route>,
    /// The hosts of the control server itself; they come before `routes`.
    #[serde(default)]
    pub control: Option<ControlRoute>,
    /// Other services of the platform with hosts of their own; they come before `routes` too.
    #[serde(default)]
    pub services: Vec<ControlRoute>,
    /// Certificates; the first also serves clients that send no server name.
    #[serde(default)]
    pub certificates: Vec<Certificate>,
    /// What to answer to a certificate authority that looks whether a host is ours: the token of a path
    /// `/.well-known/acme-challenge/<token>` to the answer, for every host (RFC 8555 §8.3).
    #[serde(default)]
    pub challenges: BTreeMap<String, String>,
}

impl Table {
    /// Writes the table where a router that starts looks for its last one, unless there is one: so that its very first
    /// connection finds a certificate.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_first(&self, at: &Path) -> io::Result<()> {
        if at.exists() { Ok(()) } else { saved::save(at, self).map_err(io::Error::other) }
    }
}

/// One host's app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The app, under which access lines are written.
    #[serde(with = "as_text")]
    pub app_id: AppId,
    /// The app's name, for our own messages.
    pub app_name: String,
    /// What there is to serve it.
    pub state: RouteState,
    /// Maintenance mode: every request gets H80.
    #[serde(default)]
    pub maintenance: bool,
    /// `ERROR_PAGE_URL`: shown in a frame on router-made error pages.
    #[serde(default)]
    pub error_page_url: Option<String>,
    /// `MAINTENANCE_PAGE_URL`: shown in a frame in maintenance mode.
    #[serde(default)]
    pub maintenance_page_url: Option<String>,
}

/// What serves an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteState {
    /// These web dynos are up; requests go to one at random.
    Serving {
        /// The dynos; an empty list is treated as [`RouteState::Starting`].
        dynos: Vec<Upstream>,
    },
    /// No web dyno is up yet: requests wait (at most 75 s, then H20).
    Starting,
    /// All web dynos have crashed (H10).
    Crashed,
    /// The app has no web process, or is scaled to none (H14).
    NoWebProcess,
    /// Nothing was ever released (H81).
    Blank,
}

/// One web dyno.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// As in the access line: `web.1`.
    pub name: String,
    /// Where it listens (its `$PORT`).
    pub addr: SocketAddr,
}

/// A part of the platform that serves HTTP itself: the control server (API, git, dashboard), or the buckets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRoute {
    /// Its hosts in lower case: `api.example.com`, `git.example.com`, `127.0.0.1`; `*.` patterns work too.
    pub hosts: Vec<String>,
    /// The unix socket where it speaks plain HTTP/1.1; it also tells the parts apart.
    pub socket: PathBuf,
}

/// One certificate with its private key; the key is not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Host names it is presented for, in lower case; `*.` patterns work.
    pub hosts: Vec<String>,
    /// The chain in PEM, the host's own certificate first.
    pub chain_pem: String,
    /// The private key in PEM (PKCS#8, PKCS#1 or SEC1).
    pub key_pem: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hosts, chain_pem, key_pem: _ } = self;
        f.debug_struct("Certificate")
            .field("hosts", hosts)
            .field("chain_pem_bytes", &chain_pem.len())
            .field("key_pem", &"[redacted]")
            .finish()
    }
}

/// `AppId` as its usual text; the words in `model` know no serialisation.
mod as_text {
    use model::id::AppId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(id: &AppId, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AppId, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
