use super::*;

const HEAD: &str =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

fn line(local: &str, state: &str) -> String {
    format!("   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 1 1\n")
}

#[test]
fn each_kind_of_address() {
    let cases = [
        ("00000000:1F90", "0A", Listening::Yes),
        ("0100007F:1F90", "0A", Listening::LoopbackOnly),
        ("0200007F:1F90", "0A", Listening::LoopbackOnly),
        ("02C9640A:1F90", "0A", Listening::Yes),
        ("00000000:1F91", "0A", Listening::No),
        ("00000000:1F90", "01", Listening::No),
        ("00000000000000000000000000000000:1F90", "0A", Listening::Yes),
        ("00000000000000000000000001000000:1F90", "0A", Listening::LoopbackOnly),
        ("0000000000000000FFFF00000100007F:1F90", "0A", Listening::LoopbackOnly),
        ("0000000000000000FFFF000002C9640A:1F90", "0A", Listening::Yes),
    ];
    for (local, state, expected) in cases {
        let table = format!("{HEAD}{}", line(local, state));
        assert_eq!(in_table(&table, 8080), expected, "{local} {state}");
    }
}

#[test]
fn the_widest_listener_counts_and_junk_is_nobody() {
    let both = format!("{HEAD}{}{}", line("0100007F:0050", "0A"), line("00000000:0050", "0A"));
    assert_eq!(in_table(&both, 80), Listening::Yes);
    assert_eq!(in_table("", 80), Listening::No);
    assert_eq!(in_table("x y z\n\n:", 80), Listening::No);
}

#[test]
fn all_ports_are_told() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = socket.local_addr().expect("address").port();
    let found = ports(Pid::this()).expect("look");
    assert_eq!(found.get(&port), Some(&Listening::LoopbackOnly), "{found:?}");
    drop(socket);
    assert_eq!(ports(Pid::this()).expect("look").get(&port), None);
}

#[test]
fn a_connection_waits_until_it_is_accepted() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = socket.local_addr().expect("address");
    let connection = std::net::TcpStream::connect(address).expect("a connection");
    let from = connection.local_addr().expect("an address").port();
    let arrival = || arrival(Pid::this(), address.port(), from).expect("look");
    while arrival() == Arrival::Unseen {
        std::thread::yield_now();
    }
    assert_eq!(arrival(), Arrival::Waiting);
    let accepted = socket.accept().expect("accept");
    assert_eq!(arrival(), Arrival::Accepted);
    drop(accepted);
    assert_eq!(arrival_in("x y z\n\n:", 80, 81), Arrival::Unseen);
}

#[test]
fn a_real_listener_of_this_process_is_found() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = socket.local_addr().expect("address").port();
    let me = Pid::this();
    assert_eq!(look(me, port).expect("look"), Listening::LoopbackOnly);
}

#[test]
fn a_process_that_is_gone_listens_to_nothing() {
    let never = Pid::from_raw(i32::MAX);
    assert_eq!(look(never, 80).expect("look"), Listening::No);
}
