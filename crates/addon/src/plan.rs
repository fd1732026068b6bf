//! What to do next, decided from one picture of the store. No clock, no I/O.

use model::addon::{Addon, AddonState, POSTGRES};

use crate::credentials::Credentials;
use crate::service::Endpoint;

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

/// Decides, in the order in which the add-ons were asked for.
pub(crate) fn plan(addons: Vec<Addon>, postgres: &Endpoint) -> Vec<Action> {
    let ours = addons.into_iter().filter(|addon| addon.plan.service == POSTGRES);
    ours.filter_map(|addon| next_step(addon, postgres)).collect()
}

fn next_step(addon: Addon, postgres: &Endpoint) -> Option<Action> {
    match addon.state {
        AddonState::Provisioning => Some(Action::Provision(addon)),
        AddonState::Provisioned => is_elsewhere(&addon, postgres).then_some(Action::Move(addon)),
        AddonState::Deprovisioning => Some(Action::Remove(addon)),
    }
}

fn is_elsewhere(addon: &Addon, postgres: &Endpoint) -> bool {
    let known = addon.resource.as_ref().map(Credentials::parse);
    !matches!(known, Some(Ok(credentials)) if credentials.endpoint() == postgres)
}

#[cfg(test)]
mod tests;
