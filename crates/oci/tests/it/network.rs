//! Dyno networks: who reaches whom, leases, restarts, and that nothing is left.

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use oci::network::{Egress, Lease, Network, NetworkConfig, NetworkError};
use oci::spec::{Bind, Spec};

use crate::support::{Lab, Shim};

/// Longest time a refusal may take.
const AT_ONCE: Duration = Duration::from_secs(2);

fn config(lab: &Lab) -> NetworkConfig {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    NetworkConfig {
        tag: format!("t{}{}", std::process::id() % 10_000, char::from(b'a' + (count % 26) as u8)),
        subnet: None,
        state_dir: lab.path("network"),
        egress: Egress::Open,
        allow: vec![],
        pool: 1,
    }
}

/// Runs a test on an open network and closes it in any case, checking that nothing is left.
async fn with_network<F: Future<Output = Network>>(config: NetworkConfig, test: impl FnOnce(Network) -> F) {
    let network = Network::open(config.clone()).await.expect("network");
    match AssertUnwindSafe(test(network)).catch_unwind().await {
        Ok(last) => {
            last.close().await.expect("close");
            assert_eq!(left_of(&config), "");
        }
        Err(panic) => {
            let _ = Network::open(config).await.expect("reopen").close().await;
            resume_unwind(panic);
        }
    }
}

