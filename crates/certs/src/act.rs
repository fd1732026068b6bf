//! One action at a time, each safe to do again.

use std::time::Duration;

use model::certificate::{Certificate, REASON_CHARS_MAX, REFUSALS_MAX, retry_after};
use model::domain::Hostname;
use model::time::Timestamp;
use store::StoreError;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::chain;
use crate::issuer::{IssueError, Issued};
use crate::plan::Action;
use crate::stage::Context;

/// How long an order may take; authorities look from several places, and some let one wait.
const ORDER_MAX: Duration = Duration::from_secs(300);
/// How soon an order is placed again that failed for a reason of ours or of the authority's.
const UNAVAILABLE_PAUSE: Duration = Duration::from_secs(300);

/// Does one thing; returns how long nothing is to be asked of the authority.
pub(crate) async fn act(cx: &Context, action: Action) -> Result<Duration, StoreError> {
    match action {
        Action::Want(host) => cx.store.write(move |tx| tx.want_certificate(&host)).await?,
        Action::Forget(host) => cx.store.write(move |tx| tx.forget_certificate(&host)).await?,
        Action::Reject(host) => {
            let reason = format!(
                "{host} stands for many names, and certificates for such are not got automatically: bring your own \
                 with certs:add."
            );
            // Nothing will change that, so it is never due.
            refuse(cx, &host, &reason, REFUSALS_MAX, Timestamp::from_micros(i64::MAX)).await?;
        }
        Action::Order(host) => return order(cx, &host).await,
    }
    Ok(Duration::ZERO)
}

async fn order(cx: &Context, host: &Hostname) -> Result<Duration, StoreError> {
    let issuing = timeout(ORDER_MAX, cx.issuer.issue(host, &cx.board)).await;
    cx.board.clear().await?;
    let outcome = issuing.unwrap_or_else(|_| {
        let limit = ORDER_MAX.as_secs();
        Err(IssueError::Unavailable(format!("The authority did not come to an end within {limit} s.")))
    });
    let refusals = known_refusals(cx, host).await?;
    let now = cx.store.now();
    match outcome {
        Ok(issued) => keep(cx, host, issued).await,
        Err(IssueError::Store(StoreError::Missing { .. })) => Ok(Duration::ZERO), // no longer wanted
        Err(IssueError::Store(error)) => Err(error),
        Err(IssueError::Refused(reason)) => {
            warn!(%host, reason, "an authority refused a certificate");
            let times = refusals + 1;
            refuse(cx, host, &reason, times, now.plus(retry_after(times))).await?;
            Ok(Duration::ZERO)
        }
        Err(IssueError::Later { reason, pause }) => {
            warn!(%host, reason, seconds = pause.as_secs(), "an authority asks for patience");
            refuse(cx, host, &reason, refusals, now.plus(pause)).await?;
            Ok(pause)
        }
        Err(IssueError::Unavailable(reason)) => {
            warn!(%host, reason, "a certificate could not be got");
            refuse(cx, host, &reason, refusals, now.plus(UNAVAILABLE_PAUSE)).await?;
            Ok(Duration::ZERO)
        }
    }
}

async fn keep(cx: &Context, host: &Hostname, issued: Issued) -> Result<Duration, StoreError> {
    let Issued { chain_pem, key_pem } = issued;
    let now = cx.store.now();
    match chain::describe(&chain_pem, &cx.roots, now) {
        Ok(facts) => {
            info!(%host, issuer = facts.issuer, until = %facts.expires_at, "a certificate came");
            let (host, certificate) = (host.clone(), Certificate { chain_pem, key_pem, facts });
            gone_is_fine(cx.store.write(move |tx| tx.certificate_issued(&host, &certificate)).await)?;
        }
        Err(error) => {
            let reason = format!("The authority's answer is no certificate. {error}");
            warn!(%host, reason, "a certificate could not be got");
            refuse(cx, host, &reason, 1, now.plus(retry_after(1))).await?;
        }
    }
    Ok(Duration::ZERO)
}

async fn known_refusals(cx: &Context, host: &Hostname) -> Result<u32, StoreError> {
    let host = host.clone();
    let known = cx.store.read(move |tx| tx.automatic_certificate(&host)).await?;
    Ok(known.map_or(0, |automatic| automatic.refusals))
}

async fn refuse(
    cx: &Context,
    host: &Hostname,
    reason: &str,
    times: u32,
    not_before: Timestamp,
) -> Result<(), StoreError> {
    let reason: String =
        reason.chars().filter(|letter| !letter.is_control()).take(REASON_CHARS_MAX).collect();
    let host = host.clone();
    let noted = cx.store.write(move |tx| tx.certificate_refused(&host, &reason, times, not_before));
    gone_is_fine(noted.await)
}

/// While an authority worked, the host's domain may have been removed.
fn gone_is_fine(done: Result<(), StoreError>) -> Result<(), StoreError> {
    match done {
        Err(StoreError::Missing { .. }) => Ok(()),
        other => other,
    }
}
