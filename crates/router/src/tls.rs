//! Certificates: which one is presented to whom. The private keys stay in here.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::host;
use crate::table::Certificate;

/// A certificate of a table cannot be used; the others are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("the certificate for {hosts} has an unreadable chain")]
    Chain {
        hosts: String,
        #[source]
        cause: rustls_pki_types::pem::Error,
    },
    #[error("the certificate for {hosts} has no certificate in its chain")]
    Empty { hosts: String },
    #[error("the certificate for {hosts} has an unreadable private key")]
    Key {
        hosts: String,
        #[source]
        cause: rustls_pki_types::pem::Error,
    },
    #[error("the certificate for {hosts} and its private key do not fit")]
    Mismatch {
        hosts: String,
        #[source]
        cause: rustls::Error,
    },
}

/// Chooses by server name: the exact host, then a wildcard; without a name, the first certificate.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    // Locked once per handshake and once per table.
    present: RwLock<Arc<Index>>,
}

#[derive(Default)]
struct Index {
    from: Vec<Certificate>,
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// Keyed by what follows `*.`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    first: Option<Arc<CertifiedKey>>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Uses these certificates for handshakes from now on; those that cannot be used are returned as errors.
    pub(crate) fn replace(&self, certificates: &[Certificate]) -> Vec<CertificateError> {
        if self.index().from == certificates {
            return Vec::new();
        }
        let mut index = Index { from: certificates.to_vec(), ..Index::default() };
        let mut errors = Vec::new();
        for certificate in certificates {
            match load(certificate) {
                Ok(key) => index.add(&certificate.hosts, &Arc::new(key)),
                Err(error) => errors.push(error),
            }
        }
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
        errors
    }

    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Index {
    fn add(&mut self, hosts: &[String], key: &Arc<CertifiedKey>) {
        self.first.get_or_insert_with(|| Arc::clone(key));
        for host in hosts {
            let host = host.to_ascii_lowercase();
            match host.strip_prefix("*.") {
                Some(parent) => self.wildcard.insert(parent.to_owned(), Arc::clone(key)),
                None => self.exact.insert(host, Arc::clone(key)),
            };
        }
    }

    fn find(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        // A name that nothing fits gets the first one too: the client then says what is wrong with it, where
        // an aborted handshake would not.
        let named = name.map(str::to_ascii_lowercase).and_then(|name| {
            self.exact.get(&name).or_else(|| self.wildcard.get(host::parent(&name)?)).cloned()
        });
        named.or_else(|| self.first.clone())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.index().find(hello.server_name())
    }
}

fn load(certificate: &Certificate) -> Result<CertifiedKey, CertificateError> {
    let hosts = || certificate.hosts.join(", ");
    let chain = CertificateDer::pem_slice_iter(certificate.chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| CertificateError::Chain { hosts: hosts(), cause })?;
    if chain.is_empty() {
        return Err(CertificateError::Empty { hosts: hosts() });
    }
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes())
        .map_err(|cause| CertificateError::Key { hosts: hosts(), cause })?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|cause| CertificateError::Mismatch { hosts: hosts(), cause })
}

/// TLS 1.2 and 1.3, HTTP/1.1, session resumption within this process.
pub(crate) fn server_config(certificates: Arc<Certificates>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = ring::Ticketer::new()?;
    Ok(config)
}

#[cfg(test)]
mod tests;
