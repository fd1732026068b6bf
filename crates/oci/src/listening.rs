//! Whether something in a network namespace listens on a port, read from the kernel's socket table.
//!
//! No connection is made: a server that counts or logs connections sees nothing of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use nix::unistd::Pid;

/// The state column of a listening socket.
const LISTEN: &str = "0A";

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

/// How many connections to `port` wait to be accepted in the network namespace of process `pid`.
pub(crate) fn waiting(pid: Pid, port: u16) -> io::Result<u32> {
    let mut waiting = 0;
    each_table(pid, |table| waiting += waiting_in(table, port))?;
    Ok(waiting)
}

/// The queues of the listeners on `port`, together. For a listening socket the kernel shows there how many connections
/// wait for `accept`.
fn waiting_in(table: &str, port: u16) -> u32 {
    let end = format!(":{port:04X}");
    let queues = table.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (local, state) = (words.next()?, words.nth(1)?);
        let (_, queue) = words.next()?.split_once(':')?;
        (state == LISTEN && local.ends_with(&end)).then(|| u32::from_str_radix(queue, 16).ok())?
    });
    queues.fold(0, u32::saturating_add)
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
