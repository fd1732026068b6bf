//! The kernel objects of the dyno networks, through netlink: bridge, veth pairs, namespaces.

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::thread;

use futures_util::TryStreamExt;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rtnetlink::packet_route::link::{InfoData, InfoVeth, LinkAttribute};
use rtnetlink::packet_route::route::{RouteScope, RouteType};
use rtnetlink::{
    Handle, LinkBridge, LinkBridgePort, LinkUnspec, LinkVeth, RouteMessageBuilder, new_connection,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::subnet::Cidr;

/// What a dyno's interface is called inside.
const INSIDE: &str = "eth0";
/// Index of `lo` in every namespace.
const LOOPBACK: u32 = 1;

/// Why a part of the network could not be made or removed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Netlink refused.
    #[error("could not {step} {name}")]
    Netlink {
        /// What was tried.
        step: &'static str,
        /// With which interface.
        name: String,
        /// What the kernel said.
        #[source]
        cause: rtnetlink::Error,
    },
    /// Another system call or a file refused.
    #[error("could not {step} {name}")]
    Io {
        /// What was tried.
        step: &'static str,
        /// With what.
        name: String,
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
}

/// One dyno's namespace and its link to the bridge.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// File the namespace is pinned to.
    pub(super) pin: PathBuf,
    /// Interface on the host's side.
    pub(super) outside: String,
    /// The dyno's address.
    pub(super) ip: Ipv4Addr,
    /// The addresses of all dynos.
    pub(super) subnet: Cidr,
    /// The bridge's address.
    pub(super) gateway: Ipv4Addr,
    /// Largest packet.
    pub(super) mtu: u32,
}

/// A connection to the kernel's network configuration, of the namespace it was opened in.
#[derive(Debug)]
pub(super) struct Netlink {
    handle: Handle,
    task: JoinHandle<()>,
}

impl Drop for Netlink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Netlink {
    pub(super) fn open() -> Result<Self, LinkError> {
        let (connection, handle, _) = new_connection().map_err(io_error("open", "netlink"))?;
        Ok(Self { handle, task: tokio::spawn(connection) })
    }

    /// Index of an interface, if it is there.
    pub(super) async fn index(&self, name: &str) -> Result<Option<u32>, LinkError> {
        let mut found = self.handle.link().get().match_name(name).execute();
        match found.try_next().await {
            Ok(link) => Ok(link.map(|link| link.header.index)),
            Err(cause) if is(&cause, libc::ENODEV) => Ok(None),
            Err(cause) => Err(LinkError::Netlink { step: "look up", name: name.to_owned(), cause }),
        }
    }

    /// Names of the interfaces that begin with `prefix`.
    pub(super) async fn names(&self, prefix: &str) -> Result<Vec<String>, LinkError> {
        let links = self.handle.link().get().execute().try_collect::<Vec<_>>().await;
        let links = links.map_err(netlink_error("list interfaces of", prefix))?;
        let name = |attribute| match attribute {
            LinkAttribute::IfName(name) if name.starts_with(prefix) => Some(name),
            _ => None,
        };
        Ok(links.into_iter().filter_map(|link| link.attributes.into_iter().find_map(name)).collect())
    }

    /// Makes the bridge with its address, or completes one that is there.
    pub(super) async fn bridge(
        &self,
        name: &str,
        address: Ipv4Addr,
        prefix: u8,
        mtu: u32,
    ) -> Result<u32, LinkError> {
        let error = |step| netlink_error(step, name);
        if self.index(name).await?.is_none() {
            // With a hardware address of its own: a bridge without one takes its lowest port's, and
            // each time that port leaves every dyno would talk to a dead gateway for a while.
            let link = LinkBridge::new(name).address(hardware_address(address)).mtu(mtu).build();
            self.handle.link().add(link).execute().await.map_err(error("make bridge"))?;
        }
        let index = self.require(name).await?;
        set_ipv6(name, false)?;
        self.handle
            .address()
            .add(index, address.into(), prefix)
            .replace()
            .execute()
            .await
            .map_err(error("give an address to"))?;
        let up = LinkUnspec::new_with_index(index).up().build();
        self.handle.link().change(up).execute().await.map_err(error("bring up"))?;
        Ok(index)
    }

    /// Makes the host's side of a veth pair a port of the bridge that reaches no other dyno's port.
    pub(super) async fn attach(&self, name: &str, bridge: u32) -> Result<(), LinkError> {
        let error = |step| netlink_error(step, name);
        set_ipv6(name, false)?;
        let index = self.require(name).await?;
        let port = LinkUnspec::new_with_index(index).controller(bridge).build();
        self.handle.link().change(port).execute().await.map_err(error("attach to the bridge"))?;
        let isolated = LinkBridgePort::new(index).isolated(true).build();
        self.handle.link().change(isolated).execute().await.map_err(error("isolate"))?;
        let up = LinkUnspec::new_with_index(index).up().build();
        self.handle.link().change(up).execute().await.map_err(error("bring up"))
    }

    /// Removes an interface; missing is fine.
    pub(super) async fn delete(&self, name: &str) -> Result<(), LinkError> {
        let Some(index) = self.index(name).await? else { return Ok(()) };
        match self.handle.link().del(index).execute().await {
            Err(cause) if !is(&cause, libc::ENODEV) => {
                Err(LinkError::Netlink { step: "remove", name: name.to_owned(), cause })
            }
            _ => Ok(()),
        }
    }

