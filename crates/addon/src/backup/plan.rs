//! What to do next, decided from one picture of the store. No clock, no I/O.

use std::collections::{BTreeMap, BTreeSet};

use model::addon::{Addon, AddonState};
use model::id::{AddonId, TransferId};
use model::time::Timestamp;
use model::transfer::{
    ATTEMPTS_MAX, Schedule, Transfer, TransferKind, TransferSource, TransferState, retention, too_many,
};

/// Transfers that run at a time; those of one database never overlap.
pub(crate) const RUNNING_MAX: usize = 2;
/// Transfers of an add-on that are over and have no file, but are still told of.
const PAST_MAX: usize = 50;

/// What there is to see.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) now: Timestamp,
    pub(crate) addons: Vec<Addon>,
    /// In the order in which they were asked for.
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) schedules: Vec<Schedule>,
    /// Those that this process works on.
    pub(crate) at_work: BTreeSet<TransferId>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// End the work on a transfer that is not wanted any more.
    Abort(TransferId),
    /// Nobody works on it, because whoever did is dead: it is done again.
    TakeBack(TransferId),
    /// The same, but often enough.
    GiveUp(TransferId),
    /// Work on it.
    Begin(Transfer, Addon),
    /// A schedule's hour has come.
    Ask(Schedule, String),
    /// It is one too many, or too old.
    Forget(TransferId),
}

/// Decides.
pub(crate) fn plan(picture: &Picture) -> Vec<Action> {
    let addons: BTreeMap<AddonId, &Addon> = picture.addons.iter().map(|addon| (addon.id, addon)).collect();
    let mut actions = aborted(picture, &addons);
    actions.extend(taken_back(picture));
    actions.extend(begun(picture, &addons));
    actions.extend(asked(picture, &addons));
    actions.extend(forgotten(picture, &addons));
    actions
}

fn is_wanted(transfer: &Transfer, addons: &BTreeMap<AddonId, &Addon>) -> bool {
    let is_there = addons.get(&transfer.addon).is_some_and(|addon| addon.state == AddonState::Provisioned);
    is_there && matches!(transfer.state, TransferState::Running | TransferState::Settling)
}

fn aborted(picture: &Picture, addons: &BTreeMap<AddonId, &Addon>) -> Vec<Action> {
    let find = |id: &TransferId| picture.transfers.iter().find(|transfer| transfer.id == *id);
    // What is over by itself ends by itself.
    let is_unwanted = |id: &&TransferId| {
        find(id).is_none_or(|it| {
            it.state == TransferState::Canceled || !it.state.is_over() && !is_wanted(it, addons)
        })
    };
    picture.at_work.iter().filter(is_unwanted).map(|id| Action::Abort(*id)).collect()
}

fn taken_back(picture: &Picture) -> Vec<Action> {
    let orphans = picture.transfers.iter().filter(|transfer| {
        transfer.state == TransferState::Running && !picture.at_work.contains(&transfer.id)
    });
    orphans
        .map(|transfer| match transfer.attempts {
            attempts if attempts >= ATTEMPTS_MAX => Action::GiveUp(transfer.id),
            _ => Action::TakeBack(transfer.id),
        })
        .collect()
}

/// The oldest first, one of a database at a time. What is settling goes before all: it is nearly done.
fn begun(picture: &Picture, addons: &BTreeMap<AddonId, &Addon>) -> Vec<Action> {
    let of = |id: &TransferId| picture.transfers.iter().find(|it| it.id == *id).map(|it| it.addon);
    let mut busy: Vec<AddonId> = picture.at_work.iter().filter_map(of).collect();
    let mut running = picture.at_work.len();
    let waiting = |state| {
        picture.transfers.iter().filter(move |it| it.state == state && !picture.at_work.contains(&it.id))
    };
    let mut actions = Vec::new();
    for transfer in waiting(TransferState::Settling).chain(waiting(TransferState::Pending)) {
        let addon = addons.get(&transfer.addon).filter(|addon| addon.state == AddonState::Provisioned);
        let Some(addon) = addon else { continue };
        if running >= RUNNING_MAX || busy.contains(&addon.id) {
            continue;
        }
        running += 1;
        busy.push(addon.id);
        actions.push(Action::Begin(transfer.clone(), (*addon).clone()));
    }
    actions
}

fn asked(picture: &Picture, addons: &BTreeMap<AddonId, &Addon>) -> Vec<Action> {
    let due = picture.schedules.iter().filter_map(|schedule| {
        let addon = addons.get(&schedule.addon)?;
        let day = schedule.due(picture.now).filter(|_| addon.state == AddonState::Provisioned)?;
        Some(Action::Ask(schedule.clone(), day))
    });
    due.collect()
}

fn forgotten(picture: &Picture, addons: &BTreeMap<AddonId, &Addon>) -> Vec<Action> {
    let sources: BTreeSet<TransferId> = picture
        .transfers
        .iter()
        .filter(|transfer| !transfer.state.is_over())
        .filter_map(|transfer| match transfer.source {
            TransferSource::Backup(id) => Some(id),
            _ => None,
        })
        .collect();
    let mut ids = Vec::new();
    for addon in addons.values() {
        let own: Vec<Transfer> =
            picture.transfers.iter().filter(|transfer| transfer.addon == addon.id).cloned().collect();
        ids.extend(too_many(retention(addon.plan), &own));
        let past = own.iter().rev().filter(|it| it.state.is_over() && !it.is_kept_backup());
        ids.extend(past.skip(PAST_MAX).map(|transfer| transfer.id));
    }
    // What is being restored stays until it is.
    ids.retain(|id| !sources.contains(id) && !picture.at_work.contains(id));
    ids.into_iter().map(Action::Forget).collect()
}

/// The backups whose files are to stay.
pub(crate) fn kept(transfers: &[Transfer]) -> BTreeSet<TransferId> {
    transfers.iter().filter(|transfer| transfer.is_kept_backup()).map(|transfer| transfer.id).collect()
}

/// Those whose things in the server, and files on their way, are to stay.
pub(crate) fn unfinished(picture: &Picture) -> BTreeSet<TransferId> {
    let settling = picture.transfers.iter().filter(|it| it.state == TransferState::Settling);
    settling.map(|it| it.id).chain(picture.at_work.iter().copied()).collect()
}

/// Whether a transfer replaces the database.
pub(crate) const fn replaces(transfer: &Transfer) -> bool {
    matches!(transfer.kind, TransferKind::Restore | TransferKind::Copy)
}

#[cfg(test)]
mod tests;
