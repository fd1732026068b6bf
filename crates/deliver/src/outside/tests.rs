use std::net::{IpAddr, Ipv4Addr};

use super::{Outside, Targets};
use crate::fixture;

fn outside(targets: Targets) -> Outside {
    Outside::trusting(targets, Some((Ipv4Addr::new(10, 9, 0, 0), 20)), fixture::trust_nobody())
}

/// Which of the policies let an address pass.
fn passes(address: &str) -> [bool; 3] {
    let address: IpAddr = address.parse().expect("an address");
    [Targets::Any, Targets::Elsewhere, Targets::Public].map(|targets| outside(targets).allows(address))
}

#[test]
fn each_policy_draws_its_line() {
    for here in [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "fe80::1",
        "224.0.0.1",
        "255.255.255.255",
        "10.9.0.1",
        "10.9.15.254",
    ] {
        assert_eq!(passes(here), [true, false, false], "{here}");
    }
    for private in
        ["10.0.0.1", "10.9.16.1", "192.168.1.1", "172.31.0.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1"]
    {
        assert_eq!(passes(private), [true, true, false], "{private}");
    }
    for public in ["8.8.8.8", "93.184.216.34", "2606:4700::1111"] {
        assert_eq!(passes(public), [true, true, true], "{public}");
    }
    for odd in ["192.0.2.1", "198.18.0.1", "240.0.0.1", "2001:db8::1", "2002:7f00:1::", "64:ff9b::7f00:1"] {
        assert!(!passes(odd)[2], "{odd}");
    }
}

#[test]
fn the_machines_own_addresses_are_here() {
    let own = nix::ifaddrs::getifaddrs().expect("interfaces").filter_map(|it| it.address);
    let own: Vec<IpAddr> = own.filter_map(|it| it.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()))).collect();
    assert!(!own.is_empty());
    assert!(own.iter().all(|address| !outside(Targets::Elsewhere).allows(*address)), "{own:?}");
}

#[tokio::test]
async fn names_and_addresses_that_lead_here_are_refused() {
    let outside = outside(Targets::Elsewhere);
    for url in ["http://127.0.0.1:1/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/"] {
        assert!(outside.check(&url.parse().expect("a URL")).is_err(), "{url}");
    }
    let refused = outside.connect("localhost", 1).await.expect_err("not allowed");
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    // Whoever else asks is led in the same way, also with an address that stands for itself.
    for host in ["localhost", "127.0.0.1", "::1"] {
        let refused =
            outside.guide().resolve(host.parse().expect("a name")).await.err().expect("not allowed");
        let refused = refused.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        assert_eq!(refused, Some(std::io::ErrorKind::PermissionDenied), "{host}");
    }
    let client = outside.client(super::CONNECT_TIMEOUT).expect("a client");
    let refused = client.get("http://localhost:1/").send().await.expect_err("not allowed");
    assert!(format!("{refused:?}").contains("NotATarget"), "{refused:?}");
}