    async fn require(&self, name: &str) -> Result<u32, LinkError> {
        let gone = || LinkError::Io {
            step: "find",
            name: name.to_owned(),
            cause: io::Error::from_raw_os_error(libc::ENODEV),
        };
        self.index(name).await?.ok_or_else(gone)
    }

    /// Sets up a dyno's side, from inside its namespace.
    ///
    /// Other dynos and link-local addresses are unreachable by routes that the dyno cannot change:
    /// refused at once, and also while somebody has flushed the firewall.
    async fn inside(&self, plan: &Plan, host: &File) -> Result<(), LinkError> {
        let error = |step| netlink_error(step, INSIDE);
        let outside =
            LinkUnspec::new_with_name(&plan.outside).setns_by_fd(host.as_raw_fd()).mtu(plan.mtu).build();
        // The machine remembers for a while at which hardware address it found the slot's last dyno, and would send there.
        let pair = LinkVeth::new(INSIDE, &plan.outside)
            .mtu(plan.mtu)
            .address(hardware_address(plan.ip))
            .set_info_data(InfoData::Veth(InfoVeth::Peer(outside)))
            .build();
        self.handle.link().add(pair).execute().await.map_err(error("make the veth pair of"))?;
        set_ipv6(INSIDE, false)?;
        let index = self.require(INSIDE).await?;
        self.handle
            .address()
            .add(index, plan.ip.into(), 32)
            .execute()
            .await
            .map_err(error("give an address to"))?;
        for index in [LOOPBACK, index] {
            let up = LinkUnspec::new_with_index(index).up().build();
            self.handle.link().change(up).execute().await.map_err(error("bring up"))?;
        }
        let base = || RouteMessageBuilder::<Ipv4Addr>::new().output_interface(index);
        let to_gateway = base().destination_prefix(plan.gateway, 32).scope(RouteScope::Link).build();
        let to_all = base().gateway(plan.gateway).build();
        let nowhere = |first, prefix| {
            let route = RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(first, prefix);
            route.kind(RouteType::Unreachable).build()
        };
        let to_dynos = nowhere(plan.subnet.first(), plan.subnet.prefix());
        let to_link_local = nowhere(Ipv4Addr::new(169, 254, 0, 0), 16);
        for route in [to_gateway, to_all, to_dynos, to_link_local] {
            self.handle.route().add(route).execute().await.map_err(error("add a route to"))?;
        }
        Ok(())
    }
}

/// A hardware address that goes with an address of the subnet, so that both can be used again together.
fn hardware_address(ip: Ipv4Addr) -> Vec<u8> {
    let [_, b, c, d] = ip.octets();
    vec![0x02, 0x68, 0x6b, b, c, d]
}

/// Makes a namespace with its veth pair and pins it.
///
/// On a thread of its own, which ends with it: a thread that moves to another namespace must never
/// go back to a pool.
pub(super) async fn make_namespace(plan: Plan) -> Result<(), LinkError> {
    let (done, wait) = oneshot::channel();
    let name = plan.outside.clone();
    thread::Builder::new()
        .name("netns".to_owned())
        .spawn(move || _ = done.send(namespace_thread(&plan)))
        .map_err(io_error("start a thread for", &name))?;
    wait.await.unwrap_or_else(|_| Err(io_error("finish the thread for", &name)(io::ErrorKind::Other.into())))
}

fn namespace_thread(plan: &Plan) -> Result<(), LinkError> {
    let error = |step| io_error(step, &plan.outside);
    let host = File::open("/proc/thread-self/ns/net").map_err(error("open the host's namespace for"))?;
    File::create(&plan.pin).map_err(error("make the pin of"))?;
    unshare(CloneFlags::CLONE_NEWNET).map_err(|e| error("make a namespace for")(e.into()))?;
    let own = Some(Path::new("/proc/thread-self/ns/net"));
    let none = None::<&Path>;
    mount(own, &plan.pin, none, MsFlags::MS_BIND, none)
        .map_err(|e| error("pin the namespace of")(e.into()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(error("start a runtime for"))?;
    runtime.block_on(async { Netlink::open()?.inside(plan, &host).await })
}

/// Turns IPv6 on an interface of this thread's namespace on or off; a kernel without it is fine.
fn set_ipv6(interface: &str, on: bool) -> Result<(), LinkError> {
    let path = format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6");
    match fs::write(&path, if on { "0" } else { "1" }) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(io_error("turn IPv6 off for", interface)(cause))
        }
        _ => Ok(()),
    }
}

fn is(error: &rtnetlink::Error, errno: i32) -> bool {
    matches!(error, rtnetlink::Error::NetlinkError(message) if message.raw_code() == -errno)
}

fn netlink_error(step: &'static str, name: &str) -> impl FnOnce(rtnetlink::Error) -> LinkError {
    let name = name.to_owned();
    move |cause| LinkError::Netlink { step, name, cause }
}

fn io_error(step: &'static str, name: &str) -> impl FnOnce(io::Error) -> LinkError {
    let name = name.to_owned();
    move |cause| LinkError::Io { step, name, cause }
}
