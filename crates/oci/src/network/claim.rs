//! The subnet and the bridge of a server, claimed among the servers of this machine.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;

use nix::fcntl::{Flock, FlockArg};

use super::link::Netlink;
use super::pins::Pins;
use super::subnet::{self, Cidr};
use super::{NetworkConfig, NetworkError, bridge_name, failed};
use crate::sandbox::WORK;

/// Largest packet, where the way out allows it.
const MTU_MAX: u32 = 1_500;

/// The subnet and the bridge of a server.
pub(super) struct Claim {
    pub(super) subnet: Cidr,
    pub(super) bridge: u32,
    pub(super) mtu: u32,
    pub(super) warnings: Vec<String>,
}

/// Finds the subnet and makes the bridge in it, alone on this machine: two servers that start at once
/// must not pick the same. Once found it stays, since the dynos of an earlier run have addresses in it.
pub(super) async fn claim(
    config: &NetworkConfig,
    pins: &Pins,
    netlink: &Netlink,
) -> Result<Claim, NetworkError> {
    let lock = tokio::task::spawn_blocking(lock_machine).await.map_err(io::Error::other).flatten();
    let _alone = lock.map_err(failed("lock the choice of networks (/run/hokku)"))?;
    let name = bridge_name(&config.tag);
    let routes = fs::read_to_string("/proc/net/route").map_err(failed("read the machine's routes"))?;
    let taken = subnet::routed(&routes, &name);
    let known = pins.subnet().or(config.subnet);
    let subnet = known.or_else(|| subnet::pick(&taken)).ok_or(NetworkError::NoSubnet)?;
    let mut warnings = Vec::new();
    if let Some(other) = config.subnet.filter(|asked| *asked != subnet) {
        let dir = config.state_dir.display();
        warnings.push(format!("dynos stay on {subnet}; to move to {other}, stop all and remove {dir}"));
    }
    if let Some(other) = taken.iter().find(|other| other.overlaps(subnet)) {
        warnings
            .push(format!("the network of the dynos, {subnet}, overlaps a route of this machine, {other}"));
    }
    pins.write_subnet(subnet).map_err(failed("write down the network"))?;
    let gateway = subnet.host(1).ok_or(NetworkError::NoSubnet)?;
    let way_out = subnet::default_interface(&routes);
    let mtu = way_out.and_then(|dev| fs::read_to_string(format!("/sys/class/net/{dev}/mtu")).ok());
    let mtu = mtu.and_then(|text| text.trim().parse().ok()).unwrap_or(MTU_MAX).min(MTU_MAX);
    let bridge = netlink.bridge(&name, gateway, subnet.prefix(), mtu).await?;
    Ok(Claim { subnet, bridge, mtu, warnings })
}

fn lock_machine() -> io::Result<Flock<File>> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(WORK)?;
    Flock::lock(File::open(WORK)?, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}
