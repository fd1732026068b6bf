//! One worker: a thread with its own runtime, its own connections to dynos, and its own view of the table.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::access::{Clock, Outbox, Tls};
use crate::config::Limits;
use crate::snapshot::{Destination, Snapshot};
use crate::upstream::Pool;

/// What a worker's tasks share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) pool: Pool,
    pub(crate) table_changed: Notify,
    pub(crate) connections: Connections,
    table: RefCell<Arc<Snapshot>>,
    random: RefCell<SmallRng>,
}

/// Who a client connection comes from, and how.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) ip: IpAddr,
    /// The port it came in at.
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    /// The server name in its TLS hello.
    pub(crate) sni: Option<String>,
    /// There are too many connections: its requests get H22.
    pub(crate) surplus: bool,
}

impl Worker {
    pub(crate) fn new(limits: Limits, clock: Clock, outbox: Outbox, load: Arc<AtomicUsize>) -> Self {
        Self {
            limits,
            clock,
            outbox,
            pool: Pool::default(),
            table_changed: Notify::new(),
            connections: Connections::new(load),
            table: RefCell::default(),
            random: RefCell::new(SmallRng::from_os_rng()),
        }
    }

    /// Uses `table` from now on; connections to dynos that are not in it are closed when idle.
    pub(crate) fn apply(&self, table: Arc<Snapshot>) {
        self.pool.retain(|dyno| table.uses(dyno));
        self.table.replace(table);
        self.table_changed.notify_waiters();
    }

    pub(crate) fn find(&self, host: &str) -> Option<Arc<Destination>> {
        self.table.borrow().find(host).cloned()
    }

    /// The answer to a certificate authority that asks for this path.
    pub(crate) fn challenge(&self, path: &str) -> Option<String> {
        self.table.borrow().challenge(path).map(str::to_owned)
    }

    pub(crate) fn random<T>(&self) -> T
    where
        rand::distr::StandardUniform: rand::distr::Distribution<T>,
    {
        self.random.borrow_mut().random()
    }

    /// Whether the present table still sends requests to that dyno.
    pub(crate) fn uses(&self, dyno: u64) -> bool {
        self.table.borrow().uses(dyno)
    }
}

/// The client connections of a worker, so that they can be ended from outside.
#[derive(Debug)]
pub(crate) struct Connections {
    open: RefCell<HashMap<u64, Entry>>,
    next: Cell<u64>,
    /// As seen by the thread that deals connections out.
    load: Arc<AtomicUsize>,
    draining: Cell<bool>,
    pub(crate) all_closed: Notify,
}

#[derive(Debug)]
struct Entry {
    task: AbortHandle,
    idle: Rc<Cell<bool>>,
}

/// A connection's place among the others, while it lives.
#[derive(Debug)]
pub(crate) struct Place {
    worker: Rc<Worker>,
    number: u64,
    /// Between two requests, with nothing received: it can be ended without harm.
    pub(crate) idle: Rc<Cell<bool>>,
}

impl Connections {
    fn new(load: Arc<AtomicUsize>) -> Self {
        Self {
            open: RefCell::default(),
            next: Cell::new(0),
            load,
            draining: Cell::new(false),
            all_closed: Notify::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.borrow().is_empty()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Lets every connection end after its present request; idle ones end now.
    pub(crate) fn drain(&self) {
        self.draining.set(true);
        for entry in self.open.borrow().values().filter(|entry| entry.idle.get()) {
            entry.task.abort();
        }
    }

    /// Cuts every connection off; its request logs H24.
    pub(crate) fn cut(&self) {
        for entry in self.open.borrow().values() {
            entry.task.abort();
        }
    }
}

impl Place {
    /// Starts the task of a new connection, which holds its place.
    pub(crate) fn spawn<F>(worker: &Rc<Worker>, life: impl FnOnce(Rc<Worker>, Self) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let connections = &worker.connections;
        let number = connections.next.replace(connections.next.get() + 1);
        let idle = Rc::new(Cell::new(false));
        let place = Self { worker: Rc::clone(worker), number, idle: Rc::clone(&idle) };
        let task = tokio::task::spawn_local(life(Rc::clone(worker), place)).abort_handle();
        connections.open.borrow_mut().insert(number, Entry { task, idle });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let connections = &self.worker.connections;
        connections.open.borrow_mut().remove(&self.number);
        connections.load.fetch_sub(1, Ordering::Relaxed);
        if connections.is_empty() {
            connections.all_closed.notify_waiters();
        }
    }
}
