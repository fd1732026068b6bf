use super::*;

const ROUTES: &str = "\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100000A	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
hkt	0000D50A	00000000	0001	0	0	0	00F0FFFF	0	0	0
";

fn cidr(text: &str) -> Cidr {
    text.parse().expect("a network")
}

#[test]
fn texts_are_networks_or_not() {
    assert_eq!(cidr("10.213.16.0/20").to_string(), "10.213.16.0/20");
    for bad in ["", "10.0.0.0", "10.0.0.1/20", "10.0.0.0/33", "10.0.0.0/30", "0.0.0.0/0", "x/20", "10.0.0/8"]
    {
        assert_eq!(bad.parse::<Cidr>(), Err(NotACidr(bad.to_owned())));
    }
}

#[test]
fn hosts_are_numbered_up_to_the_last_but_one() {
    let net = cidr("10.213.16.0/20");
    assert_eq!(net.host(1), Some(Ipv4Addr::new(10, 213, 16, 1)));
    assert_eq!(net.host(4094), Some(Ipv4Addr::new(10, 213, 31, 254)));
    assert_eq!(net.host(4095), None);
}

#[test]
fn overlap_is_seen_whichever_is_larger() {
    assert!(cidr("10.0.0.0/8").overlaps(cidr("10.213.0.0/20")));
    assert!(cidr("10.213.0.0/20").overlaps(cidr("10.0.0.0/8")));
    assert!(!cidr("10.213.0.0/20").overlaps(cidr("10.213.16.0/20")));
}

#[test]
fn routes_are_read_and_avoided() {
    assert_eq!(routed(ROUTES, ""), [cidr("192.0.2.0/24"), cidr("10.213.0.0/20")]);
    assert_eq!(routed(ROUTES, "hkt"), [cidr("192.0.2.0/24")]);
    assert_eq!(default_interface(ROUTES), Some("eth0"));
    assert_eq!(pick(&routed(ROUTES, "hkt")), Some(cidr("10.213.0.0/20")));
    assert_eq!(pick(&routed(ROUTES, "")), Some(cidr("10.213.16.0/20")));
    assert_eq!(pick(&[cidr("10.0.0.0/8")]), Some(cidr("172.30.0.0/20")));
    assert_eq!(pick(&[cidr("10.0.0.0/8"), cidr("172.16.0.0/12"), cidr("100.64.0.0/10")]), None);
}
