//! Reads certificate chains and private keys, and tells what is wrong with them in words for the user who brought them.

use std::sync::Arc;
use std::time::Duration;

use model::certificate::{CHAIN_BYTES_MAX, Certificate, CertificateFacts, KEY_BYTES_MAX};
use model::config_var::Secret;
use model::time::Timestamp;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::objects::oid2abbrev;
use x509_parser::oid_registry::OidRegistry;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

/// Most certificates of one chain.
const CERTIFICATES_MAX: usize = 10;
/// Most host names of one certificate (Let's Encrypt: 100).
const NAMES_MAX: usize = 500;
/// Longest issuer or subject shown, in characters.
const NAME_CHARS_MAX: usize = 300;

/// The authorities that this machine trusts.
#[derive(Debug, Clone)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Reads a bundle in PEM; what cannot be used in it is left out.
    #[must_use]
    pub fn from_pem(bundle: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(
            CertificateDer::pem_slice_iter(bundle.as_bytes()).filter_map(Result::ok),
        );
        Self(Arc::new(roots))
    }

    fn trusts(&self, chain: &[CertificateDer<'_>], name: &str, now: Timestamp) -> bool {
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.0), provider);
        let Ok(verifier) = builder.build() else { return false };
        let name = ServerName::try_from(name.replacen('*', "any", 1));
        let since = Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or_default());
        let (Ok(name), Some((first, others))) = (name, chain.split_first()) else { return false };
        verifier.verify_server_cert(first, others, &name, &[], UnixTime::since_unix_epoch(since)).is_ok()
    }
}

/// What is wrong with a certificate or its key. The texts are for the user who brought them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// Over [`CHAIN_BYTES_MAX`].
    #[error("The certificate chain is too long: {found} bytes, at most {CHAIN_BYTES_MAX}.")]
    ChainTooLong {
        /// Its bytes.
        found: usize,
    },
    /// Over [`KEY_BYTES_MAX`].
    #[error("The private key is too long: {found} bytes, at most {KEY_BYTES_MAX}.")]
    KeyTooLong {
        /// Its bytes.
        found: usize,
    },
    /// Nothing like a certificate.
    #[error(
        "No certificate was found. It must be in PEM: text that begins with -----BEGIN CERTIFICATE-----."
    )]
    NoCertificate,
    /// More than a chain has.
    #[error("The chain has {found} certificates, at most {CERTIFICATES_MAX}.")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// Broken PEM or DER.
    #[error("Certificate {number} of the chain cannot be read. Was it copied whole?")]
    Unreadable {
        /// Which, from 1.
        number: usize,
    },
    /// Nothing like a key.
    #[error(
        "No private key was found. It must be in PEM: text that begins with -----BEGIN PRIVATE KEY-----."
    )]
    NoKey,
    /// The key needs a passphrase.
    #[error(
        "The private key is protected by a passphrase. Remove it first: openssl pkey -in example.key -out plain.key"
    )]
    LockedKey,
    /// The key is of a kind or size that cannot be used.
    #[error("The private key cannot be used. Use RSA with 2048 to 4096 bits, or ECDSA with P-256 or P-384.")]
    UnusableKey,
    /// The key is that of nobody in the chain.
    #[error("The private key does not belong to the certificate for {names}.")]
    KeyMismatch {
        /// The first certificate's host names.
        names: String,
    },
    /// The certificate of the key is not the first.
    #[error(
        "The chain is not in order: the private key belongs to certificate {number}, which must be the first. After \
         it comes the certificate that signed it, and so on."
    )]
    NotFirst {
        /// Where it is, from 1.
        number: usize,
    },
    /// A certificate did not sign the one before it.
    #[error(
        "The chain is not in order: certificate {number} ({subject}) did not sign the one before it, which was signed \
         by {issuer}."
    )]
    NotInOrder {
        /// Which, from 1.
        number: usize,
        /// Whose it is.
        subject: String,
        /// Whose should be there.
        issuer: String,
    },
    /// Its time is over.
    #[error("The certificate expired at {at}.")]
    Expired {
        /// When.
        at: String,
    },
    /// Its time has not come.
    #[error("The certificate is not valid before {at}.")]
    TooEarly {
        /// When it begins.
        at: String,
    },
    /// It is for no host.
    #[error("The certificate names no host: it has no subject alternative names of kind DNS.")]
    NoNames,
}

/// Reads and checks what a user brought: the chain in order, the key of its first certificate, in time, for some host.
///
/// # Errors
/// [`BadCertificate`] says what is wrong.
pub fn check(
    chain_pem: &str,
    key_pem: &str,
    roots: &Roots,
    now: Timestamp,
) -> Result<Certificate, BadCertificate> {
    if key_pem.len() > KEY_BYTES_MAX {
        return Err(BadCertificate::KeyTooLong { found: key_pem.len() });
    }
    let ders = ders(chain_pem)?;
    let chain = parsed(&ders)?;
    let Some(first) = chain.first() else { return Err(BadCertificate::NoCertificate) };
    let names = names(first);
    check_key(key_pem, &chain, &names)?;
    check_order(&chain)?;
    let facts = facts(first, names, &ders, roots, now);
    if facts.names.is_empty() {
        return Err(BadCertificate::NoNames);
    }
    if facts.expires_at <= now {
        return Err(BadCertificate::Expired { at: facts.expires_at.to_api() });
    }
    if facts.starts_at > now {
        return Err(BadCertificate::TooEarly { at: facts.starts_at.to_api() });
    }
    // Only what was understood is kept: no text around it, and nothing of the key's file but the key.
    let chain_pem = ders.iter().map(|der| pem("CERTIFICATE", der)).collect();
    Ok(Certificate { chain_pem, key_pem: Secret::new(key_pem.trim().to_owned() + "\n"), facts })
}

