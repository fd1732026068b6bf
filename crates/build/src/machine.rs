//! What build containers get of the machine's own settings: its certificates, and where it gets packages from. Nothing
//! else of the server's environment reaches them.

use std::fs;
use std::path::{Path, PathBuf};

use oci::spec::Bind;

/// Where Debian and most others keep all trusted certificates in one file; the stack has its own there.
const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const PIP_CONF: &str = "/etc/pip.conf";
/// Variables by which clients of package registries find the certificates.
const CA_VARIABLES: [&str; 7] = [
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
];
/// Variables of the server that say where packages come from; handed on as they are.
const PACKAGE_VARIABLES: [&str; 14] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "PIP_DEFAULT_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_HTTP_TIMEOUT",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// The machine's settings for package clients.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    ca_bundle: Option<PathBuf>,
    pip_conf: Option<PathBuf>,
    variables: Vec<(String, String)>,
}

impl Machine {
    /// Looks at the machine; `variable` gives a variable of the server's environment.
    pub fn look(variable: impl Fn(&str) -> Option<String>) -> Self {
        let there = |path: &str| Some(PathBuf::from(path)).filter(|path| path.is_file());
        let own_bundle = variable("SSL_CERT_FILE").map(PathBuf::from).filter(|path| path.is_file());
        let pip_conf = there(PIP_CONF);
        let set = PACKAGE_VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?)));
        let mut variables: Vec<(String, String)> = set.collect();
        let settings = pip_conf.as_deref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        variables.extend(for_uv(&variables, &settings));
        Self { ca_bundle: own_bundle.or_else(|| there(CA_BUNDLE)), pip_conf, variables }
    }

    /// The same with another file of trusted certificates.
    #[must_use]
    pub fn trusting(self, ca_bundle: PathBuf) -> Self {
        Self { ca_bundle: Some(ca_bundle), ..self }
    }

    /// The variables for a container.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let certificates = self.ca_bundle.iter().flat_map(|_| CA_VARIABLES);
        let certificates = certificates.map(|name| (name.to_owned(), CA_BUNDLE.to_owned()));
        certificates.chain(self.variables.iter().cloned()).collect()
    }

    /// The files for a container.
    pub(crate) fn binds(&self) -> Vec<Bind> {
        let places = [(&self.ca_bundle, CA_BUNDLE), (&self.pip_conf, PIP_CONF)];
        let there = places.into_iter().filter_map(|(source, target)| Some((source.as_deref()?, target)));
        there.map(|(source, target)| read_only(source, target)).collect()
    }
}

/// A file or folder of the machine that a container may read.
pub(crate) fn read_only(source: &Path, target: impl Into<PathBuf>) -> Bind {
    Bind { source: source.to_owned(), target: target.into(), read_only: true, mapped: false }
}

/// uv reads none of pip's settings: tells it the same indexes, unless it was told its own.
fn for_uv(set: &[(String, String)], pip_conf: &str) -> Vec<(String, String)> {
    let find = |name: &str| set.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let configured = |key: &str| {
        let value =
            pip_conf.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == key);
        value.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let mut told = Vec::new();
    if find("UV_DEFAULT_INDEX").or_else(|| find("UV_INDEX_URL")).is_none()
        && let Some(index) = find("PIP_INDEX_URL").or_else(|| configured("index-url"))
    {
        told.push(("UV_DEFAULT_INDEX".to_owned(), index));
    }
    if find("UV_EXTRA_INDEX_URL").is_none()
        && let Some(index) = find("PIP_EXTRA_INDEX_URL").or_else(|| configured("extra-index-url"))
    {
        told.push(("UV_EXTRA_INDEX_URL".to_owned(), index));
    }
    told
}

#[cfg(test)]
mod tests;
