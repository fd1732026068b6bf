//! What to do next about automatic certificates, decided from one picture. No clock, no I/O.

use std::collections::BTreeSet;

use model::certificate::{AcmState, Automatic};
use model::domain::Hostname;
use model::time::Timestamp;

/// The whole picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Hosts that should have a certificate.
    pub(crate) wanted: BTreeSet<Hostname>,
    /// What is known about them.
    pub(crate) known: Vec<Automatic>,
    /// Hosts whose certificate should be replaced before its time.
    pub(crate) outgrown: BTreeSet<Hostname>,
    /// Whether the issuer makes them for wildcards.
    pub(crate) does_wildcards: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Note that a host wants one.
    Want(Hostname),
    /// Forget one that nobody wants any more.
    Forget(Hostname),
    /// Say that there can be none for a wildcard.
    Reject(Hostname),
    /// Get one. There is at most one such action: the next picture is taken after it.
    Order(Hostname),
}

/// Decides.
pub(crate) fn plan(seen: &Seen, now: Timestamp) -> Vec<Action> {
    let known: BTreeSet<&Hostname> = seen.known.iter().map(|automatic| &automatic.hostname).collect();
    let missing = seen.wanted.iter().filter(|host| !known.contains(host));
    let mut actions: Vec<Action> = missing.cloned().map(Action::Want).collect();
    let (wanted, unwanted): (Vec<&Automatic>, Vec<&Automatic>) =
        seen.known.iter().partition(|automatic| seen.wanted.contains(&automatic.hostname));
    actions.extend(unwanted.iter().map(|automatic| Action::Forget(automatic.hostname.clone())));
    let is_impossible = |automatic: &Automatic| automatic.hostname.is_wildcard() && !seen.does_wildcards;
    let rejected = wanted
        .iter()
        .filter(|automatic| is_impossible(automatic) && automatic.state != AcmState::Failed)
        .map(|automatic| Action::Reject(automatic.hostname.clone()));
    actions.extend(rejected);
    // Who waits longest is first, so that no host can hold up the others.
    let due = wanted
        .iter()
        .filter(|automatic| !is_impossible(automatic) && due_at(seen, automatic) <= now)
        .min_by_key(|automatic| (automatic.not_before, automatic.updated_at, automatic.hostname.clone()));
    actions.extend(due.map(|automatic| Action::Order(automatic.hostname.clone())));
    actions
}

/// When something is due next, if only time passes.
pub(crate) fn next_due(seen: &Seen) -> Option<Timestamp> {
    let possible = seen.known.iter().filter(|it| seen.does_wildcards || !it.hostname.is_wildcard());
    possible.map(|automatic| due_at(seen, automatic)).min()
}

fn due_at(seen: &Seen, automatic: &Automatic) -> Timestamp {
    let renewal = automatic
        .certificate
        .as_ref()
        .filter(|_| automatic.state == AcmState::Issued && !seen.outgrown.contains(&automatic.hostname))
        .map(|certificate| certificate.facts.renew_at());
    renewal.map_or(automatic.not_before, |at| at.max(automatic.not_before))
}

#[cfg(test)]
mod tests;
