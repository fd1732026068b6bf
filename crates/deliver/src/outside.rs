//! The way out: which addresses users may have the platform speak to, and whose certificates it trusts.
//!
//! A URL comes from a user, and the server stands where the user does not: beside Postgres, the control sockets of other
//! programs, a cloud's metadata address. So each connection, and not only the URL, is checked: a name is looked up by us
//! and only the addresses that pass are tried; redirects are not followed. What else goes out by a user's wish (dumps
//! that are fetched) is led by the same [`Outside::guide`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Url};

/// How long a connection may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection without use is closed after this long (Heroku: 4 minutes and more).
const IDLE_TIMEOUT: Duration = Duration::from_secs(4 * 60);

/// Which addresses may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    /// All of them: for a machine of one's own.
    Any,
    /// All but this machine, its dynos and link-local addresses.
    Elsewhere,
    /// Public addresses only.
    Public,
}

/// The platform may not speak to that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not an address that this platform may speak to for its users (hokku server --deliver-to)")]
pub struct NotATarget {
    what: String,
}

/// The way out could not be prepared.
#[derive(Debug, thiserror::Error)]
#[error("could not load the machine's trusted certificates")]
pub struct NoTrust(#[source] rustls::Error);

/// How deliveries leave this machine. Clones share everything.
#[derive(Debug, Clone)]
pub struct Outside {
    targets: Targets,
    dynos: Option<(Ipv4Addr, u8)>,
    tls: Arc<ClientConfig>,
}

impl Outside {
    /// Trusts the certificates that the machine trusts. `dynos` is the dynos' own network, an address and the length of
    /// its prefix.
    ///
    /// # Errors
    /// When they cannot be loaded.
    pub fn new(targets: Targets, dynos: Option<(Ipv4Addr, u8)>) -> Result<Self, NoTrust> {
        Ok(Self::trusting(targets, dynos, ClientConfig::with_platform_verifier().map_err(NoTrust)?))
    }

    /// Trusts what `tls` trusts.
    #[must_use]
    pub fn trusting(targets: Targets, dynos: Option<(Ipv4Addr, u8)>, tls: ClientConfig) -> Self {
        Self { targets, dynos, tls: Arc::new(tls) }
    }

    /// Whether an address may be reached.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        // An IPv4 address in IPv6's clothes is what it is.
        let address = address.to_canonical();
        match self.targets {
            Targets::Any => true,
            Targets::Elsewhere => is_elsewhere(address) && !self.is_dyno(address) && !is_own(address),
            Targets::Public => is_public(address) && !self.is_dyno(address) && !is_own(address),
        }
    }

    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    /// An HTTP client that goes nowhere else.
    pub(crate) fn client(&self, request_timeout: Duration) -> reqwest::Result<Client> {
        ClientBuilder::new()
            .tls_backend_preconfigured(ClientConfig::clone(&self.tls))
            .dns_resolver(self.guide())
            .redirect(Policy::none())
            .no_proxy()
            .http1_title_case_headers()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(request_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(1)
            .build()
    }

    /// Looks up names, and addresses that stand for themselves, for somebody else's client; tells only those that may be
    /// reached, and [`io::ErrorKind::PermissionDenied`] when there is none.
    #[must_use]
    pub fn guide(&self) -> Arc<dyn Resolve> {
        Arc::new(Resolver(self.clone()))
    }

    /// A host that is an address is never looked up, so it is checked here.
    pub(crate) fn check(&self, url: &Url) -> Result<(), NotATarget> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(NotATarget { what: "a URL without host".to_owned() }),
        };
        if self.allows(address) { Ok(()) } else { Err(NotATarget { what: address.to_string() }) }
    }

    /// The addresses of a host that may be reached.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
        let allowed: Vec<SocketAddr> =
            found.into_iter().filter(|address| self.allows(address.ip())).collect();
        if allowed.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                NotATarget { what: host.to_owned() },
            ));
        }
        Ok(allowed)
    }

    /// A TCP connection to a host.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let connecting = async { TcpStream::connect(self.resolve(host, port).await?.as_slice()).await };
        timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Outside {
    fn is_dyno(&self, address: IpAddr) -> bool {
        let (Some((network, prefix)), IpAddr::V4(address)) = (self.dynos, address) else { return false };
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
        address.to_bits() & mask == network.to_bits() & mask
    }
}

/// Names looked up for `reqwest`.
struct Resolver(Outside);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let outside = self.0.clone();
        Box::pin(async move {
            // The port is the client's business.
            let addresses = outside.resolve(name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn is_elsewhere(address: IpAddr) -> bool {
    let is_group = match address {
        IpAddr::V4(address) => address.is_broadcast() || address.is_link_local() || address.octets()[0] == 0,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(is_group || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// IANA's special-purpose registries, as far as somebody could live there.
fn is_public(address: IpAddr) -> bool {
    is_elsewhere(address)
        && match address {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    let is_protocol = (a, b, c) == (192, 0, 0);
    let is_reserved = a >= 240;
    !(address.is_private()
        || address.is_documentation()
        || is_shared
        || is_benchmark
        || is_protocol
        || is_reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Global unicast, without documentation, and without 6to4, Teredo and NAT64, which can name any IPv4 address.
    a & 0xe000 == 0x2000 && a != 0x2002 && (a, b) != (0x2001, 0x0db8) && (a, b) != (0x2001, 0)
}

/// Whether an interface of this machine has the address.
fn is_own(address: IpAddr) -> bool {
    // Without a list of interfaces nothing is known to be safe.
    let Ok(interfaces) = getifaddrs() else { return true };
    interfaces.filter_map(|interface| interface.address).any(|own| {
        let v4 = own.as_sockaddr_in().map(|own| IpAddr::V4(own.ip()));
        let v6 = own.as_sockaddr_in6().map(|own| IpAddr::V6(own.ip()));
        v4 == Some(address) || v6 == Some(address)
    })
}

#[cfg(test)]
mod tests;
