//! Certificates of this server: who makes them, the router's first ones, and those that are not the router's: the
//! rendezvous's and Postgres's, renewed before they run out.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use certs::{Acme, Board, Issuer, Roots};
use dyno::Certificates;
use model::domain::Hostname;
use model::site::Site;
use router::Table;
use router::table::ControlRoute;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use store::{Store, StoreError, Topic};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::addons::Addons;
use crate::buckets;
use crate::ca::Ca;
use crate::config::ServerArgs;
use crate::layout::Layout;
use crate::server::CA_BUNDLE;

/// How often is looked whether one is to be renewed.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// The authorities that this machine trusts.
pub(crate) fn roots() -> Roots {
    Roots::from_pem(&fs::read_to_string(CA_BUNDLE).unwrap_or_default())
}

/// The router's first table: the control server's hosts, with a certificate.
pub(crate) fn first_table(ca: &Ca, site: &Site, layout: &Layout) -> Table {
    let hosts = site.control_hosts();
    let certificates = ca.certificates(&hosts.iter().cloned().collect());
    let control = Some(ControlRoute { hosts, socket: layout.control_socket() });
    Table { certificates, control, ..Table::default() }
}

/// What the stage of certificates works with.
///
/// # Errors
/// When no HTTP client can be made.
pub(crate) fn context(
    args: &ServerArgs,
    site: &Site,
    layout: &Layout,
    store: &Store,
    ca: &Ca,
) -> anyhow::Result<certs::Context> {
    // Loopback is never reached by way of a proxy.
    let local = reqwest::Client::builder().no_proxy().build().context("could not make an HTTP client")?;
    let board = Board::new(store.clone(), args.listen.first().copied(), local);
    let is_public = args.acme_directory.is_some() && !site.is_local();
    // Wildcards (buckets as host names) cannot be got over HTTP, and keep our own authority's.
    let hosts = site.control_hosts().into_iter().chain(buckets::route(layout, site).hosts);
    let own = hosts.filter(|host| !host.starts_with('*')).filter_map(|host| host.parse::<Hostname>().ok());
    let issuer: Arc<dyn Issuer> = match &args.acme_directory {
        Some(directory) => {
            let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
            let contact = args.acme_contact.as_ref().map(ToString::to_string);
            Arc::new(Acme::new(directory.clone(), contact, http.context("could not make an HTTP client")?))
        }
        None => Arc::new(ca.clone()),
    };
    Ok(certs::Context {
        store: store.clone(),
        issuer,
        board,
        roots: roots(),
        platform_hosts: if is_public { own.collect() } else { Vec::new() },
        app_hosts: is_public,
    })
}

/// The certificate of the rendezvous, where clients name no host.
pub(crate) struct Rendezvous {
    ca: Ca,
    hosts: BTreeSet<String>,
    api_host: Hostname,
    present: RwLock<Option<(String, Arc<CertifiedKey>)>>,
}

impl fmt::Debug for Rendezvous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendezvous").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Rendezvous {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
        present.as_ref().map(|(_, key)| Arc::clone(key))
    }
}

impl Rendezvous {
    /// With the certificate of this hour.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn new(ca: Ca, site: &Site, store: &Store) -> anyhow::Result<Arc<Self>> {
        let hosts = site.control_hosts().into_iter().collect();
        let rendezvous = Self { ca, hosts, api_host: site.api_host().parse()?, present: RwLock::new(None) };
        rendezvous.look(store).await?;
        Ok(Arc::new(rendezvous))
    }

    /// Takes TLS connections.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn acceptor(self: &Arc<Self>) -> anyhow::Result<TlsAcceptor> {
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Self>::clone(self));
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Presents what was got for the API's host; else what our own authority makes.
    async fn look(&self, store: &Store) -> anyhow::Result<()> {
        let host = self.api_host.clone();
        let got = store.read(move |tx| tx.automatic_certificate(&host)).await?;
        let (chain, key) = match got.and_then(|automatic| automatic.certificate) {
            Some(got) => (got.chain_pem, got.key_pem.expose_secret().to_owned()),
            None => {
                let own = self.ca.certificate("control", &self.hosts)?;
                (own.chain_pem, own.key_pem)
            }
        };
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        if present.as_ref().is_none_or(|(known, _)| *known != chain) {
            let ders = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>()?;
            let der = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
            let key = CertifiedKey::from_der(ders, der, &ring::default_provider())?;
            *present = Some((chain, Arc::new(key)));
        }
        Ok(())
    }
}

/// Renews what the router does not know, until `stop`.
///
/// # Errors
/// None of its own; what fails is logged and tried again.
pub(crate) async fn keep(
    store: Store,
    ca: Ca,
    rendezvous: Arc<Rendezvous>,
    addons: Addons,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    let mut wake = store.watch(&[Topic::Apps]);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = wake.changed_or_after(LOOK_EVERY) => {}
        }
        if let Err(error) = rendezvous.look(&store).await {
            error!(error = format!("{error:#}"), "could not renew the certificate for attached dynos");
        }
        if let Err(error) = addons.renew_certificate(&ca) {
            error!(error = format!("{error:#}"), "could not renew the certificate of Postgres");
        }
    }
}

#[cfg(test)]
mod tests;