/// What an authority's answer says.
///
/// # Errors
/// [`BadCertificate`] when it cannot be read.
pub(crate) fn describe(
    chain_pem: &str,
    roots: &Roots,
    now: Timestamp,
) -> Result<CertificateFacts, BadCertificate> {
    let ders = ders(chain_pem)?;
    let chain = parsed(&ders)?;
    let Some(first) = chain.first() else { return Err(BadCertificate::NoCertificate) };
    Ok(facts(first, names(first), &ders, roots, now))
}

fn ders(chain_pem: &str) -> Result<Vec<CertificateDer<'static>>, BadCertificate> {
    if chain_pem.len() > CHAIN_BYTES_MAX {
        return Err(BadCertificate::ChainTooLong { found: chain_pem.len() });
    }
    let mut ders = Vec::new();
    for der in CertificateDer::pem_slice_iter(chain_pem.as_bytes()) {
        ders.push(der.map_err(|_| BadCertificate::Unreadable { number: ders.len() + 1 })?);
    }
    match ders.len() {
        0 => Err(BadCertificate::NoCertificate),
        found if found > CERTIFICATES_MAX => Err(BadCertificate::TooMany { found }),
        _ => Ok(ders),
    }
}

fn parsed<'a>(ders: &'a [CertificateDer<'_>]) -> Result<Vec<X509Certificate<'a>>, BadCertificate> {
    let parse = |(index, der): (usize, &'a CertificateDer<'_>)| {
        let parsed = X509Certificate::from_der(der.as_ref());
        parsed
            .map(|(_, certificate)| certificate)
            .map_err(|_| BadCertificate::Unreadable { number: index + 1 })
    };
    ders.iter().enumerate().map(parse).collect()
}

fn check_key(key_pem: &str, chain: &[X509Certificate<'_>], names: &[String]) -> Result<(), BadCertificate> {
    if key_pem.contains("ENCRYPTED") {
        return Err(BadCertificate::LockedKey);
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| BadCertificate::NoKey)?;
    let key = ring::default_provider().key_provider.load_private_key(key);
    let public = key.map_err(|_| BadCertificate::UnusableKey)?;
    let public = public.public_key().ok_or(BadCertificate::UnusableKey)?;
    let is_its = |certificate: &X509Certificate<'_>| certificate.public_key().raw == public.as_ref();
    match chain.iter().position(is_its) {
        Some(0) => Ok(()),
        Some(index) => Err(BadCertificate::NotFirst { number: index + 1 }),
        None => Err(BadCertificate::KeyMismatch { names: listed(names) }),
    }
}

fn check_order(chain: &[X509Certificate<'_>]) -> Result<(), BadCertificate> {
    for (index, pair) in chain.windows(2).enumerate() {
        let [signed, signer] = pair else { continue };
        let is_named = signed.issuer().as_raw() == signer.subject().as_raw();
        if !is_named || signed.verify_signature(Some(signer.public_key())).is_err() {
            let (subject, issuer) = (shown(signer.subject()), shown(signed.issuer()));
            return Err(BadCertificate::NotInOrder { number: index + 2, subject, issuer });
        }
    }
    Ok(())
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let all = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    let hosts = all.filter_map(|name| match name {
        GeneralName::DNSName(host) => Some(host.to_ascii_lowercase()),
        _ => None,
    });
    hosts.take(NAMES_MAX).collect()
}

fn facts(
    first: &X509Certificate<'_>,
    names: Vec<String>,
    chain: &[CertificateDer<'_>],
    roots: &Roots,
    now: Timestamp,
) -> CertificateFacts {
    let at = |second: i64| Timestamp::from_micros(second.saturating_mul(1_000_000));
    let validity = first.validity();
    CertificateFacts {
        trusted: names.first().is_some_and(|name| roots.trusts(chain, name, now)),
        names,
        issuer: shown(first.issuer()),
        subject: shown(first.subject()),
        starts_at: at(validity.not_before.timestamp()),
        expires_at: at(validity.not_after.timestamp()),
    }
}

/// `/C=US/O=Example/CN=www.example.com`, as Heroku shows names.
fn shown(name: &X509Name<'_>) -> String {
    let registry = OidRegistry::default().with_x509();
    let parts = name.iter_attributes().map(|part| {
        let kind = oid2abbrev(part.attr_type(), &registry)
            .map_or_else(|_| part.attr_type().to_id_string(), str::to_owned);
        format!("/{kind}={}", part.as_str().unwrap_or("?"))
    });
    let text: String = parts.collect();
    text.chars().filter(|letter| !letter.is_control()).take(NAME_CHARS_MAX).collect()
}

/// Names in a sentence.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "no host".to_owned() } else { names.join(", ") }
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests;
