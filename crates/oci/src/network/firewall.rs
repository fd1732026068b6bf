//! The nftables table of one server: what a dyno may reach.
//!
//! ```text
//! dyno ──► this machine    only replies, the allowed services, the resolver   chain input
//!                          a public port of the gateway is another one inside chain prerouting
//! dyno ──► anywhere else   not link-local, no bridge of Hokku, (no private)   chain forward
//! outside ──► dyno         only replies; the router's own connections start
//!                          on this machine and pass neither chain
//! ```
//! What is refused is refused at once (TCP reset, ICMP), never dropped: a program that waits for a
//! packet that cannot come looks like one that hangs.

use std::io;
use std::net::Ipv4Addr;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{Egress, subnet::Cidr};
use crate::runtime::find_program;

/// Longest error text of `nft` that is kept.
const ERROR_MAX: usize = 1024;

/// What a dyno must not reach on a machine inside somebody's private network.
const PRIVATE: &str = "10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16";

/// Why the firewall could not be set or read.
#[derive(Debug, thiserror::Error)]
pub enum FirewallError {
    /// `nft` is not installed.
    #[error("nft not found: `apt-get install nftables`")]
    NoNft,
    /// `nft` could not be run.
    #[error("could not run nft")]
    Run(#[source] io::Error),
    /// `nft` refused the rules.
    #[error("nft refused the rules: {0}")]
    Refused(String),
}

/// What the table is made from.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub(super) tag: &'a str,
    pub(super) bridge: &'a str,
    pub(super) subnet: Cidr,
    pub(super) egress: Egress,
    pub(super) resolvers: &'a [Ipv4Addr],
    pub(super) allow: &'a [(Ipv4Addr, u16)],
    pub(super) gateway: Ipv4Addr,
    /// Ports of the gateway as dynos name them, and those that they reach.
    pub(super) redirect: &'a [(u16, u16)],
}

/// The whole table as one transaction that replaces what was there.
pub(super) fn table(rules: &Rules<'_>) -> String {
    let Rules { tag, bridge, subnet, egress, resolvers, allow, gateway, redirect } = rules;
    let redirect: String = redirect
        .iter()
        .map(|(named, reached)| {
            format!(
                "        iifname \"{bridge}\" ip daddr {gateway} tcp dport {named} redirect to :{reached}\n"
            )
        })
        .collect();
    let resolvers: Vec<String> = resolvers.iter().map(ToString::to_string).collect();
    let private = match egress {
        Egress::Open => String::new(),
        Egress::DenyPrivate => format!("        ip daddr {{ {PRIVATE} }} goto refuse\n"),
    };
    format!(
        "table inet hokku_{tag}
delete table inet hokku_{tag}
table inet hokku_{tag} {{
    set allow {{
        type ipv4_addr . inet_service
{allow}    }}
    set resolvers {{
        type ipv4_addr
{resolvers}    }}
    chain refuse {{
        meta l4proto tcp reject with tcp reset
        reject with icmpx type admin-prohibited
    }}
    chain given {{
        ip daddr . tcp dport @allow accept
        ip daddr @resolvers meta l4proto {{ tcp, udp }} th dport 53 accept
    }}
    chain input {{
        type filter hook input priority filter - 5; policy accept;
        iifname != \"{bridge}\" accept
        ct state established,related accept
        jump given
        goto refuse
    }}
    chain egress {{
        ip saddr != {subnet} drop
        meta nfproto ipv6 goto refuse
        oifname \"hk*\" goto refuse
        ip daddr {{ 169.254.0.0/16, 224.0.0.0/3 }} goto refuse
        jump given
{private}        accept
    }}
    chain forward {{
        type filter hook forward priority filter - 5; policy accept;
        iifname != \"{bridge}\" oifname != \"{bridge}\" accept
        ct state established,related accept
        iifname \"{bridge}\" goto egress
        goto refuse
    }}
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
{redirect}    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {subnet} oifname != \"{bridge}\" masquerade
    }}
}}
",
        allow = elements(&pairs(allow)),
        resolvers = elements(&resolvers),
    )
}

/// A transaction that removes the table, there or not.
pub(super) fn nothing(tag: &str) -> String {
    format!("table inet hokku_{tag}\ndelete table inet hokku_{tag}\n")
}

fn pairs(allow: &[(Ipv4Addr, u16)]) -> Vec<String> {
    allow.iter().map(|(ip, port)| format!("{ip} . {port}")).collect()
}

fn elements(all: &[String]) -> String {
    if all.is_empty() { String::new() } else { format!("        elements = {{ {} }}\n", all.join(", ")) }
}

/// Hands a transaction to `nft`: all of it takes effect or nothing.
pub(super) async fn apply(script: &str) -> Result<(), FirewallError> {
    let nft = find_program("nft").ok_or(FirewallError::NoNft)?;
    let mut child = Command::new(nft)
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(FirewallError::Run)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(script.as_bytes()).await.map_err(FirewallError::Run)?;
    }
    let output = child.wait_with_output().await.map_err(FirewallError::Run)?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(FirewallError::Refused(text.chars().take(ERROR_MAX).collect()))
}

/// Warnings about rules of others (Docker, ufw) that drop what our table lets through: in netfilter
/// an accept of one table does not undo a drop of another.
pub(super) async fn foreign_drops(bridge: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    for (chain, remedy) in [
        ("FORWARD", "iptables -I FORWARD -i BRIDGE -j ACCEPT && iptables -I FORWARD -o BRIDGE -j ACCEPT"),
        ("INPUT", "iptables -I INPUT -i BRIDGE -j ACCEPT"),
    ] {
        if drops(&chain_text(chain).await, bridge) {
            let remedy = remedy.replace("BRIDGE", bridge);
            warnings.push(format!(
                "the machine's iptables drop in chain {chain} what no rule accepts (Docker and ufw set this up), \
                 which cuts dynos off: `{remedy}`"
            ));
        }
    }
    warnings
}

/// Whether the text of a chain drops by default and says nothing of our bridges.
fn drops(chain: &str, bridge: &str) -> bool {
    let by_default =
        chain.contains("policy drop") || chain.contains("-P FORWARD DROP") || chain.contains("-P INPUT DROP");
    by_default && !chain.contains(bridge) && !chain.contains("\"hk*\"") && !chain.contains("hk+")
}

/// A chain of iptables in either of its two makes, as text; empty if there is none.
async fn chain_text(chain: &str) -> String {
    let mut text = String::new();
    let ours: &[(&str, &[&str])] =
        &[("nft", &["list", "chain", "ip", "filter", chain]), ("iptables-legacy", &["-S", chain])];
    for (program, args) in ours {
        // Asking the old iptables would load its modules: only where it is in use.
        let used = *program == "nft"
            || std::fs::read("/proc/net/ip_tables_names").is_ok_and(|names| !names.is_empty());
        let Some(path) = find_program(program).filter(|_| used) else { continue };
        let output = Command::new(path).args(*args).stdin(Stdio::null()).kill_on_drop(true).output().await;
        if let Ok(output) = output {
            text.push_str(&String::from_utf8_lossy(&output.stdout));
        }
    }
    text
}

#[cfg(test)]
mod tests;
