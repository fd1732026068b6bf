//! What to do next, decided from one picture of the store. No clock, no I/O.

use model::addon::{Addon, AddonState};
use model::config_var::Secret;
use model::database::{Database, Reset, Rotation};

use crate::limits::connections_in_overlap;

/// Databases that are looked at in one go: other work waits so long.
const INSPECTIONS_MAX: usize = 20;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Make what the add-on stands for, and give apps its values.
    Provision(Addon),
    /// The server is reached at another address than apps were told: tell them.
    Move(Addon),
    /// Remove what the add-on stands for, then forget it. Users of a rotation under way go with it.
    Remove(Addon, Vec<Secret>),
    /// Its credentials are old enough: ask for others.
    Renew(Addon),
    /// Make the wanted credentials work, and tell apps.
    Switch(Addon, Database),
    /// No dyno uses the old credentials any more: end them.
    Retire(Addon, Database),
    /// Put an empty database in its place.
    Reset(Addon, Database),
    /// Hold the database to so many connections.
    Equip(Addon, u32),
    /// Hold what is no database to the limits of its plan.
    Resize(Addon),
    /// See whether the database keeps to its plan.
    Inspect(Addon, Database),
}

/// One add-on, as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) addon: Addon,
    /// Its service is reached at another address than apps were told.
    pub(crate) is_elsewhere: bool,
    /// It is not known to have its plan's size; of a database the store knows that.
    pub(crate) is_of_other_size: bool,
    /// None when it is no database.
    pub(crate) database: Option<SeenDatabase>,
}

/// What else there is to see of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenDatabase {
    pub(crate) database: Database,
    /// A dyno runs, or may still be started, with the credentials that are to end.
    pub(crate) old_in_use: bool,
    /// The platform changes its credentials from time to time, and it is time.
    pub(crate) rotation_due: bool,
    /// It was not looked at for a while.
    pub(crate) inspection_due: bool,
}

/// Decides, in the order in which the add-ons were asked for; looking at what runs comes last. Also tells whether there
/// is more to do than that.
pub(crate) fn plan(seen: Vec<Seen>) -> (Vec<Action>, bool) {
    let (mut looks, mut actions): (Vec<_>, Vec<_>) =
        seen.into_iter().filter_map(next_step).partition(|action| matches!(action, Action::Inspect(..)));
    let is_more = looks.len() > INSPECTIONS_MAX;
    looks.truncate(INSPECTIONS_MAX);
    actions.extend(looks);
    (actions, is_more)
}

fn next_step(Seen { addon, is_elsewhere, is_of_other_size, database }: Seen) -> Option<Action> {
    match addon.state {
        AddonState::Provisioning => Some(Action::Provision(addon)),
        AddonState::Provisioned if is_elsewhere => Some(Action::Move(addon)),
        AddonState::Provisioned => match database {
            Some(database) => upkeep(addon, database),
            None => is_of_other_size.then_some(Action::Resize(addon)),
        },
        AddonState::Deprovisioning => {
            let database = database.map(|seen| seen.database);
            let users = database.map(|database| database.next.into_iter().chain(database.retiring).collect());
            Some(Action::Remove(addon, users.unwrap_or_default()))
        }
    }
}

fn upkeep(addon: Addon, seen: SeenDatabase) -> Option<Action> {
    let SeenDatabase { database, old_in_use, rotation_due, inspection_due } = seen;
    match (database.rotation, &database.reset) {
        // Before all else: until it is done, it is not sure who owns the database.
        (Rotation::Wanted { .. }, _) => Some(Action::Switch(addon, database)),
        (_, Reset::Wanted | Reset::Begun { .. }) => Some(Action::Reset(addon, database)),
        (Rotation::Overlap { forced }, Reset::None) if forced || !old_in_use => {
            Some(Action::Retire(addon, database))
        }
        (rotation, _) if database.equipped != Some(addon.plan) => {
            let connections = match rotation {
                Rotation::Overlap { .. } => connections_in_overlap(addon.plan),
                Rotation::Settled | Rotation::Wanted { .. } => addon.plan.connections,
            };
            Some(Action::Equip(addon, connections))
        }
        (Rotation::Settled, Reset::None) if rotation_due => Some(Action::Renew(addon)),
        _ => inspection_due.then_some(Action::Inspect(addon, database)),
    }
}

#[cfg(test)]
mod tests;
