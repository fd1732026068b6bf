//! SIGTERM drains the router. In a process of its own, since a signal reaches all of it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

use model::time::Timestamp;
use nix::sys::signal::{Signal, kill};
use router::{Limits, Listen, RouterConfig};

#[test]
fn sigterm_ends_it_in_order() {
    let home = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its address");
    let config = RouterConfig {
        listen: vec![Listen::Inherited(listener)],
        control_socket: home.path().join("control.sock"),
        table_file: home.path().join("table.json"),
        spool_dir: home.path().join("spool"),
        workers: 1,
        limits: Limits::default(),
    };
    let router = std::thread::spawn(|| router::serve(config, Arc::new(|| Timestamp::from_micros(0))));
    let mut client = TcpStream::connect(address).expect("the socket listens already");
    client.write_all(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n").expect("the router reads");
    let mut first = [0; 12];
    client.read_exact(&mut first).expect("an answer, so the router serves and minds signals");
    assert_eq!(&first, b"HTTP/1.1 404");
    kill(nix::unistd::getpid(), Signal::SIGTERM).expect("we may signal ourselves");
    let mut rest = String::new();
    client.read_to_string(&mut rest).expect("an idle connection is closed in order");
    router.join().expect("no panic").expect("it ends well");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}
