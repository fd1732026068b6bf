//! The host's side of the dyno networks of one server.
//!
//! ```text
//!  dyno netns ── eth0 ═ veth ═ hk<tag>-7 (isolated port) ─┐
//!  dyno netns ── eth0 ═ veth ═ hk<tag>-8 (isolated port) ─┴─ bridge hk<tag> ── firewall, NAT ── world
//! ```
//! [`Network`] makes the bridge and the firewall once and lends out namespaces: a [`Lease`] is a
//! ready namespace with an address, and the slot number that also gives the dyno its range of user
//! ids. A few are always kept ready, since making one takes some 26 ms and lending one none.
//! Namespaces are pinned files, so they and the dynos in them outlive the server, and the next one
//! adopts them by name.
//!
//! Everything made carries the server's tag; several servers share a machine without meeting.
//! It routes no requests and resolves no names, and `ip_forward` stays on when it closes.

mod claim;
mod firewall;
mod link;
mod pins;
mod resolver;
mod slots;
mod subnet;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, RwLock};
use tokio::task::JoinHandle;

pub use self::firewall::FirewallError;
pub use self::link::LinkError;
pub use self::subnet::{Cidr, NotACidr};

use self::claim::{Claim, claim};
use self::firewall::Rules;
use self::link::{Netlink, Plan};
use self::pins::Pins;
use self::slots::{Lent, Slots};
use crate::spec::UIDS;

/// Longest tag: interface names have 15 bytes, `hk`, `-` and a slot number included.
pub const TAG_MAX: usize = 8;
/// Most dynos of one server on one machine (a smaller subnet holds fewer).
pub const SLOTS_MAX: u32 = 4_000;
/// First host user id of slot 0; slot n has the [`UIDS`] ids from `ID_BASE + n * UIDS`.
pub const ID_BASE: u32 = 1_000_000;
/// Addresses before slot 0's: the network's own and the gateway's.
const FIRST_HOST: u32 = 2;

/// What dynos may reach beside the services they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Egress {
    /// Everything outside but link-local addresses and Hokku's own networks.
    Open,
    /// The same without private addresses, for machines inside somebody's private network.
    DenyPrivate,
}

/// What a network is made from.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Name of this server on this machine: 1 to [`TAG_MAX`] of `a-z 0-9`, unique.
    pub tag: String,
    /// The addresses of the dynos; `None` picks a free network. Decided once and kept in `state_dir`.
    pub subnet: Option<Cidr>,
    /// Folder of its own for what must outlive the server.
    pub state_dir: PathBuf,
    /// What dynos may reach.
    pub egress: Egress,
    /// Services that every dyno may reach although they are on this machine or denied otherwise
    /// (address and TCP port, such as the gateway's 5432). See [`Network::allow`].
    pub allow: Vec<(Ipv4Addr, u16)>,
    /// How many namespaces to keep ready; 2 is plenty.
    pub pool: usize,
}

