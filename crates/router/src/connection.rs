//! A client connection's life: plain or TLS by its first byte, then request after request.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::access::Tls;
use crate::http1::buffer::HeadScan;
use crate::http1::conn::{Conn, Elapsed, Io, Timer};
use crate::http1::request::{Arrival, Parsed, Refused, RequestHead, parse};
use crate::pages;
use crate::request::{self, After};
use crate::worker::{Peer, Place, Worker};

/// The first byte of a TLS handshake record; no HTTP method begins with it.
const TLS_HANDSHAKE: u8 = 0x16;
/// Serves one connection until either side ends it.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    socket: TcpStream,
    tls: Arc<ServerConfig>,
    surplus: bool,
    place: Place,
) {
    // A connection that fails before its first request concerns no app, and scanners make many.
    let Ok((mut client, peer)) = open(&worker, socket, tls, surplus).await else { return };
    let mut timer = Timer::new();
    let after = requests(&worker, &peer, &mut client, &mut timer, &place).await;
    close(&worker, &mut client, &mut timer, after).await;
}

/// Answers both plain HTTP and TLS on one port.
async fn open(
    worker: &Worker,
    socket: TcpStream,
    tls: Arc<ServerConfig>,
    surplus: bool,
) -> io::Result<(Conn, Peer)> {
    let limit = worker.limits.handshake;
    let (ip, port) = (socket.peer_addr()?.ip().to_canonical(), socket.local_addr()?.port());
    socket.set_nodelay(true)?;
    let mut first = [0];
    timeout(limit, socket.peek(&mut first)).await??;
    if first != [TLS_HANDSHAKE] {
        let peer = Peer { ip, port, tls: Tls::Off, sni: None, surplus };
        return Ok((Conn::new(Io::Tcp(socket)), peer));
    }
    let stream = timeout(limit, TlsAcceptor::from(tls).accept(socket)).await??;
    let session = stream.get_ref().1;
    let version = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => Tls::V12,
        _ => Tls::V13,
    };
    let sni = session.server_name().map(str::to_ascii_lowercase);
    let peer = Peer { ip, port, tls: version, sni, surplus };
    Ok((Conn::new(Io::Tls(Box::new(stream))), peer))
}

async fn requests(
    worker: &Worker,
    peer: &Peer,
    client: &mut Conn,
    timer: &mut Timer,
    place: &Place,
) -> After {
    loop {
        match next(worker, peer, client, timer, place).await {
            Next::Request(head) => match request::serve(worker, peer, client, timer, &head).await {
                After::Keep if !worker.connections.is_draining() => {}
                After::Keep => return After::Close,
                end => return end,
            },
            Next::Refused(status) => {
                client.out.extend(pages::refused(status).render(false, false).as_bytes());
                let sent = client.drain(timer, worker.limits.idle).await;
                return if sent.is_ok() { After::Linger } else { After::Abort };
            }
            Next::Over => return After::Close,
        }
    }
}

enum Next {
    Request(Box<RequestHead>),
    /// With this status.
    Refused(u16),
    /// The client has closed, or was silent for too long between two requests.
    Over,
}

/// Reads the next request's head.
async fn next(worker: &Worker, peer: &Peer, client: &mut Conn, timer: &mut Timer, place: &Place) -> Next {
    if client.inp.is_empty() {
        client.inp.rest();
        client.out.rest();
        place.idle.set(true);
        let first = timer.limit(worker.limits.client_idle, client.fill()).await;
        place.idle.set(false);
        if !matches!(first, Ok(Ok(1..))) {
            return Next::Over;
        }
    }
    match timer.limit(worker.limits.head, whole(worker, peer, client)).await {
        Ok(next) => next,
        Err(Elapsed) => Next::Refused(408),
    }
}

async fn whole(worker: &Worker, peer: &Peer, client: &mut Conn) -> Next {
    let mut scan = HeadScan::default();
    let arrival = Arrival {
        peer: peer.ip,
        port: peer.port,
        tls: peer.tls != Tls::Off,
        at: worker.clock.now(),
        random: worker.random(),
    };
    loop {
        let blank = client.inp.data().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        client.inp.consume(blank);
        if !client.inp.is_empty() && scan.ready(client.inp.data()) {
            match parse(client.inp.data(), arrival, &worker.limits) {
                Ok(Parsed::Partial) => {}
                Ok(Parsed::Whole(head, length)) => {
                    client.inp.consume(length);
                    return Next::Request(head);
                }
                Err(Refused::Malformed(_)) => return Next::Refused(400),
                Err(Refused::Connect) => return Next::Refused(405),
                Err(Refused::Coding) => return Next::Refused(501),
            }
        }
        if client.inp.len() > worker.limits.request_head {
            return Next::Refused(400);
        }
        if !matches!(client.fill().await, Ok(1..)) {
            return Next::Over;
        }
    }
}

async fn close(worker: &Worker, client: &mut Conn, timer: &mut Timer, after: After) {
    if after == After::Abort {
        client.abort();
        return;
    }
    // Whatever goes wrong from here on, the connection is gone anyway.
    let _ = timer.limit(worker.limits.linger, client.shutdown()).await;
    if after == After::Linger {
        let rest = async {
            while matches!(client.fill().await, Ok(1..)) {
                client.inp.clear();
            }
        };
        let _ = timer.limit(worker.limits.linger, rest).await;
    }
}
