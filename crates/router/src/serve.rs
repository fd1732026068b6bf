//! The router process: its files and sockets, its workers, and its end.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use model::time::Timestamp;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{Backlog, listen};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::access::{self, Clock, Outbox};
use crate::config::{Limits, Listen, RouterConfig};
use crate::control;
use crate::fleet::{Fleet, Recruit};
use crate::saved;
use crate::tls::{Certificates, server_config};

/// Connections the kernel completes for us while we are busy.
const ACCEPT_QUEUE: i32 = 4096;
/// After an accept failed (out of descriptors, mostly).
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
/// Descriptors that are not connections: listeners, files, runtimes.
const DESCRIPTORS_RESERVED: u64 = 256;
/// Access lines kept while the server that reads them is down: 64 MiB, some 250,000 lines.
const SPOOL: logs::spool::Limits = logs::spool::Limits { segment_bytes: 1 << 20, segments: 64 };

/// The router could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another router lives on this control socket.
    #[error("another router is running: it holds {lock}")]
    AlreadyRunning {
        /// The lock file beside the control socket.
        lock: PathBuf,
    },
    /// No public address was given.
    #[error("no address to listen on was given")]
    NoListener,
    /// A public address could not be bound.
    #[error("could not listen on {address}; is another server using it?")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The control socket or its lock could not be made.
    #[error("could not set up the control socket {at}")]
    Control {
        /// The file.
        at: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The log spool could not be begun.
    #[error("could not begin the spool of access lines")]
    Spool {
        /// Why.
        #[source]
        cause: logs::spool::OpenError,
    },
    /// TLS could not be set up.
    #[error("could not set up TLS")]
    Tls {
        /// Why.
        #[source]
        cause: rustls::Error,
    },
    /// A thread or runtime could not be started.
    #[error("could not start the router's threads")]
    Threads {
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A worker's thread ended although nobody asked it to; the others are of no use without it.
    #[error("a worker of the router ended by itself")]
    WorkerEnded,
}

/// Runs the router until SIGTERM or SIGINT (which drain it within [`Limits::drain`]) or a drain by the control
/// server. It blocks, and starts threads of its own; `now` is the wall clock.
///
/// When it serves, it writes one line to standard error:
/// `hokku router: ready on 127.0.0.1:5080, 3 hosts (generation 12)`.
///
/// # Errors
/// If it cannot start; see [`ServeError`].
pub fn serve(config: RouterConfig, now: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Result<(), ServeError> {
    serve_until(config, now, async {
        let terminated = async { signal(SignalKind::terminate()).ok()?.recv().await };
        let interrupted = async { signal(SignalKind::interrupt()).ok()?.recv().await };
        tokio::select! { _ = terminated => {}, _ = interrupted => {} }
    })
}

/// As [`serve`], but ends when `stop` does instead of by a signal.
///
/// # Errors
/// If it cannot start; see [`ServeError`].
pub fn serve_until(
    mut config: RouterConfig,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let threads = |cause| ServeError::Threads { cause };
    let _lock = lock(&config.control_socket)?;
    set_connections(&mut config.limits);
    let listeners = config.listen.drain(..).map(bind).collect::<Result<Vec<_>, _>>()?;
    if listeners.is_empty() {
        return Err(ServeError::NoListener);
    }
    let certificates = Arc::new(Certificates::default());
    let (recruits, writer) = recruits(&config, &now, &certificates)?;
    let fleet =
        Fleet::start(recruits, &config.limits, certificates, config.table_file.clone()).map_err(threads)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(threads)?;
    let ended = LocalSet::new().block_on(&runtime, live(&config, listeners, Rc::new(fleet), stop));
    drop(runtime);
    if writer.join().is_err() {
        tracing::error!("the thread that writes access lines panicked");
    }
    ended
}

/// From the first table to the last request.
async fn live(
    config: &RouterConfig,
    listeners: Vec<TcpListener>,
    fleet: Rc<Fleet>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let control = control::server::bind(&config.control_socket)
        .map_err(|cause| ServeError::Control { at: config.control_socket.clone(), cause })?;
    let hosts = restore(&config.table_file, &fleet).await;
    let mut tasks = tokio::task::JoinSet::new();
    let mut addresses = Vec::new();
    for listener in listeners {
        let unusable = |cause| ServeError::Listen { address: "an inherited socket".to_owned(), cause };
        addresses.push(listener.local_addr().map_err(unusable)?);
        let listener = tokio::net::TcpListener::from_std(listener).map_err(unusable)?;
        tasks.spawn_local(accept(listener, Rc::clone(&fleet)));
    }
    let control = tokio::task::spawn_local(control::server::serve(control, Rc::clone(&fleet)));
    announce(&addresses, &hosts);
    tokio::select! {
        () = stop => fleet.begin_drain(config.limits.drain),
        () = fleet.drain_begins.notified() => {}
        () = fleet.one_ended() => return Err(ServeError::WorkerEnded),
    }
    tasks.shutdown().await;
    fleet.drain(fleet.drain_deadline().unwrap_or(config.limits.drain)).await;
    control.abort();
    // The next router replaces the file if it is still there.
    let _ = std::fs::remove_file(&config.control_socket);
    Ok(())
}

/// Keeps a second router off the same control socket. The lock ends with the process, however it ends.
fn lock(control_socket: &Path) -> Result<File, ServeError> {
    let at = control_socket.with_extension("lock");
    let error = |cause| ServeError::Control { at: at.clone(), cause };
    let file = File::create(&at).map_err(error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::AlreadyRunning { lock: at }),
        Err(TryLockError::Error(cause)) => Err(error(cause)),
    }
}

/// As many connections as there are descriptors for: each may need another one to a dyno.
fn set_connections(limits: &mut Limits) {
    let descriptors = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() => hard,
        Ok((soft, _)) => soft,
        Err(_) => 1024,
    };
    if limits.connections == 0 {
        let most = descriptors.saturating_sub(DESCRIPTORS_RESERVED).max(64) / 2;
        limits.connections = usize::try_from(most).unwrap_or(usize::MAX / 2);
    }
}

