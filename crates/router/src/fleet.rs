//! All workers together: starting them, dealing connections out, publishing tables, draining.
//!
//! One thread accepts for all and gives each connection to the worker that has fewest. With a listener per
//! worker (`SO_REUSEPORT`) the kernel deals by hash, unevenly, and closing one resets what waits in its queue.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::select_all;
use rustls::ServerConfig;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::LocalSet;

use crate::access::{Clock, Outbox};
use crate::config::Limits;
use crate::connection;
use crate::saved;
use crate::snapshot::{Registry, Snapshot};
use crate::table::Table;
use crate::tls::Certificates;
use crate::worker::{Place, Worker};

/// Connections and orders waiting for one worker.
const ORDERS_MAX: usize = 1024;
/// Pooled connections that the dynos have closed are let go this often.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// From the main thread to a worker.
#[derive(Debug)]
enum Order {
    Serve { socket: TcpStream, surplus: bool },
    Use(Arc<Snapshot>, oneshot::Sender<()>),
    Drain,
    Cut,
}

#[derive(Debug)]
struct Member {
    orders: mpsc::Sender<Order>,
    load: Arc<AtomicUsize>,
    thread: RefCell<Option<JoinHandle<()>>>,
}

/// What a worker is made of.
pub(crate) struct Recruit {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) tls: Arc<ServerConfig>,
}

/// The workers, as the main thread sees them.
#[derive(Debug)]
pub(crate) struct Fleet {
    members: Vec<Member>,
    registry: RefCell<Registry>,
    certificates: Arc<Certificates>,
    table_file: PathBuf,
    connections_max: usize,
    next: Cell<usize>,
    drain: Cell<Option<Duration>>,
    pub(crate) drain_begins: Notify,
    /// Tables are applied one after the other.
    publishing: tokio::sync::Mutex<()>,
}

impl Fleet {
    /// Starts a thread for each recruit.
    pub(crate) fn start(
        recruits: Vec<Recruit>,
        limits: &Limits,
        certificates: Arc<Certificates>,
        table_file: PathBuf,
    ) -> io::Result<Self> {
        let members =
            recruits.into_iter().enumerate().map(|(number, recruit)| Member::start(number, recruit));
        Ok(Self {
            members: members.collect::<io::Result<_>>()?,
            registry: RefCell::new(Registry::new(limits.clone())),
            certificates,
            table_file,
            connections_max: limits.connections,
            next: Cell::new(0),
            drain: Cell::new(None),
            drain_begins: Notify::new(),
            publishing: tokio::sync::Mutex::new(()),
        })
    }

