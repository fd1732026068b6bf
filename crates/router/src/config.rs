//! What the router is told at start: where it listens, where its files are, and every limit it keeps.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

/// One public address to serve; plain HTTP and TLS are told apart by their first byte.
#[derive(Debug)]
pub enum Listen {
    /// Bind this address; it fails if someone else serves it.
    Address(SocketAddr),
    /// A socket that is already bound (handed over by a parent, or bound to port 0 by a test).
    Inherited(TcpListener),
}

/// Everything [`crate::serve`] needs.
#[derive(Debug)]
pub struct RouterConfig {
    /// The public addresses; at least one.
    pub listen: Vec<Listen>,
    /// The unix socket of the control protocol; its `.lock` neighbour keeps a second router out.
    pub control_socket: PathBuf,
    /// Where the last published table is kept (mode 0600, replaced atomically), so that a restart serves at once.
    pub table_file: PathBuf,
    /// The folder of log spools, where access lines go.
    pub spool_dir: PathBuf,
    /// Worker threads; 0 means one per core.
    pub workers: usize,
    /// The limits; [`Limits::default`] is Heroku's.
    pub limits: Limits,
}

/// Every limit of the data plane. The defaults are Heroku's, where Heroku has one.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From accepting a connection to its first byte, and again to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// A kept-alive client connection without a request is closed after this (Heroku: 60 s).
    pub client_idle: Duration,
    /// Connecting to a dyno (H19; Heroku: 5 s).
    pub connect: Duration,
    /// How long a dyno that refused a connection is left alone (Heroku: 5 s).
    pub quarantine: Duration,
    /// From the last byte of the request to the first of the response (H12; Heroku: 30 s).
    pub first_byte: Duration,
    /// Silence in the middle of a body or a WebSocket (H15, H28; Heroku: 55 s).
    pub idle: Duration,
    /// Waiting for a first dyno to be up (H20), or for a quarantine to end (H34; Heroku: 75 s).
    pub boot: Duration,
    /// Silence on a control connection; pushes and log tails are quiet for long.
    pub control_idle: Duration,
    /// An idle kept-alive connection to a dyno is closed after this (Heroku's Router 2.0: 90 s).
    pub upstream_idle: Duration,
    /// Idle connections kept per dyno and worker.
    pub upstream_idle_max: usize,
    /// How long a closing connection goes on reading, so that the client sees the answer and no reset.
    pub linger: Duration,
    /// Requests one dyno works on at once, over all workers (Heroku: 50).
    pub dyno_in_flight: u32,
    /// Requests that may wait, per dyno of the app (H11; Heroku: 50).
    pub backlog_per_dyno: u32,
    /// Requests that may wait for an app whose first dyno is still starting (H11).
    pub backlog_starting: u32,
    /// Requests the control server works on at once.
    pub control_in_flight: u32,
    /// Dynos tried for one request (H19, H21; Heroku: 10).
    pub connect_attempts: u32,
    /// Client connections in all; those above it get H22, and a tenth above it are closed at once. 0: half of
    /// the process's limit of open files.
    pub connections: usize,
    /// Bytes of the request line (Heroku: 8192).
    pub request_line: usize,
    /// Bytes of one request header line (Heroku: 8192).
    pub header_line: usize,
    /// Bytes of a request header's name (Heroku: 1000).
    pub header_name: usize,
    /// Bytes of the method (Heroku: 127).
    pub method: usize,
    /// Bytes of a whole request head.
    pub request_head: usize,
    /// Bytes of a response's status line (H25; Heroku: 8192).
    pub status_line: usize,
    /// Bytes of one response header line (H25; Heroku: 512 kB).
    pub response_header_line: usize,
    /// Bytes of one `Set-Cookie` (H25; Heroku: 8192).
    pub cookie: usize,
    /// Bytes of a whole response head (H25).
    pub response_head: usize,
    /// Bytes buffered on the way to a dyno, and of pipelined requests, per connection.
    pub upload_buffer: usize,
    /// Bytes of a response buffered for a slow client, so that the dyno is free again (Heroku: 1 MB).
    pub response_buffer: usize,
    /// Access lines reach the spool at least this often.
    pub access_flush: Duration,
    /// How long SIGTERM lets requests finish before they are cut off (H24).
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            client_idle: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            quarantine: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(55),
            boot: Duration::from_secs(75),
            control_idle: Duration::from_secs(3600),
            upstream_idle: Duration::from_secs(90),
            upstream_idle_max: 256,
            linger: Duration::from_secs(2),
            dyno_in_flight: 50,
            backlog_per_dyno: 50,
            backlog_starting: 1000,
            control_in_flight: 4096,
            connect_attempts: 10,
            connections: 0,
            request_line: 8192,
            header_line: 8192,
            header_name: 1000,
            method: 127,
            request_head: 256 * 1024,
            status_line: 8192,
            response_header_line: 512 * 1024,
            cookie: 8192,
            response_head: 1024 * 1024,
            upload_buffer: 64 * 1024,
            response_buffer: 1024 * 1024,
            access_flush: Duration::from_millis(10),
            drain: Duration::from_secs(30),
        }
    }
}
