//! The table as the workers use it: hosts indexed, and the dynos' live counters carried from table to table.
//!
//! A worker looks a host up and takes a slot of a dyno without waiting in between. So once all workers use a
//! table, a dyno that is not in it gets no new request, and its `in_flight` can only fall.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use model::id::AppId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::Limits;
use crate::host;
use crate::table::{RouteState, Table};

/// One published table, indexed.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    exact: HashMap<String, Arc<Destination>>,
    /// Keyed by what follows `*.`.
    wildcard: HashMap<String, Arc<Destination>>,
    /// The ids of all dynos named.
    dynos: HashSet<u64>,
    /// Token to answer.
    challenges: BTreeMap<String, String>,
}

/// Where a certificate authority looks whether a host is ours.
const CHALLENGE_PATH: &str = "/.well-known/acme-challenge/";

/// Where a host leads.
#[derive(Debug)]
pub(crate) enum Destination {
    App(AppRoute),
    Control(Arc<Dyno>),
}

/// An app as one host sees it.
#[derive(Debug)]
pub(crate) struct AppRoute {
    pub(crate) app: AppId,
    pub(crate) serving: Serving,
    pub(crate) maintenance: bool,
    pub(crate) error_page_url: Option<String>,
    pub(crate) maintenance_page_url: Option<String>,
    pub(crate) gate: Arc<Gate>,
}

/// What serves an app, with the dynos' live state.
#[derive(Debug)]
pub(crate) enum Serving {
    /// Never empty.
    Dynos(Vec<Arc<Dyno>>),
    Starting,
    Crashed,
    NoWebProcess,
    Blank,
}

/// Where a dyno listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// One dyno and its counters, shared by all workers and by all tables that name it.
#[derive(Debug)]
pub(crate) struct Dyno {
    /// Differs between any two dynos of this process, so that connection pools cannot mix them up.
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) address: Address,
    in_flight: AtomicU32,
    in_flight_max: u32,
    /// Milliseconds after `epoch`; 0: not quarantined.
    quarantined_until: AtomicU64,
    epoch: Instant,
    gate: Arc<Gate>,
}

/// The right to send one request to a dyno; dropping it gives the right to the next in the queue.
#[derive(Debug)]
pub(crate) struct Slot(pub(crate) Arc<Dyno>);

/// Where requests of one app wait for a slot, in whichever worker they are.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    waiting: AtomicUsize,
    pub(crate) freed: Notify,
}

/// One waiting request, counted while it lives.
#[derive(Debug)]
pub(crate) struct Queued(Arc<Gate>);

impl Snapshot {
    /// What serves `host` (already normalised): exact names first, then one-label wildcards.
    pub(crate) fn find(&self, host: &str) -> Option<&Arc<Destination>> {
        self.exact.get(host).or_else(|| self.wildcard.get(host::parent(host)?))
    }

    /// The answer to a certificate authority, if this is a path where one is expected. Other paths below are the app's.
    pub(crate) fn challenge(&self, path: &str) -> Option<&str> {
        let token = path.strip_prefix(CHALLENGE_PATH)?;
        self.challenges.get(token).map(String::as_str)
    }

    /// Whether this table sends requests to the dyno with this id.
    pub(crate) fn uses(&self, dyno: u64) -> bool {
        self.dynos.contains(&dyno)
    }

    fn insert(&mut self, pattern: &str, destination: Arc<Destination>) {
        match &*destination {
            Destination::App(AppRoute { serving: Serving::Dynos(dynos), .. }) => {
                self.dynos.extend(dynos.iter().map(|dyno| dyno.id));
            }
            Destination::App(_) => {}
            Destination::Control(dyno) => {
                self.dynos.insert(dyno.id);
            }
        }
        match pattern.strip_prefix("*.") {
            Some(parent) => self.wildcard.insert(parent.to_ascii_lowercase(), destination),
            None => self.exact.insert(pattern.to_ascii_lowercase(), destination),
        };
    }
}

impl Dyno {
    /// Takes a slot, unless the dyno is full.
    fn try_slot(self: &Arc<Self>) -> Option<Slot> {
        let fits = |count: u32| (count < self.in_flight_max).then_some(count + 1);
        self.in_flight.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).ok()?;
        Some(Slot(Arc::clone(self)))
    }

    /// Leaves the dyno alone for a while: it refused or did not answer a connection.
    pub(crate) fn quarantine(&self, length: Duration) {
        let until = (Instant::now() + length).duration_since(self.epoch).as_millis();
        self.quarantined_until.store(u64::try_from(until).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }

    /// When the quarantine ends, if there is one.
    fn quarantined(&self) -> Option<Instant> {
        match self.quarantined_until.load(Ordering::Relaxed) {
            0 => None,
            until => Some(self.epoch + Duration::from_millis(until)).filter(|end| *end > Instant::now()),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        if self.0.gate.waiting.load(Ordering::SeqCst) > 0 {
            self.0.gate.freed.notify_one();
        }
    }
}

impl Gate {
    /// Joins the queue, unless `max` requests wait already.
    pub(crate) fn enter(self: &Arc<Self>, max: usize) -> Option<Queued> {
        let fits = |count: usize| (count < max).then_some(count + 1);
        self.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).ok()?;
        Some(Queued(Arc::clone(self)))
    }
}

