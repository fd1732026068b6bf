use super::*;

fn rules(egress: Egress) -> String {
    table(&Rules {
        tag: "t",
        bridge: "hkt",
        subnet: "10.213.0.0/20".parse().expect("a network"),
        egress,
        resolvers: &[Ipv4Addr::new(198, 51, 100, 53)],
        allow: &[(Ipv4Addr::new(10, 213, 0, 1), 5432), (Ipv4Addr::new(10, 213, 0, 1), 6379)],
        gateway: Ipv4Addr::new(10, 213, 0, 1),
        redirect: &[(5443, 6379)],
    })
}

#[test]
fn the_table_reads_like_its_drawing() {
    insta::assert_snapshot!(rules(Egress::Open));
}

#[test]
fn deny_private_adds_one_rule_after_what_was_given() {
    let (open, closed) = (rules(Egress::Open), rules(Egress::DenyPrivate));
    let added: Vec<_> = closed.lines().filter(|line| !open.contains(line)).collect();
    assert_eq!(added, [format!("        ip daddr {{ {PRIVATE} }} goto refuse")]);
    let at = |text: &str| closed.rfind(text).expect("present");
    assert!(at("jump given") < at("100.64.0.0/10"));
}

#[test]
fn a_dropping_chain_is_seen_unless_it_knows_our_bridge() {
    let docker = "table ip filter {\n chain FORWARD {\n  type filter hook forward priority 0; policy drop;\n";
    assert!(drops(docker, "hkt"));
    assert!(drops("-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n", "hkt"));
    assert!(!drops("-P FORWARD ACCEPT\n", "hkt"));
    assert!(!drops(&format!("{docker} iifname \"hkt\" accept\n"), "hkt"));
    assert!(!drops(&format!("{docker} iifname \"hk*\" accept\n"), "hkt"));
    assert!(!drops("", "hkt"));
}
