//! Log drains: addresses that get a copy of an app's log.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::config_var::Secret;
use crate::id::{AppId, DrainId};
use crate::time::Timestamp;

/// Most drains of one app (Heroku: 5).
pub const DRAINS_PER_APP_MAX: usize = 5;
/// Longest URL of a drain, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// The port of syslog when a URL names none.
const SYSLOG_PORT: u16 = 514;
/// The port of syslog over TLS when a URL names none (RFC 5425).
const SYSLOG_TLS_PORT: u16 = 6_514;

/// A drain of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Its id.
    pub id: DrainId,
    /// Whose log it gets.
    pub app: AppId,
    /// Where to.
    pub url: DrainUrl,
    /// `d.<uuid>`: what names it to its receiver.
    pub token: String,
    /// The id of the last log line that needs no more care; none before it ran for the first time.
    pub cursor: Option<u64>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How lines are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrainKind {
    /// Frames of many lines, posted over HTTP or HTTPS.
    Http,
    /// Octet-counted syslog over TCP.
    Syslog,
    /// The same over TLS.
    SyslogTls,
}

/// The URL of a drain. It may hold a password, so it is shown only to who may see the app.
#[derive(Clone, PartialEq, Eq)]
pub struct DrainUrl {
    text: Secret,
    kind: DrainKind,
    host: String,
    port: u16,
}

/// A text that cannot be a drain's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDrainUrl {
    /// It is no URL.
    #[error("Url is invalid: give one such as https://user:password@host/path or syslog+tls://host:port")]
    NotAUrl,
    /// Its scheme is none of ours.
    #[error("Url is invalid: a drain is reached by https://, http://, syslog+tls:// or syslog://")]
    Scheme,
    /// It names no host.
    #[error("Url is invalid: it names no host")]
    NoHost,
    /// It is too long.
    #[error("Url is too long (maximum is {URL_BYTES_MAX} bytes)")]
    TooLong,
}

impl DrainUrl {
    /// How lines are sent to it.
    #[must_use]
    pub const fn kind(&self) -> DrainKind {
        self.kind
    }

    /// Its host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The whole URL as it was given, password included. The name is long so that each use is looked at.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.text.expose_secret()
    }

    /// The URL without user, password, path and query: fit for everybody's eyes.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = self.expose_secret().split("://").next().unwrap_or_default();
        format!("{}://{}:{}", scheme.to_ascii_lowercase(), self.host, self.port)
    }
}

impl fmt::Debug for DrainUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DrainUrl").field(&self.address()).finish()
    }
}

impl FromStr for DrainUrl {
    type Err = BadDrainUrl;

    fn from_str(text: &str) -> Result<Self, BadDrainUrl> {
        if text.len() > URL_BYTES_MAX {
            return Err(BadDrainUrl::TooLong);
        }
        // Parsers drop these without a word; what is stored must be what is meant.
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(BadDrainUrl::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| BadDrainUrl::NotAUrl)?;
        let (kind, port) = match url.scheme() {
            "https" => (DrainKind::Http, 443),
            "http" => (DrainKind::Http, 80),
            "syslog" => (DrainKind::Syslog, SYSLOG_PORT),
            "syslog+tls" => (DrainKind::SyslogTls, SYSLOG_TLS_PORT),
            _ => return Err(BadDrainUrl::Scheme),
        };
        let host = url.host_str().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(BadDrainUrl::NoHost);
        }
        let port = url.port().unwrap_or(port);
        if port == 0 {
            return Err(BadDrainUrl::NotAUrl);
        }
        Ok(Self { text: Secret::new(text.to_owned()), kind, host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests;
