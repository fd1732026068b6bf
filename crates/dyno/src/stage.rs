//! The loop: take in what the engine tells, look at everything, decide, publish, act.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use logs::Logs;
use model::config_var::ConfigKey;
use model::id::DynoId;
use model::release::{Release, ReleaseStatus};
use router::Table;
use store::{Store, StoreError, Topic, Tx};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::act;
use crate::engine::{Engine, LastWords, Report};
use crate::plan::{AppSeen, Seen, Target, next_retry, plan};
use crate::routes::{self, Certificates, Frame};

/// The net under lost wake-ups.
const SCAN_EVERY: Duration = Duration::from_secs(30);
/// How soon a table is published again that the router did not take.
const PUBLISH_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Reports taken in with one look at the store.
const REPORTS_AT_ONCE: usize = 64;

/// What this stage works with.
#[derive(Clone)]
pub struct Context {
    /// The truth.
    pub store: Store,
    /// App logs.
    pub logs: Logs,
    /// Where dynos run.
    pub engine: Arc<dyn Engine>,
    /// The router's control socket.
    pub router_socket: PathBuf,
    /// Host names that the control server answers itself.
    pub control_hosts: Vec<String>,
    /// The control server's own socket, to which the router passes those.
    pub control_socket: PathBuf,
    /// Parts of the platform that serve hosts of their own: the buckets.
    pub services: Vec<router::table::ControlRoute>,
    /// Certificates for every host.
    pub certificates: Arc<dyn Certificates>,
    /// How long a web dyno may take to bind its port; the engine's own setting, for the words of a failure.
    pub boot_timeout: Duration,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("store", &self.store).finish_non_exhaustive()
    }
}

/// What the stage remembers between scans; all of it can be lost, because it is only what was asked already.
pub(crate) struct Memory {
    /// The last lines of dynos that ended, for the words of a failure.
    pub(crate) last_words: HashMap<DynoId, LastWords>,
    /// Dynos whose last requests are being waited for.
    pub(crate) draining: HashSet<DynoId>,
    /// Tasks that wait for a drain.
    pub(crate) drains: JoinSet<DynoId>,
    /// The table the router has, and its generation.
    pub(crate) published: Option<Table>,
    /// Counts publications. Starts from the clock, so that it grows across restarts too.
    pub(crate) generation: u64,
    /// The connection to the router.
    pub(crate) router: Option<router::Control>,
}

/// Runs until `stop`. `reports` is the other end of the engine's channel.
///
/// # Errors
/// When the store cannot be read; a failed action is logged and planned again.
pub async fn stage(
    cx: Context,
    mut reports: mpsc::Receiver<Report>,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    let mut wake = cx.store.watch(&[Topic::Apps, Topic::Releases, Topic::Formation, Topic::Dynos]);
    let mut memory = Memory {
        last_words: HashMap::new(),
        draining: HashSet::new(),
        drains: JoinSet::new(),
        published: None,
        generation: u64::try_from(cx.store.now().as_micros()).unwrap_or_default(),
        router: None,
    };
    act::adopt(&cx).await?;
    let mut wait = SCAN_EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = wake.changed_or_after(wait) => {}
            Some(report) = reports.recv() => {
                let mut batch = vec![report];
                while batch.len() < REPORTS_AT_ONCE && let Ok(more) = reports.try_recv() { batch.push(more); }
                act::take_in(&cx, &mut memory, batch).await?;
            }
            Some(drained) = memory.drains.join_next() => {
                if let Ok(dyno) = drained { act::drained(&cx, &mut memory, dyno).await; }
            }
        }
        let seen = look(&cx).await?;
        let routed = act::publish(&cx, &mut memory, routes::table(&seen, &frame(&cx), None)).await;
        if let Err(error) = &routed {
            error!(error = error as &dyn std::error::Error, "could not publish the routing table");
        }
        for action in plan(&seen, cx.store.now()) {
            act::act(&cx, &mut memory, &seen, action, routed.is_ok()).await;
        }
        let until_retry = next_retry(&seen).map_or(SCAN_EVERY, |at| at.since(cx.store.now()));
        wait = if routed.is_ok() { until_retry.min(SCAN_EVERY) } else { PUBLISH_AGAIN_AFTER };
    }
}

pub(crate) fn frame(cx: &Context) -> Frame {
    Frame {
        control_hosts: cx.control_hosts.clone(),
        control_socket: cx.control_socket.clone(),
        services: cx.services.clone(),
        certificates: Arc::clone(&cx.certificates),
    }
}

async fn look(cx: &Context) -> Result<Seen, StoreError> {
    let present = cx.engine.present();
    cx.store.read(move |tx| observe(tx, &present)).await
}

fn observe(tx: &Tx<'_>, present: &[DynoId]) -> Result<Seen, StoreError> {
    let open = tx.open_releases()?;
    let mut apps = BTreeMap::new();
    for app in tx.apps()? {
        let of_app = |status| move |release: &&Release| release.app == app.id && release.status == status;
        let rolling = open.iter().find(of_app(ReleaseStatus::RollingOut));
        let commanding = open.iter().find(of_app(ReleaseStatus::Command)).map(|release| release.id);
        let current = tx.current_release(app.id)?;
        let config =
            current.as_ref().map(|release| tx.release_config(release.id)).transpose()?.unwrap_or_default();
        let page = |name: &str| {
            let key = ConfigKey::of_platform(name).ok()?;
            config.get(&key).map(|url| url.expose_secret().to_owned())
        };
        let seen = AppSeen {
            name: app.name.to_string(),
            maintenance: app.maintenance,
            hosts: tx.domains(app.id)?.into_iter().map(|domain| domain.hostname.to_string()).collect(),
            error_page_url: page("ERROR_PAGE_URL"),
            maintenance_page_url: page("MAINTENANCE_PAGE_URL"),
            current: current.as_ref().map(|release| target(tx, release)).transpose()?.flatten(),
            rolling: rolling.map(|release| target(tx, release)).transpose()?.flatten(),
            commanding,
            formation: tx.formation(app.id)?,
            dynos: tx.dynos_of(app.id)?,
        };
        apps.insert(app.id, seen);
    }
    let known: HashSet<DynoId> =
        apps.values().flat_map(|app: &AppSeen| app.dynos.iter().map(|dyno| dyno.id)).collect();
    let orphans = present.iter().copied().filter(|dyno| !known.contains(dyno)).collect();
    Ok(Seen { apps, orphans, certificates: tx.served_certificates()?, challenges: tx.acme_challenges()? })
}

fn target(tx: &Tx<'_>, release: &Release) -> Result<Option<Target>, StoreError> {
    let Some(slug) = release.slug.map(|id| tx.slug(id)).transpose()?.flatten() else { return Ok(None) };
    Ok(Some(Target { release: release.id, processes: slug.processes }))
}

#[cfg(test)]
mod tests;
