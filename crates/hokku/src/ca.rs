//! The platform's own certificate authority: made at first start, it vouches for every host of this server.
//!
//! Every host gets a certificate of its own, because Node refuses a wildcard directly below a one-label name such as
//! `localhost`. The key never leaves the data folder; `hokku trust` tells how to trust the authority.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use certs::{Board, IssueError, Issued, Issuer, Issuing, OWN_AUTHORITY};
use model::certificate::CertificateFacts;
use model::config_var::Secret;
use model::domain::Hostname;
use model::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use router::table::Certificate;
use store::Clock;
use tracing::error;

use crate::layout::write_secret;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long the authority is valid.
const CA_DAYS: u32 = 3650;
/// How long a host's certificate is valid; browsers refuse more than 398 days.
const LEAF_DAYS: u32 = 397;
/// A certificate is made anew when it has less than this left.
const RENEW_DAYS: u32 = 30;
/// Certificates are valid from a day ago, for clients whose clocks are slow.
const BACKDATE_DAYS: u32 = 1;

/// The authority.
#[derive(Clone)]
pub struct Ca {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    pem: String,
    issuer: rcgen::Issuer<'static, KeyPair>,
    clock: Clock,
    /// Hosts of the control server: they share one certificate, the one for clients that name no host.
    own_hosts: BTreeSet<String>,
    known: Mutex<BTreeMap<String, Kept>>,
}

/// A certificate in memory, with the time it was made.
#[derive(Clone)]
struct Kept {
    certificate: Certificate,
    made: Timestamp,
}

impl Ca {
    /// Opens the authority in `dir`, or makes it.
    ///
    /// # Errors
    /// When its files cannot be read or written.
    pub fn open(
        dir: &Path,
        own_hosts: impl IntoIterator<Item = String>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let (pem_path, key_path) = (dir.join("ca.pem"), dir.join("ca.key"));
        if !pem_path.exists() {
            let (pem, key) = make_authority(clock()).context("could not make the certificate authority")?;
            write_secret(&key_path, key.as_bytes()).context("could not keep the authority's key")?;
            fs::write(&pem_path, pem).context("could not keep the authority's certificate")?;
        }
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
        };
        let (pem, key) = (read(&pem_path)?, read(&key_path)?);
        let key = KeyPair::from_pem(&key).context("the authority's key is broken")?;
        let issuer =
            rcgen::Issuer::from_ca_cert_pem(&pem, key).context("the authority's certificate is broken")?;
        let own_hosts = own_hosts.into_iter().collect();
        let inner = Inner { dir: dir.to_owned(), pem, issuer, clock, own_hosts, known: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The authority's certificate, for those who are to trust it.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.inner.pem
    }

    /// A certificate for the given names, made once and then read back until it is about to expire.
    ///
    /// # Errors
    /// When it cannot be made or kept.
    pub fn certificate(&self, name: &str, hosts: &BTreeSet<String>) -> anyhow::Result<Certificate> {
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.inner.clock)();
        let fresh = |kept: &Kept| {
            now.since(kept.made) < DAY * (LEAF_DAYS - RENEW_DAYS) && kept.certificate.hosts.iter().eq(hosts)
        };
        if let Some(kept) = known.get(name).filter(|kept| fresh(kept)) {
            return Ok(kept.certificate.clone());
        }
        let kept = match self.read(name, hosts).filter(fresh) {
            Some(kept) => kept,
            None => self.make(name, hosts, now)?,
        };
        known.insert(name.to_owned(), kept.clone());
        Ok(kept.certificate)
    }

    /// What an earlier start made: `<name>.pem` holds the time, the key and the chain.
    fn read(&self, name: &str, hosts: &BTreeSet<String>) -> Option<Kept> {
        let text = fs::read_to_string(self.path(name)).ok()?;
        let (head, rest) = text.split_once('\n')?;
        let (made, names) = head.strip_prefix("made ")?.split_once(" for ")?;
        if !names.split(' ').eq(hosts.iter().map(String::as_str)) {
            return None;
        }
        let at = rest.find("-----BEGIN CERTIFICATE-----")?;
        let certificate = Certificate {
            hosts: hosts.iter().cloned().collect(),
            chain_pem: rest[at..].to_owned(),
            key_pem: rest[..at].to_owned(),
        };
        Some(Kept { certificate, made: made.parse().ok()? })
    }

    fn make(&self, name: &str, hosts: &BTreeSet<String>, now: Timestamp) -> anyhow::Result<Kept> {
        let (chain_pem, key_pem) = self.inner.sign(hosts, now)?;
        let certificate = Certificate { hosts: hosts.iter().cloned().collect(), chain_pem, key_pem };
        let names = certificate.hosts.join(" ");
        let text = format!("made {now} for {names}\n{}{}", certificate.key_pem, certificate.chain_pem);
        write_secret(&self.path(name), text.as_bytes()).context("could not keep a certificate")?;
        Ok(Kept { certificate, made: now })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.inner.dir.join(format!("{}.pem", name.replace('*', "_")))
    }
}