/// Why something about the network could not be done.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The tag would not do as part of an interface's name.
    #[error("network tag {0:?} is not 1 to {TAG_MAX} of the characters a-z 0-9")]
    Tag(String),
    /// Every candidate network is in use here.
    #[error("every network of the candidates is in use on this machine; name one in the configuration")]
    NoSubnet,
    /// All slots are lent out.
    #[error("all {0} network slots are in use")]
    Full(u32),
    /// A lease's name is empty or holds a line break.
    #[error("{0:?} cannot be the name of a lease")]
    Name(String),
    /// A file or mount refused.
    #[error("could not {step}")]
    Io {
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
    /// A kernel object refused.
    #[error("network link")]
    Link(#[from] LinkError),
    /// The firewall refused.
    #[error("firewall")]
    Firewall(#[from] FirewallError),
}

/// A namespace that is lent to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose it is.
    pub name: String,
    /// File to join the namespace by ([`crate::spec::Spec::netns`]).
    pub netns: PathBuf,
    /// The dyno's address.
    pub ip: Ipv4Addr,
    /// The bridge's address: where services of this machine are reached from inside.
    pub gateway: Ipv4Addr,
    /// Number of the slot, below [`SLOTS_MAX`].
    pub slot: u32,
}

impl Lease {
    /// First host user id of the dyno ([`crate::spec::Spec::id_base`]).
    #[must_use]
    pub fn id_base(&self) -> u32 {
        ID_BASE + self.slot * UIDS
    }
}

/// The dyno networks of one server.
#[derive(Debug)]
pub struct Network {
    inner: Arc<Inner>,
    refill: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    config: NetworkConfig,
    subnet: Cidr,
    gateway: Ipv4Addr,
    bridge: u32,
    mtu: u32,
    resolvers: Vec<Ipv4Addr>,
    warnings: Vec<String>,
    netlink: Netlink,
    pins: Pins,
    slots: Mutex<Slots>,
    /// Told whenever the pool may be short.
    short: Notify,
    /// Whether it is open; read-locked while a namespace is made or removed, so that closing meets
    /// none half done.
    open: RwLock<bool>,
    /// Namespaces are made one after the other: the kernel does no two at once anyway, and who waits
    /// for one finds what another has made meanwhile.
    turn: tokio::sync::Mutex<()>,
}

impl Network {
    /// Makes the bridge and the firewall, or takes over those of an earlier run, and starts to fill
    /// the pool. Leases of the earlier run are kept until [`Network::adopt`].
    pub async fn open(config: NetworkConfig) -> Result<Self, NetworkError> {
        let tag = &config.tag;
        let plain = tag.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if tag.is_empty() || tag.len() > TAG_MAX || !plain {
            return Err(NetworkError::Tag(tag.clone()));
        }
        let pins = Pins::open(&config.state_dir).map_err(failed("make the network's folder"))?;
        let netlink = Netlink::open()?;
        let Claim { subnet, bridge, mtu, mut warnings } = claim(&config, &pins, &netlink).await?;
        let gateway = subnet.host(1).ok_or(NetworkError::NoSubnet)?;
        let resolvers = resolver::nameservers();
        let name = bridge_name(tag);
        warnings.extend(firewall::foreign_drops(&name).await);
        if resolvers.is_empty() {
            warnings.push(
                "/etc/resolv.conf names no server a dyno could reach: names will not resolve".to_owned(),
            );
        }
        let slots = Mutex::default();
        let (short, open, turn) = (Notify::new(), RwLock::new(true), tokio::sync::Mutex::new(()));
        let inner = Arc::new(Inner {
            config,
            subnet,
            gateway,
            bridge,
            mtu,
            resolvers,
            warnings,
            netlink,
            pins,
            slots,
            short,
            open,
            turn,
        });
        inner.set_firewall(&inner.config.allow, &[]).await?;
        // Only now that the rules stand.
        fs::write("/proc/sys/net/ipv4/ip_forward", "1").map_err(failed("turn on net.ipv4.ip_forward"))?;
        inner.recover().await?;
        let refill = tokio::spawn(refill(Arc::clone(&inner)));
        Ok(Self { inner, refill })
    }

    /// What the operator should know, each with its remedy.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.inner.warnings
    }

    /// The bridge's address: where dynos reach services of this machine.
    #[must_use]
    pub fn gateway(&self) -> Ipv4Addr {
        self.inner.gateway
    }

    /// The addresses of the dynos.
    #[must_use]
    pub fn subnet(&self) -> Cidr {
        self.inner.subnet
    }

    /// The text for a dyno's `/etc/resolv.conf`: the machine's own name servers.
    #[must_use]
    pub fn resolv_conf(&self) -> String {
        resolver::resolv_conf(&self.inner.resolvers)
    }

    /// Replaces the services that every dyno may reach ([`NetworkConfig::allow`]).
    ///
    /// The whole firewall is written anew in one step, so this also mends one that somebody has
    /// flushed (`systemctl restart nftables` does); connections that stand go on.
    pub async fn allow(&self, services: &[(Ipv4Addr, u16)]) -> Result<(), NetworkError> {
        self.inner.set_firewall(services, &[]).await
    }

    /// The same, and besides makes ports of the gateway lead to other ports of it, `(named, reached)`: a service has
    /// one port in public, which on this machine may be somebody else's. The port reached has to be allowed.
    pub async fn allow_by_name(
        &self,
        services: &[(Ipv4Addr, u16)],
        redirect: &[(u16, u16)],
    ) -> Result<(), NetworkError> {
        self.inner.set_firewall(services, redirect).await
    }

    /// Lends a namespace; the same one again if `name` has one already.
    pub async fn lease(&self, name: &str) -> Result<Lease, NetworkError> {
        if name.is_empty() || name.contains('\n') {
            return Err(NetworkError::Name(name.to_owned()));
        }
        let inner = &self.inner;
        loop {
            let lent = inner.slots().lend(name);
            let slot = match lent {
                Some(Lent::Before(slot)) => return Ok(inner.lease(slot, name)),
                Some(Lent::Now(slot)) => slot,
                None => {
                    // A task of its own: it ends with one more ready slot even if nobody waits on.
                    let inner = Arc::clone(inner);
                    unbroken(tokio::spawn(async move { inner.make(1).await })).await?;
                    continue;
                }
            };
            inner.short.notify_one();
            if let Err(cause) = inner.pins.write_lease(slot, name) {
                inner.slots().set_ready(slot);
                return Err(failed("write down a lease")(cause));
            }
            return Ok(inner.lease(slot, name));
        }
    }

    /// Takes a namespace back; nothing may run in it any more. Taking it back twice is fine.
    pub async fn release(&self, lease: &Lease) -> Result<(), NetworkError> {
        if !self.inner.slots().end(lease.slot, &lease.name) {
            return Ok(());
        }
        let (inner, slot) = (Arc::clone(&self.inner), lease.slot);
        unbroken(tokio::spawn(async move {
            let _open = inner.open.read().await;
            inner.remove(slot).await.inspect_err(|_| inner.slots().keep(slot))
        }))
        .await
    }

    /// After a restart: keeps the leases of those who still live, by name, takes back all others.
    pub async fn adopt(&self, live: &BTreeSet<String>) -> Result<Vec<Lease>, NetworkError> {
        let mut kept = Vec::new();
        for lease in self.leases() {
            if live.contains(&lease.name) {
                kept.push(lease);
            } else {
                self.release(&lease).await?;
            }
        }
        Ok(kept)
    }

    /// All that is lent out now.
    #[must_use]
    pub fn leases(&self) -> Vec<Lease> {
        self.inner.slots().lent().map(|(slot, name)| self.inner.lease(slot, name)).collect()
    }

    /// Removes everything of this tag from the machine: namespaces, bridge, firewall, files.
    pub async fn close(self) -> Result<(), NetworkError> {
        let inner = &self.inner;
        let mut open = inner.open.write().await;
        *open = false;
        self.refill.abort();
        let name = bridge_name(&inner.config.tag);
        for slot in inner.pins.slots().map_err(failed("list the namespaces"))? {
            inner.remove(slot).await?;
        }
        inner.netlink.delete(&name).await?;
        firewall::apply(&firewall::nothing(&inner.config.tag)).await?;
        inner.pins.close().map_err(failed("remove the network's folder"))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.refill.abort();
    }
}