fn left_of(config: &NetworkConfig) -> String {
    let bridge = format!("hk{}", config.tag);
    let mut left = String::new();
    for entry in fs::read_dir("/sys/class/net").expect("links") {
        let name = entry.expect("link").file_name().to_string_lossy().into_owned();
        if name.starts_with(&bridge) {
            left.push_str(&name);
        }
    }
    let tables = Command::new("nft").args(["list", "tables"]).output().expect("nft");
    if String::from_utf8_lossy(&tables.stdout).contains(&format!("hokku_{}", config.tag)) {
        left.push_str("table");
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    if mounts.contains(&config.state_dir.display().to_string()) || config.state_dir.exists() {
        left.push_str("files");
    }
    left
}

fn on(lease: &Lease, spec: Spec) -> Spec {
    Spec { netns: Some(lease.netns.clone()), id_base: lease.id_base(), ..spec }
}

/// A container that serves `hello` over HTTP on port 8080, on all its addresses.
fn server(lab: &Lab, lease: &Lease) -> Shim {
    let script = "echo hello > index.html; httpd -f -p 8080";
    let mut shim = lab.start(&on(lease, lab.script(&format!("server{}", lease.slot), script)));
    assert_eq!(shim.ask_until("listening 8080", |answer| answer != "No"), "Yes");
    shim
}

/// Whether a container can open a TCP connection, and how long it took to say so.
fn reaches(lab: &Lab, lease: &Lease, ip: Ipv4Addr, port: u16) -> (bool, Duration) {
    let script = format!("echo ready; nc -w 10 {ip} {port} -e /bin/true");
    let mut shim = lab.start(&on(lease, lab.script("probe", &script)));
    assert_eq!(shim.out_line(), "ready");
    let start = Instant::now();
    let ended = shim.finish();
    (ended.code == Some(0), start.elapsed())
}

fn refused(lab: &Lab, lease: &Lease, ip: Ipv4Addr, port: u16) {
    let (reached, took) = reaches(lab, lease, ip, port);
    assert!(!reached, "{ip}:{port} must be out of reach");
    assert!(took < AT_ONCE, "{ip}:{port} took {took:?} to be refused");
}

fn stop(mut shim: Shim) {
    assert_eq!(shim.ask("kill"), "killed");
    shim.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_reaches_a_dyno_and_no_other_dyno_does() {
    let lab = Lab::new();
    let config = config(&lab);
    let table = format!("hokku_{}", config.tag);
    with_network(config, async |network| {
        let (one, two) =
            (network.lease("web.1").await.expect("lease"), network.lease("web.2").await.expect("lease"));
        assert_ne!(one.id_base(), two.id_base());
        let shim = server(&lab, &one);
        let address = SocketAddr::from((one.ip, 8080));
        let mut stream = TcpStream::connect_timeout(&address, AT_ONCE).expect("from the host");
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("request");
        let page = std::io::read_to_string(stream).expect("answer");
        assert!(page.ends_with("hello\n"), "{page}");
        refused(&lab, &two, one.ip, 8080);
        let flush = Command::new("nft").args(["delete", "table", "inet", &table]).status();
        assert!(flush.expect("nft").success());
        refused(&lab, &two, one.ip, 8080);
        network.allow(&[]).await.expect("the firewall is mended");
        let (itself, _) = reaches(&lab, &one, one.ip, 8080);
        assert!(itself, "a dyno reaches itself by its address");
        stop(shim);
        network
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_dyno_at_an_address_is_reached_at_once() {
    let lab = Lab::new();
    with_network(NetworkConfig { pool: 0, ..config(&lab) }, async |network| {
        let mut addresses = BTreeSet::new();
        for round in 0..3 {
            let lease = network.lease(&format!("web.{round}")).await.expect("lease");
            addresses.insert(lease.ip);
            // Nobody listens, which a machine that is reached says at once.
            let answer = TcpStream::connect_timeout(&SocketAddr::from((lease.ip, 8080)), AT_ONCE);
            assert_eq!(answer.expect_err("nobody listens").kind(), std::io::ErrorKind::ConnectionRefused);
            network.release(&lease).await.expect("release");
        }
        assert_eq!(addresses.len(), 1, "the lowest free address is used again");
        network
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_is_out_of_reach_but_for_what_was_given() {
    let lab = Lab::new();
    with_network(config(&lab), async |network| {
        let lease = network.lease("web.1").await.expect("lease");
        let service = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("service");
        let port = service.local_addr().expect("address").port();
        let mut machine = vec![lease.gateway];
        machine.extend(own_address());
        for ip in &machine {
            refused(&lab, &lease, *ip, port);
        }
        network.allow(&[(lease.gateway, port)]).await.expect("allow");
        let (reached, _) = reaches(&lab, &lease, lease.gateway, port);
        assert!(reached, "the allowed service");
        refused(&lab, &lease, lease.gateway, port - 1);
        network.allow(&[]).await.expect("allow");
        refused(&lab, &lease, lease.gateway, port);
        refused(&lab, &lease, Ipv4Addr::new(169, 254, 169, 254), 80);
        network
    })
    .await;
}

/// The address this machine goes out from, if it has a way out.
fn own_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    match socket.local_addr().ok()? {
        SocketAddr::V4(address) => Some(*address.ip()),
        SocketAddr::V6(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_resolve_as_on_the_machine_also_when_private_addresses_are_denied() {
    let lab = Lab::new();
    for egress in [Egress::Open, Egress::DenyPrivate] {
        with_network(NetworkConfig { egress, ..config(&lab) }, async |network| {
            let lease = network.lease("web.1").await.expect("lease");
            fs::write(lab.path("resolv.conf"), network.resolv_conf()).expect("resolv.conf");
            let mut spec = on(&lease, lab.script("a", "nslookup example.com; echo done"));
            spec.binds.push(Bind {
                source: lab.path("resolv.conf"),
                target: PathBuf::from("/etc/resolv.conf"),
                read_only: true,
                mapped: false,
            });
            let ended = lab.run(&spec);
            assert!(!network.resolv_conf().is_empty(), "this machine has a name server");
            assert!(
                ended.out.contains("Server:") && ended.out.contains("done"),
                "{} {}",
                ended.out,
                ended.err
            );
            assert!(!ended.out.contains("timed out"), "{egress:?}: {}", ended.out);
            if egress == Egress::DenyPrivate {
                refused(&lab, &lease, Ipv4Addr::new(10, 99, 99, 99), 80);
            }
            network
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_only_its_own_interface_shows() {
    let lab = Lab::new();
    with_network(config(&lab), async |network| {
        let lease = network.lease("web.1").await.expect("lease");
        let script = "echo $(ls /sys/class/net); grep -c : /proc/net/dev; touch /sys/x; \
                      grep -c ' /sys ro,' /proc/self/mountinfo";
        for runtime in ["crun", "runc"] {
            let ended = lab.run_with(&on(&lease, lab.script("a", script)), runtime, "");
            assert_eq!(ended.out, "eth0 lo\n2\n1\n", "{runtime}: {}", ended.err);
        }
        network
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_adopts_those_who_live() {
    let lab = Lab::new();
    let config = config(&lab);
    let again = config.clone();
    with_network(config, async |network| {
        let (one, two) =
            (network.lease("web.1").await.expect("lease"), network.lease("web.2").await.expect("lease"));
        let shim = server(&lab, &one);
        drop(network);
        let network = Network::open(again).await.expect("reopen");
        assert_eq!(network.leases(), [one.clone(), two.clone()]);
        let kept = network.adopt(&BTreeSet::from(["web.1".to_owned()])).await.expect("adopt");
        assert_eq!(kept, std::slice::from_ref(&one));
        assert!(!two.netns.exists());
        let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", shim.child.id())).expect("mounts");
        let pin = |lease: &Lease| mounts.contains(&format!("{} ", lease.netns.display()));
        assert!(pin(&one) && !pin(&two), "the older shim lets go of it too: {mounts}");
        assert_eq!(network.lease("web.1").await.expect("lease"), one, "the same name, the same lease");
        TcpStream::connect_timeout(&(one.ip, 8080).into(), AT_ONCE).expect("it serves on");
        stop(shim);
        network.release(&one).await.expect("release");
        network.release(&one).await.expect("release again");
        network
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_machine_do_not_meet() {
    let (lab, other_lab) = (Lab::new(), Lab::new());
    let other_config = config(&other_lab);
    with_network(config(&lab), async |network| {
        with_network(other_config, async |other| {
            assert_ne!(network.subnet(), other.subnet());
            let (one, two) =
                (network.lease("web.1").await.expect("lease"), other.lease("web.1").await.expect("lease"));
            let shim = server(&lab, &one);
            refused(&other_lab, &two, one.ip, 8080);
            refused(&other_lab, &two, one.gateway, 8080);
            stop(shim);
            other
        })
        .await;
        network
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_come_from_the_pool_and_end_when_all_are_lent() {
    let lab = Lab::new();
    let subnet = Some("10.86.77.0/29".parse().expect("a network"));
    with_network(NetworkConfig { subnet, ..config(&lab) }, async |network| {
        let mut leases = Vec::new();
        for n in 0..5 {
            let start = Instant::now();
            leases.push(network.lease(&format!("web.{n}")).await.expect("lease"));
            let _ = writeln!(std::io::stderr(), "lease {n}: {:?}", start.elapsed());
        }
        let addresses: BTreeSet<_> = leases.iter().map(|lease| lease.ip).collect();
        assert_eq!(addresses.len(), 5);
        assert!(matches!(network.lease("web.9").await, Err(NetworkError::Full(5))));
        network.release(&leases[2]).await.expect("release");
        assert_eq!(network.lease("web.9").await.expect("lease").slot, leases[2].slot);
        assert!(matches!(network.lease("").await, Err(NetworkError::Name(_))));
        network
    })
    .await;
}

#[tokio::test]
async fn a_tag_that_would_not_do_is_refused() {
    let lab = Lab::new();
    for tag in ["", "123456789", "A", "a-b", "é"] {
        let config = NetworkConfig { tag: tag.to_owned(), ..config(&lab) };
        assert!(matches!(Network::open(config).await, Err(NetworkError::Tag(_))), "{tag}");
    }
}
