//! Whether something in a network namespace listens on a port, read from the kernel's socket table.
//!
//! No connection is made: a server that counts or logs connections sees nothing of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use nix::unistd::Pid;

/// The state column of a listening socket.
const LISTEN: &str = "0A";
/// The state column of a connection that is not complete, or that its server takes only once there is data.
const SYN_RECV: &str = "03";

/// Who can reach a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listening {
    /// Nobody listens.
    No,
    /// Only processes of the same namespace: the socket is bound to a loopback address.
    LoopbackOnly,
    /// Everybody who can reach the namespace.
    Yes,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arrival {
    /// It is not there, not yet, or no longer.
    Unseen,
    /// It waits to be accepted.
    Waiting,
    /// A process has accepted it.
    Accepted,
}

/// Looks at the network namespace of process `pid`.
pub(crate) fn look(pid: Pid, port: u16) -> io::Result<Listening> {
    let mut best = Listening::No;
    each_table(pid, |table| best = best.max(in_table(table, port)))?;
    Ok(best)
}

/// Every port that somebody listens on in the network namespace of process `pid`, with the widest listener of each.
pub(crate) fn ports(pid: Pid) -> io::Result<BTreeMap<u16, Listening>> {
    let mut ports = BTreeMap::new();
    each_table(pid, |table| {
        for (port, listening) in listeners(table) {
            let widest = ports.entry(port).or_insert(listening);
            *widest = listening.max(*widest);
        }
    })?;
    Ok(ports)
}

/// Looks for the connection from port `from` of anywhere to `port`, in the network namespace of process `pid`.
pub(crate) fn arrival(pid: Pid, port: u16, from: u16) -> io::Result<Arrival> {
    let mut best = Arrival::Unseen;
    each_table(pid, |table| best = best.max(arrival_in(table, port, from)))?;
    Ok(best)
}

/// The connection in one table. One that nobody has accepted yet belongs to no file, which the kernel shows as inode 0.
fn arrival_in(table: &str, port: u16, from: u16) -> Arrival {
    let (local_end, remote_end) = (format!(":{port:04X}"), format!(":{from:04X}"));
    let found = table.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (local, remote, state) = (words.next()?, words.next()?, words.next()?);
        let inode = words.nth(5)?;
        (local.ends_with(&local_end) && remote.ends_with(&remote_end)).then_some(match (state, inode) {
            (SYN_RECV, _) => Arrival::Unseen,
            (_, "0") => Arrival::Waiting,
            _ => Arrival::Accepted,
        })
    });
    found.max().unwrap_or(Arrival::Unseen)
}

fn each_table(pid: Pid, mut look: impl FnMut(&str)) -> io::Result<()> {
    for table in ["tcp", "tcp6"] {
        match fs::read_to_string(format!("/proc/{pid}/net/{table}")) {
            Ok(text) => look(&text),
            // No IPv6 in this kernel, or the process is gone: nobody listens.
            Err(cause) if matches!(cause.raw_os_error(), Some(libc::ENOENT | libc::ESRCH | libc::EINVAL)) => {
            }
            Err(cause) => return Err(cause),
        }
    }
    Ok(())
}

/// The widest listener on `port` in one table of `/proc/net`.
fn in_table(table: &str, port: u16) -> Listening {
    let on_port = listeners(table).filter(|(its_port, _)| *its_port == port);
    on_port.map(|(_, listening)| listening).max().unwrap_or(Listening::No)
}

/// Every listening socket of one table, with its port.
fn listeners(table: &str) -> impl Iterator<Item = (u16, Listening)> {
    table.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (address, port) = words.nth(1)?.rsplit_once(':')?;
        let state = words.nth(1)?;
        (state == LISTEN).then(|| Some((u16::from_str_radix(port, 16).ok()?, reach(address))))?
    })
}

/// What a bound address, in the kernel's hexadecimal (each 32-bit word little endian), lets in.
fn reach(address: &str) -> Listening {
    let v4_loopback = |word: &str| word.len() == 8 && word.ends_with("7F");
    let v6_loopback = "00000000000000000000000001000000";
    let v4_in_v6 = address.strip_prefix("0000000000000000FFFF0000").is_some_and(v4_loopback);
    if v4_loopback(address) || address == v6_loopback || v4_in_v6 {
        Listening::LoopbackOnly
    } else {
        Listening::Yes
    }
}

#[cfg(test)]
mod tests;