impl Inner {
    /// A new certificate, as chain and key in PEM.
    fn sign(&self, hosts: &BTreeSet<String>, now: Timestamp) -> anyhow::Result<(String, String)> {
        let key = KeyPair::generate().context("could not make a key")?;
        let mut params = CertificateParams::default();
        params.subject_alt_names = hosts.iter().map(|host| alt_name(host)).collect::<anyhow::Result<_>>()?;
        // The common name is for people only, and limited to 64 characters.
        params.distinguished_name = common_name("Hokku");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, now, LEAF_DAYS);
        let leaf = params.signed_by(&key, &self.issuer).context("could not sign a certificate")?;
        Ok((format!("{}{}", leaf.pem(), self.pem), key.serialize_pem()))
    }
}

impl dyno::Certificates for Ca {
    fn certificates(&self, hosts: &BTreeSet<String>) -> Vec<Certificate> {
        let own = self.certificate("control", &self.inner.own_hosts);
        let others = hosts.difference(&self.inner.own_hosts);
        let others =
            others.map(|host| self.certificate(&format!("host-{host}"), &BTreeSet::from([host.clone()])));
        [own].into_iter().chain(others).filter_map(|made| made.map_err(report).ok()).collect()
    }
}

/// Without an ACME authority, the certificates that users want to be got automatically are ours.
impl Issuer for Ca {
    fn issue<'a>(&'a self, host: &'a Hostname, _: &'a Board) -> Issuing<'a> {
        let made = self.inner.sign(&BTreeSet::from([host.to_string()]), (self.inner.clock)());
        let made = made.map(|(chain_pem, key)| Issued { chain_pem, key_pem: Secret::new(key) });
        let made = made.map_err(|error| IssueError::Unavailable(report(error).to_string()));
        Box::pin(std::future::ready(made))
    }

    fn does_wildcards(&self) -> bool {
        true
    }

    fn replaces(&self, _: &CertificateFacts) -> bool {
        false
    }
}

/// A host without a certificate is served with the platform's; that is better than no table at all.
fn report(error: anyhow::Error) -> anyhow::Error {
    error!(error = format!("{error:#}"), "could not make a certificate");
    error
}

fn make_authority(now: Timestamp) -> anyhow::Result<(String, String)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(OWN_AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, now, CA_DAYS);
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn alt_name(host: &str) -> anyhow::Result<SanType> {
    match host.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(host.try_into().with_context(|| format!("`{host}` is no DNS name"))?)),
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn set_validity(params: &mut CertificateParams, now: Timestamp, days: u32) {
    let second = now.as_micros().div_euclid(1_000_000);
    let date = |days: i64| {
        let at = Timestamp::from_micros((second + days * 86_400) * 1_000_000).to_api();
        let number = |range: std::ops::Range<usize>| at.get(range).and_then(|text| text.parse::<i32>().ok());
        let (year, month, day) = (number(0..4), number(5..7), number(8..10));
        let small = |number: Option<i32>| u8::try_from(number.unwrap_or(1)).unwrap_or(1);
        rcgen::date_time_ymd(year.unwrap_or(2026), small(month), small(day))
    };
    params.not_before = date(-i64::from(BACKDATE_DAYS));
    params.not_after = date(i64::from(days));
}

#[cfg(test)]
pub(crate) mod tests;
