//! What to do next, decided from one picture of the store. No clock, no I/O.

use model::addon::{Addon, AddonState};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Make what the add-on stands for, and give apps its values.
    Provision(Addon),
    /// The server is reached at another address than apps were told: tell them.
    Move(Addon),
    /// Remove what the add-on stands for, then forget it.
    Remove(Addon),
}

/// One add-on, as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) addon: Addon,
    /// Its service is reached at another address than apps were told.
    pub(crate) is_elsewhere: bool,
}

/// Decides, in the order in which the add-ons were asked for.
pub(crate) fn plan(seen: Vec<Seen>) -> Vec<Action> {
    seen.into_iter().filter_map(next_step).collect()
}

fn next_step(Seen { addon, is_elsewhere }: Seen) -> Option<Action> {
    match addon.state {
        AddonState::Provisioning => Some(Action::Provision(addon)),
        AddonState::Provisioned => is_elsewhere.then_some(Action::Move(addon)),
        AddonState::Deprovisioning => Some(Action::Remove(addon)),
    }
}

#[cfg(test)]
mod tests;
