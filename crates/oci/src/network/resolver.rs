//! The name servers that dynos are to ask: this machine's own.

use std::fs;
use std::net::Ipv4Addr;

/// Where this machine names its name servers.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Where systemd-resolved names those it asks itself.
const UPSTREAM: &str = "/run/systemd/resolve/resolv.conf";
/// The C library looks at no more.
const SERVERS_MAX: usize = 3;

/// The machine's name servers as a dyno can reach them. A server on a loopback address (that is
/// systemd-resolved's 127.0.0.53) means this very machine and is of no use in another network
/// namespace, so those it asks itself are taken instead. Empty if there is none.
pub(super) fn nameservers() -> Vec<Ipv4Addr> {
    let read = |path| reachable(&fs::read_to_string(path).unwrap_or_default());
    let own = read(RESOLV_CONF);
    if own.is_empty() { read(UPSTREAM) } else { own }
}

/// The IPv4 servers of a `resolv.conf` that are not loopback.
fn reachable(text: &str) -> Vec<Ipv4Addr> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("nameserver"))
        .filter_map(|rest| rest.split_ascii_whitespace().next()?.parse().ok())
        .filter(|server: &Ipv4Addr| !server.is_loopback() && !server.is_unspecified())
        .take(SERVERS_MAX)
        .collect()
}

/// The `resolv.conf` of a dyno.
pub(super) fn resolv_conf(servers: &[Ipv4Addr]) -> String {
    servers.iter().map(|server| format!("nameserver {server}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_comments_are_left_out() {
        let text = "# x\nnameserver 127.0.0.53\nnameserver ::1\nsearch a\n nameserver 198.51.100.53 # y\n\
                    nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver\n";
        let servers = reachable(text);
        let expected = ["198.51.100.53", "1.1.1.1", "1.1.1.2"].map(|s| s.parse::<Ipv4Addr>().expect("ip"));
        assert_eq!(servers, expected);
        assert_eq!(resolv_conf(&servers[..1]), "nameserver 198.51.100.53\n");
        assert_eq!(reachable("nameserver 127.0.0.53\n"), Vec::<Ipv4Addr>::new());
    }
}
