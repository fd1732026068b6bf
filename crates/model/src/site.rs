//! Where the platform is reached: every public address is made here, so that faces agree on them.

use std::net::IpAddr;

use crate::app::AppName;
use crate::domain::{Hostname, NotAHostname};
use crate::id::DomainId;

/// The platform's domain and ports.
///
/// On a laptop the domain is `localhost`, and API and git answer at the bare name, because the official CLI takes
/// `HEROKU_HOST=https://localhost:PORT` as both. On a real domain they are `api.<domain>` and `git.<domain>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The domain under which apps live.
    pub domain: Hostname,
    /// The public port of HTTPS (and, on a laptop, of HTTP as well).
    pub port: u16,
    /// The port of the rendezvous listener for attached dynos.
    pub rendezvous_port: u16,
}

/// HTTPS's own port, left out of URLs.
const HTTPS: u16 = 443;

impl Site {
    /// Whether this is a machine reached only by itself.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let name = self.domain.as_str();
        name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
    }

    /// The platform's host name for an app.
    ///
    /// # Errors
    /// When domain and name together are longer than a host name may be.
    pub fn app_host(&self, app: &AppName) -> Result<Hostname, NotAHostname> {
        format!("{app}.{}", self.domain).parse()
    }

    /// What the DNS entry of a custom domain should point at: a name of its own that outlives renamings of the app. It
    /// leads to this machine like every name below [`Site::domain`].
    #[must_use]
    pub fn dns_target(&self, domain: DomainId) -> String {
        format!("{}.dns.{}", AppName::generated(domain.as_u128() as u64), self.domain)
    }

    /// The host that serves the API.
    #[must_use]
    pub fn api_host(&self) -> String {
        self.own_host("api")
    }

    /// The host that serves git.
    #[must_use]
    pub fn git_host(&self) -> String {
        self.own_host("git")
    }

    /// The host that serves the web pages: its own one everywhere, so that its cookies go nowhere else.
    #[must_use]
    pub fn dashboard_host(&self) -> String {
        format!("dashboard.{}", self.domain)
    }

    /// The host that serves buckets: one and the same for browsers, dynos and command lines.
    #[must_use]
    pub fn bucket_host(&self) -> String {
        format!("s3.{}", self.domain)
    }

    /// The URL below which buckets are, without a slash at its end.
    #[must_use]
    pub fn bucket_url(&self) -> String {
        self.url(&self.bucket_host(), "")
    }

    /// Every host name that the control server answers itself.
    #[must_use]
    pub fn control_hosts(&self) -> Vec<String> {
        let own =
            ["api", "git", "dashboard", "data", "login"].map(|name| format!("{}.{}", name, self.domain));
        let mut hosts = vec![self.domain.to_string()];
        hosts.extend(own);
        if self.is_local() {
            hosts.push("127.0.0.1".to_owned());
        }
        hosts
    }

    /// `https://<app>.<domain>/`, what `heroku open` opens.
    #[must_use]
    pub fn web_url(&self, app: &AppName) -> String {
        self.url(&format!("{app}.{}", self.domain), "/")
    }

    /// The URL of an app's git repository.
    #[must_use]
    pub fn git_url(&self, app: &AppName) -> String {
        self.url(&self.git_host(), &format!("/{app}.git"))
    }

    /// A URL of the API host; `path` begins with `/`.
    #[must_use]
    pub fn api_url(&self, path: &str) -> String {
        self.url(&self.api_host(), path)
    }

    /// A URL of the web pages; `path` begins with `/`.
    #[must_use]
    pub fn dashboard_url(&self, path: &str) -> String {
        self.url(&self.dashboard_host(), path)
    }

    /// Where a client attaches to a one-off dyno (cli-contract: the port must be there).
    #[must_use]
    pub fn rendezvous_url(&self, secret: &str) -> String {
        format!("rendezvous://{}:{}/{secret}", self.api_host(), self.rendezvous_port)
    }

    fn own_host(&self, name: &str) -> String {
        if self.is_local() { self.domain.to_string() } else { format!("{name}.{}", self.domain) }
    }

    fn url(&self, host: &str, path: &str) -> String {
        let port = if self.port == HTTPS { String::new() } else { format!(":{}", self.port) };
        format!("https://{host}{port}{path}")
    }
}

#[cfg(test)]
mod tests;
