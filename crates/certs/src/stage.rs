//! The loop: look which hosts want a certificate, decide, act.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::domain::{DomainKind, Hostname};
use store::{Store, StoreError, Topic, Tx};
use tokio_util::sync::CancellationToken;

use crate::act::act;
use crate::chain::Roots;
use crate::issuer::{Board, Issuer};
use crate::plan::{Action, Seen, next_due, plan};

/// The net under lost wake-ups, and how often is looked whether a certificate is to be renewed.
const SCAN_EVERY: Duration = Duration::from_secs(60);

/// What this stage works with.
#[derive(Clone)]
pub struct Context {
    /// The truth.
    pub store: Store,
    /// Who makes certificates.
    pub issuer: Arc<dyn Issuer>,
    /// Where authorities look.
    pub board: Board,
    /// The authorities that this machine trusts.
    pub roots: Roots,
    /// Hosts of the platform itself that want certificates of the issuer.
    pub platform_hosts: Vec<Hostname>,
    /// Whether the apps' hosts under the platform's domain want them too.
    pub app_hosts: bool,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Runs until `stop`.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn stage(cx: Context, stop: CancellationToken) -> Result<(), StoreError> {
    let mut wake = cx.store.watch(&[Topic::Apps]);
    // What a killed server put up.
    cx.board.clear().await?;
    let mut wait = SCAN_EVERY;
    let mut quiet_until = cx.store.now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = wake.changed_or_after(wait) => {}
        }
        let seen = look(&cx).await?;
        let now = cx.store.now();
        for action in plan(&seen, now) {
            if matches!(action, Action::Order(_)) && now < quiet_until {
                continue;
            }
            let pause = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                done = act(&cx, action) => done?,
            };
            quiet_until = quiet_until.max(cx.store.now().plus(pause));
        }
        let now = cx.store.now();
        wait = next_due(&seen).map_or(SCAN_EVERY, |at| at.max(quiet_until).since(now)).min(SCAN_EVERY);
    }
}

async fn look(cx: &Context) -> Result<Seen, StoreError> {
    let (issuer, own, app_hosts) = (Arc::clone(&cx.issuer), cx.platform_hosts.clone(), cx.app_hosts);
    cx.store.read(move |tx| observe(tx, issuer.as_ref(), &own, app_hosts)).await
}

fn observe(tx: &Tx<'_>, issuer: &dyn Issuer, own: &[Hostname], app_hosts: bool) -> Result<Seen, StoreError> {
    let mut wanted: BTreeSet<Hostname> = own.iter().cloned().collect();
    for app in tx.apps()? {
        let domains = tx.domains(app.id)?.into_iter().filter(|domain| match domain.kind {
            DomainKind::Custom => app.acm && domain.endpoint.is_none(),
            DomainKind::Platform => app_hosts,
        });
        wanted.extend(domains.map(|domain| domain.hostname));
    }
    let known = tx.automatic_certificates()?;
    let outgrown =
        known.iter().filter(|it| it.certificate.as_ref().is_some_and(|it| issuer.replaces(&it.facts)));
    let outgrown = outgrown.map(|automatic| automatic.hostname.clone()).collect();
    Ok(Seen { wanted, known, outgrown, does_wildcards: issuer.does_wildcards() })
}