fn bind(listen_on: Listen) -> Result<TcpListener, ServeError> {
    let (listener, address) = match listen_on {
        Listen::Address(address) => (TcpListener::bind(address), address.to_string()),
        Listen::Inherited(listener) => (Ok(listener), "an inherited socket".to_owned()),
    };
    let ready = listener.and_then(|listener| {
        listener.set_nonblocking(true)?;
        listen(&listener, Backlog::new(ACCEPT_QUEUE)?)?;
        Ok(listener)
    });
    ready.map_err(|cause| ServeError::Listen { address, cause })
}

/// The workers to be, and the thread that writes their access lines.
fn recruits(
    config: &RouterConfig,
    now: &Arc<dyn Fn() -> Timestamp + Send + Sync>,
    certificates: &Arc<Certificates>,
) -> Result<(Vec<Recruit>, JoinHandle<()>), ServeError> {
    let tls = server_config(Arc::clone(certificates)).map_err(|cause| ServeError::Tls { cause })?;
    let tls = Arc::new(tls);
    let mut spool = logs::spool::Writer::open(&config.spool_dir, "router", SPOOL)
        .map_err(|cause| ServeError::Spool { cause })?;
    let (to_spool, lines) = access::channel();
    let write = move || access::write_all(&lines, &mut spool);
    let writer = std::thread::Builder::new().name("router-access".to_owned()).spawn(write);
    let writer = writer.map_err(|cause| ServeError::Threads { cause })?;
    let count = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    };
    let recruit = || {
        let clock = Clock(Arc::clone(now));
        let outbox = Outbox::new(clock.clone(), to_spool.clone());
        Recruit { limits: config.limits.clone(), clock, outbox, tls: Arc::clone(&tls) }
    };
    Ok(((0..count).map(|_| recruit()).collect(), writer))
}

/// Uses the table of the last life; says which it is.
async fn restore(table_file: &Path, fleet: &Fleet) -> String {
    match saved::load(table_file) {
        Ok(Some(table)) => {
            fleet.apply(&table).await;
            format!("{} hosts (generation {})", table.routes.len(), table.generation)
        }
        Ok(None) => "no hosts yet".to_owned(),
        Err(error) => {
            // Better to serve nothing until the next table than to need a person.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(error = %error, cause, "starting with an empty routing table: {error}");
            "no hosts yet".to_owned()
        }
    }
}

/// Tells who started us; a closed standard error is no reason to end.
fn announce(addresses: &[SocketAddr], hosts: &str) {
    let on: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let _ = writeln!(io::stderr(), "hokku router: ready on {}, {hosts}", on.join(", "));
}

async fn accept(listener: tokio::net::TcpListener, fleet: Rc<Fleet>) {
    loop {
        match listener.accept().await.and_then(|(socket, _)| socket.into_std()) {
            Ok(socket) => fleet.deal(socket).await,
            Err(cause) => {
                tracing::warn!(cause = %cause, "a connection could not be accepted: {cause}");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}
