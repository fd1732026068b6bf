//! Whether something in a network namespace listens on a port, read from the kernel's socket table.
//!
//! No connection is made: a server that counts or logs connections sees nothing of it.

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
    for table in ["tcp", "tcp6"] {
        match fs::read_to_string(format!("/proc/{pid}/net/{table}")) {
            Ok(text) => best = best.max(in_table(&text, port)),
            // No IPv6 in this kernel, or the process is gone: nobody listens.
            Err(cause) if matches!(cause.raw_os_error(), Some(libc::ENOENT | libc::ESRCH | libc::EINVAL)) => {
            }
            Err(cause) => return Err(cause),
        }
    }
    Ok(best)
}

/// The widest listener on `port` in one table of `/proc/net`.
fn in_table(table: &str, port: u16) -> Listening {
    let port = format!("{port:04X}");
    table
        .lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (address, its_port) = words.nth(1)?.rsplit_once(':')?;
            let state = words.nth(1)?;
            (state == LISTEN && its_port == port).then(|| reach(address))
        })
        .max()
        .unwrap_or(Listening::No)
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