impl Queued {
    /// Whether this is a place in that queue.
    pub(crate) fn is_at(&self, gate: &Arc<Gate>) -> bool {
        Arc::ptr_eq(&self.0, gate)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What [`choose`] found.
#[derive(Debug)]
pub(crate) enum Choice {
    Slot(Slot),
    /// Every dyno that may be used works on as many requests as it may.
    AllFull,
    /// Every dyno refused a connection lately; the first is tried again at this time.
    AllQuarantined(Instant),
}

/// Takes a slot of one of `dynos`, beginning at a random one; `None` if there are no dynos.
pub(crate) fn choose(dynos: &[Arc<Dyno>], random: u32) -> Option<Choice> {
    let first = (random as usize).checked_rem(dynos.len())?;
    let mut earliest: Option<Instant> = None;
    let mut full = false;
    for turn in 0..dynos.len() {
        let dyno = &dynos[(first + turn) % dynos.len()];
        match dyno.quarantined() {
            Some(end) => earliest = Some(earliest.map_or(end, |first| first.min(end))),
            None => match dyno.try_slot() {
                Some(slot) => return Some(Choice::Slot(slot)),
                None => full = true,
            },
        }
    }
    Some(match earliest {
        Some(end) if !full => Choice::AllQuarantined(end),
        _ => Choice::AllFull,
    })
}

/// Indexes tables one after the other, and knows every dyno that still has requests.
#[derive(Debug)]
pub(crate) struct Registry {
    epoch: Instant,
    next_id: u64,
    dynos: HashMap<(AppId, String, SocketAddr), Weak<Dyno>>,
    gates: HashMap<AppId, Weak<Gate>>,
    /// Parts of the platform, by their sockets.
    platform: HashMap<PathBuf, Arc<Dyno>>,
    limits: Limits,
}

impl Registry {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            epoch: Instant::now(),
            next_id: 0,
            dynos: HashMap::new(),
            gates: HashMap::new(),
            platform: HashMap::new(),
            limits,
        }
    }

    /// Indexes `table`; dynos known before keep their counters and pooled connections.
    pub(crate) fn index(&mut self, table: &Table) -> Snapshot {
        let mut snapshot = Snapshot { challenges: table.challenges.clone(), ..Snapshot::default() };
        for (host, route) in &table.routes {
            let gate = self.gate(route.app_id);
            let serving = match &route.state {
                RouteState::Serving { dynos } if !dynos.is_empty() => {
                    let named =
                        |up: &crate::table::Upstream| self.dyno(route.app_id, &up.name, up.addr, &gate);
                    Serving::Dynos(dynos.iter().map(named).collect())
                }
                RouteState::Serving { .. } | RouteState::Starting => Serving::Starting,
                RouteState::Crashed => Serving::Crashed,
                RouteState::NoWebProcess => Serving::NoWebProcess,
                RouteState::Blank => Serving::Blank,
            };
            let destination = Destination::App(AppRoute {
                app: route.app_id,
                serving,
                maintenance: route.maintenance,
                error_page_url: route.error_page_url.clone(),
                maintenance_page_url: route.maintenance_page_url.clone(),
                gate,
            });
            snapshot.insert(host, Arc::new(destination));
        }
        let platform: Vec<_> = table.services.iter().chain(&table.control).collect();
        self.platform.retain(|socket, _| platform.iter().any(|route| route.socket == *socket));
        for control in platform {
            let dyno = self.control(&control.socket);
            let destination = Arc::new(Destination::Control(dyno));
            for host in &control.hosts {
                snapshot.insert(host, Arc::clone(&destination));
            }
        }
        self.dynos.retain(|_, dyno| dyno.strong_count() > 0);
        self.gates.retain(|_, gate| gate.strong_count() > 0);
        snapshot
    }

    /// Requests in flight per address, whether or not the present table still names it.
    pub(crate) fn in_flight(&self, addresses: &[SocketAddr]) -> BTreeMap<SocketAddr, u32> {
        let mut counts: BTreeMap<SocketAddr, u32> = addresses.iter().map(|address| (*address, 0)).collect();
        for ((_, _, address), dyno) in &self.dynos {
            if let (Some(count), Some(dyno)) = (counts.get_mut(address), dyno.upgrade()) {
                *count += dyno.in_flight.load(Ordering::SeqCst);
            }
        }
        counts
    }

    fn gate(&mut self, app: AppId) -> Arc<Gate> {
        if let Some(gate) = self.gates.get(&app).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(Gate::default());
        self.gates.insert(app, Arc::downgrade(&gate));
        gate
    }

    fn dyno(&mut self, app: AppId, name: &str, addr: SocketAddr, gate: &Arc<Gate>) -> Arc<Dyno> {
        let key = (app, name.to_owned(), addr);
        if let Some(dyno) = self.dynos.get(&key).and_then(Weak::upgrade) {
            return dyno;
        }
        let max = self.limits.dyno_in_flight;
        let dyno = self.new_dyno(name, Address::Tcp(addr), max, Arc::clone(gate));
        self.dynos.insert(key, Arc::downgrade(&dyno));
        dyno
    }

    fn control(&mut self, socket: &std::path::Path) -> Arc<Dyno> {
        if let Some(dyno) = self.platform.get(socket) {
            return Arc::clone(dyno);
        }
        let address = Address::Unix(socket.to_path_buf());
        let dyno = self.new_dyno("control", address, self.limits.control_in_flight, Arc::default());
        self.platform.insert(socket.to_path_buf(), Arc::clone(&dyno));
        dyno
    }

    fn new_dyno(&mut self, name: &str, address: Address, max: u32, gate: Arc<Gate>) -> Arc<Dyno> {
        self.next_id += 1;
        Arc::new(Dyno {
            id: self.next_id,
            name: name.to_owned(),
            address,
            in_flight: AtomicU32::new(0),
            in_flight_max: max,
            quarantined_until: AtomicU64::new(0),
            epoch: self.epoch,
            gate,
        })
    }
}

/// Takes a slot of the control server, unless it is full.
pub(crate) fn control_slot(dyno: &Arc<Dyno>) -> Option<Slot> {
    dyno.try_slot()
}

#[cfg(test)]
mod tests;
