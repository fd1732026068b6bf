//! Which server a command talks to, as whom, and how that server is trusted.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::credentials::Credentials;
use crate::words::Problem;
use crate::{Env, LocalServer};

/// Where machines keep the certificates that they trust: Debian and Alpine, Red Hat, macOS and BSD.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// A server, before it is asked anything.
#[derive(Clone)]
pub(crate) struct Server {
    /// Its API, without a slash at the end.
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    trust: Trust,
}

/// How a server is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trust {
    /// By these certificates, in PEM.
    Own(String),
    /// By those in this file.
    File(PathBuf),
    /// By those of the machine.
    Machine,
}

impl Server {
    /// The server that is meant: the one named, else the one logged in to last, else the one of this machine.
    pub(crate) fn choose(env: &Env, named: Option<&str>, logins: &Credentials) -> Result<Self, Problem> {
        let var = |name: &str| (env.var)(name).filter(|value| !value.is_empty());
        let named =
            named.map(str::to_owned).or_else(|| var("HOKKU_SERVER")).or_else(|| logins.default.clone());
        let named = named.map(|url| normal(&url));
        let login = named.as_ref().and_then(|url| logins.servers.get(url));
        let local = match (&named, login) {
            (Some(_), Some(_)) => None,
            (Some(url), None) => (env.local)().filter(|local| local.url == *url),
            (None, _) => (env.local)(),
        };
        let local_token = local.as_ref().and_then(|local| local.token.clone());
        let token = var("HOKKU_API_KEY").or_else(|| login.map(|login| login.token.clone())).or(local_token);
        let own =
            login.and_then(|login| login.ca_pem.clone()).or_else(|| local.as_ref().map(LocalServer::ca));
        let trust = match (var("HOKKU_CA"), own) {
            (Some(file), _) => Trust::File(file.into()),
            (None, Some(pem)) => Trust::Own(pem),
            (None, None) => Trust::Machine,
        };
        let url = named.or_else(|| local.map(|local| local.url)).ok_or(Problem::NoServer)?;
        Ok(Self { url, token, trust })
    }

    /// The certificates to trust, in PEM.
    pub(crate) fn ca_pem(&self) -> anyhow::Result<String> {
        if !self.url.starts_with("https:") {
            return Ok(String::new());
        }
        match &self.trust {
            Trust::Own(pem) => Ok(pem.clone()),
            Trust::File(file) => read(file),
            Trust::Machine => {
                let found = BUNDLES.iter().map(Path::new).find(|file| file.exists());
                read(found.ok_or(Problem::NoCertificates)?)
            }
        }
    }

    /// Certificates that others than this program must be told to trust, in PEM.
    pub(crate) fn own_ca_pem(&self) -> anyhow::Result<Option<String>> {
        if self.trust == Trust::Machine { Ok(None) } else { self.ca_pem().map(Some) }
    }

    /// A client for it, as who is logged in.
    pub(crate) fn client(&self) -> anyhow::Result<wire::Client> {
        let token = self.token.as_deref().ok_or_else(|| Problem::NotLoggedIn { url: self.url.clone() })?;
        Ok(wire::Client::new(&self.url, Some(token), &self.ca_pem()?)?)
    }

    /// Host and port of the server's git: `git.` where the API is `api.`, else the same.
    pub(crate) fn git_host(&self) -> String {
        let host = host(&self.url);
        host.strip_prefix("api.").map_or_else(|| host.to_owned(), |domain| format!("git.{domain}"))
    }
}

impl LocalServer {
    fn ca(&self) -> String {
        self.ca_pem.clone()
    }
}

/// Host and port of a URL.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// A URL as it is kept: with a scheme, without a slash at the end.
fn normal(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    if url.contains("://") { url.to_owned() } else { format!("https://{url}") }
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("could not read the certificates in {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::{Server, Trust, host, normal};

    #[test]
    fn urls_are_kept_in_one_form() {
        for url in ["https://api.example.com/", "api.example.com", " https://api.example.com "] {
            assert_eq!(normal(url), "https://api.example.com");
        }
        assert_eq!(normal("http://localhost:5080"), "http://localhost:5080");
    }

    #[test]
    fn git_is_beside_the_api() {
        let git_host =
            |url: &str| Server { url: url.to_owned(), token: None, trust: Trust::Machine }.git_host();
        assert_eq!(git_host("https://api.example.com"), "git.example.com");
        assert_eq!(git_host("https://api.example.com:8443"), "git.example.com:8443");
        assert_eq!(git_host("https://localhost:5443"), "localhost:5443");
        assert_eq!(host("https://heroku:secret@localhost:5443/app.git"), "localhost:5443");
    }
}