impl Inner {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self, slot: u32, name: &str) -> Lease {
        Lease {
            name: name.to_owned(),
            netns: self.pins.pin(slot),
            ip: self.address(slot),
            gateway: self.gateway,
            slot,
        }
    }

    fn address(&self, slot: u32) -> Ipv4Addr {
        self.subnet.host(FIRST_HOST + slot).unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// How many slots the subnet has room for.
    fn capacity(&self) -> u32 {
        let hosts = u32::MAX >> self.subnet.prefix();
        SLOTS_MAX.min(hosts - FIRST_HOST)
    }

    /// Takes over whole leases of an earlier run and removes everything half made.
    async fn recover(&self) -> Result<(), NetworkError> {
        let leases = self.pins.leases().map_err(failed("read the leases"))?;
        let prefix = format!("{}-", bridge_name(&self.config.tag));
        let links = self.netlink.names(&prefix).await?;
        let links: BTreeSet<u32> =
            links.iter().filter_map(|n| n.strip_prefix(&prefix)?.parse().ok()).collect();
        let mut all: BTreeSet<u32> = leases.keys().chain(&links).copied().collect();
        all.extend(self.pins.slots().map_err(failed("list the namespaces"))?);
        for slot in all {
            match leases.get(&slot) {
                Some(name) if self.pins.is_pinned(slot) && links.contains(&slot) => {
                    self.slots().restore(slot, name.clone());
                }
                _ => self.remove(slot).await?,
            }
        }
        Ok(())
    }

    /// Makes one more ready namespace, unless there are `enough` once it is this caller's turn.
    async fn make(&self, enough: usize) -> Result<(), NetworkError> {
        let open = self.open.read().await;
        let _turn = self.turn.lock().await;
        if self.slots().ready() >= enough {
            return Ok(());
        }
        let capacity = if *open { self.capacity() } else { 0 };
        let slot = self.slots().begin(capacity).ok_or(NetworkError::Full(capacity))?;
        let outside = self.link_name(slot);
        let plan = Plan {
            pin: self.pins.pin(slot),
            outside: outside.clone(),
            ip: self.address(slot),
            subnet: self.subnet,
            gateway: self.gateway,
            mtu: self.mtu,
        };
        let made = match link::make_namespace(plan).await {
            Ok(()) => self.netlink.attach(&outside, self.bridge).await,
            failed => failed,
        };
        if let Err(error) = made {
            // If even that fails the slot stays out of use until the next start.
            let _ = self.remove(slot).await;
            return Err(error.into());
        }
        self.slots().set_ready(slot);
        Ok(())
    }

    /// Removes a slot's link, namespace and lease, in this order: the link first, since the end of a
    /// namespace is slow to take it away, and the lease last, so that a crash in between is seen.
    async fn remove(&self, slot: u32) -> Result<(), NetworkError> {
        self.netlink.delete(&self.link_name(slot)).await?;
        self.pins.unpin(slot).map_err(failed("let go of a namespace"))?;
        self.pins.remove_lease(slot).map_err(failed("remove a lease"))?;
        self.slots().forget(slot);
        Ok(())
    }

    async fn set_firewall(
        &self,
        allow: &[(Ipv4Addr, u16)],
        redirect: &[(u16, u16)],
    ) -> Result<(), NetworkError> {
        let rules = Rules {
            tag: &self.config.tag,
            bridge: &bridge_name(&self.config.tag),
            subnet: self.subnet,
            egress: self.config.egress,
            resolvers: &self.resolvers,
            allow,
            gateway: self.gateway,
            redirect,
        };
        Ok(firewall::apply(&firewall::table(&rules)).await?)
    }

    fn link_name(&self, slot: u32) -> String {
        format!("{}-{slot}", bridge_name(&self.config.tag))
    }
}

/// Keeps the pool full; a failure is logged and tried again when the next lease is taken.
async fn refill(inner: Arc<Inner>) {
    loop {
        while inner.slots().ready() < inner.config.pool {
            match inner.make(inner.config.pool).await {
                Ok(()) => {}
                Err(NetworkError::Full(_)) => break,
                Err(error) => {
                    tracing::warn!(network.tag = %inner.config.tag, ?error, "no spare dyno network could be made");
                    break;
                }
            }
        }
        inner.short.notified().await;
    }
}

/// What a task of ours came to; it is never aborted, so only a panic can break it.
async fn unbroken(task: JoinHandle<Result<(), NetworkError>>) -> Result<(), NetworkError> {
    task.await.unwrap_or_else(|broken| Err(failed("finish a task")(io::Error::other(broken))))
}

fn bridge_name(tag: &str) -> String {
    format!("hk{tag}")
}

fn failed(step: &'static str) -> impl FnOnce(io::Error) -> NetworkError {
    move |cause| NetworkError::Io { step, cause }
}
