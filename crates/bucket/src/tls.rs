//! The certificate for clients that come without the router, read again when its files change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::{error, info};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("could not read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{} is no certificate or key in PEM", .path.display())]
    Pem {
        path: PathBuf,
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    #[error("the certificate and its key do not fit")]
    Mismatch(#[source] rustls::Error),
}

/// The certificate of now.
#[derive(Debug)]
pub(crate) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    present: RwLock<(Vec<u8>, Arc<CertifiedKey>)>,
}

impl Certificate {
    pub(crate) fn read(chain: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let present = RwLock::new(load(chain, key)?);
        Ok(Arc::new(Self { chain: chain.to_owned(), key: key.to_owned(), present }))
    }

    /// What a listener uses.
    pub(crate) fn server(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Mismatch)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Takes up new files, for ever.
    pub(crate) async fn watch(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match load(&self.chain, &self.key) {
                Ok(read) => {
                    let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
                    if present.0 != read.0 {
                        info!("the certificate is a new one");
                        *present = read;
                    }
                }
                Err(error) => {
                    error!(error = &error as &dyn std::error::Error, "the certificate stays the old one");
                }
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner).1))
    }
}

fn load(chain: &Path, key: &Path) -> Result<(Vec<u8>, Arc<CertifiedKey>), TlsError> {
    let read = |path: &Path| fs::read(path).map_err(|cause| TlsError::Read { path: path.to_owned(), cause });
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |cause| TlsError::Pem { path, cause }
    };
    let (chain_pem, key_pem) = (read(chain)?, read(key)?);
    let certificates =
        CertificateDer::pem_slice_iter(&chain_pem).collect::<Result<Vec<_>, _>>().map_err(pem(chain))?;
    let private = PrivateKeyDer::from_pem_slice(&key_pem).map_err(pem(key))?;
    let certified = CertifiedKey::from_der(certificates, private, &ring::default_provider());
    Ok((chain_pem, Arc::new(certified.map_err(TlsError::Mismatch)?)))
}