    /// Keeps the table for the next start and makes every worker use it. The disk is waited for elsewhere: this
    /// thread accepts connections.
    pub(crate) async fn publish(&self, table: Table) {
        let _turn = self.publishing.lock().await;
        let (table, at) = (Arc::new(table), self.table_file.clone());
        let same = Arc::clone(&table);
        let saved = tokio::task::spawn_blocking(move || saved::save(&at, &same));
        self.apply(&table).await;
        if let Ok(Err(error)) = saved.await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(error = %error, cause, "a restarted router will not know this table: {error}");
        }
    }

    /// Makes every worker use the table.
    pub(crate) async fn apply(&self, table: &Table) {
        for error in self.certificates.replace(&table.certificates) {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(error = %error, cause, "{error}");
        }
        let snapshot = Arc::new(self.registry.borrow_mut().index(table));
        let mut applied = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let (done, when_done) = oneshot::channel();
            // A worker that has ended serves nothing, so it needs no table.
            if member.orders.send(Order::Use(Arc::clone(&snapshot), done)).await.is_ok() {
                applied.push(when_done);
            }
        }
        for when_done in applied {
            let _ = when_done.await;
        }
    }

    pub(crate) fn in_flight(&self, addresses: &[SocketAddr]) -> BTreeMap<SocketAddr, u32> {
        self.registry.borrow().in_flight(addresses)
    }

    /// Client connections now open.
    pub(crate) fn connections(&self) -> usize {
        self.members.iter().map(|member| member.load.load(Ordering::Relaxed)).sum()
    }

    /// Gives a new connection to the worker with the fewest; on equal terms in turn.
    pub(crate) async fn deal(&self, socket: TcpStream) {
        let open = self.connections();
        if open >= self.connections_max + self.connections_max / 10 {
            return;
        }
        let surplus = open >= self.connections_max;
        let first = self.next.replace(self.next.get().wrapping_add(1));
        let all = (0..self.members.len()).map(|turn| &self.members[(first + turn) % self.members.len()]);
        let Some(member) = all.min_by_key(|member| member.load.load(Ordering::Relaxed)) else { return };
        member.load.fetch_add(1, Ordering::Relaxed);
        if member.orders.send(Order::Serve { socket, surplus }).await.is_err() {
            member.load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Asks the main thread to end everything within `deadline`.
    pub(crate) fn begin_drain(&self, deadline: Duration) {
        let sooner = self.drain.get().map_or(deadline, |other| other.min(deadline));
        self.drain.set(Some(sooner));
        self.drain_begins.notify_one();
    }

    /// The deadline of the drain that was asked for, if one was.
    pub(crate) fn drain_deadline(&self) -> Option<Duration> {
        self.drain.get()
    }

    /// Lets all requests finish, cuts off what is left at the deadline, and returns when all threads have ended.
    pub(crate) async fn drain(&self, deadline: Duration) {
        self.order_all(|| Order::Drain).await;
        if tokio::time::timeout(deadline, self.all_ended()).await.is_err() {
            self.order_all(|| Order::Cut).await;
            self.all_ended().await;
        }
        for member in &self.members {
            if let Some(thread) = member.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("a router worker panicked");
            }
        }
    }

    async fn order_all(&self, order: impl Fn() -> Order) {
        for member in &self.members {
            // One that has ended already needs no order.
            let _ = member.orders.send(order()).await;
        }
    }

    /// Until one worker has ended, which before a drain none should.
    pub(crate) async fn one_ended(&self) {
        select_all(self.members.iter().map(|member| Box::pin(member.orders.closed()))).await;
    }

    /// Until every worker has ended.
    async fn all_ended(&self) {
        for member in &self.members {
            member.orders.closed().await;
        }
    }
}

impl Member {
    fn start(number: usize, recruit: Recruit) -> io::Result<Self> {
        let (orders, from) = mpsc::channel(ORDERS_MAX);
        let load = Arc::new(AtomicUsize::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&load);
        let run = move || LocalSet::new().block_on(&runtime, work(recruit, shared, from));
        let thread = std::thread::Builder::new().name(format!("router-{number}")).spawn(run)?;
        Ok(Self { orders, load, thread: RefCell::new(Some(thread)) })
    }
}

/// A worker's life: follows orders until it is drained.
async fn work(recruit: Recruit, load: Arc<AtomicUsize>, mut orders: mpsc::Receiver<Order>) {
    let Recruit { limits, clock, outbox, tls } = recruit;
    let worker = Rc::new(Worker::new(limits, clock, outbox, load));
    let chores = tokio::task::spawn_local(chores(Rc::clone(&worker)));
    loop {
        let closed = worker.connections.all_closed.notified();
        if worker.connections.is_draining() && worker.connections.is_empty() {
            break;
        }
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Serve { socket, surplus }) => begin(&worker, socket, surplus, &tls),
                Some(Order::Use(table, done)) => {
                    worker.apply(table);
                    // Nobody waits for it any more: the control connection broke.
                    let _ = done.send(());
                }
                Some(Order::Drain) => worker.connections.drain(),
                Some(Order::Cut) => worker.connections.cut(),
                // The main thread is gone, and with it all connections to come.
                None => break,
            },
            () = closed => {}
        }
    }
    chores.abort();
    worker.outbox.send();
}

fn begin(worker: &Rc<Worker>, socket: TcpStream, surplus: bool, tls: &Arc<ServerConfig>) {
    let tls = Arc::clone(tls);
    Place::spawn(worker, |worker, place| async move {
        // A socket that is already dead needs no service.
        if let Ok(socket) = tokio::net::TcpStream::from_std(socket) {
            connection::serve(worker, socket, tls, surplus, place).await;
        }
    });
}

/// Sends access lines off, and lets go of connections that nobody uses.
async fn chores(worker: Rc<Worker>) {
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            () = worker.outbox.pending() => {
                tokio::time::sleep(worker.limits.access_flush).await;
                worker.outbox.send();
            }
            _ = sweep.tick() => worker.pool.sweep(worker.limits.upstream_idle),
        }
    }
}
