//! What a push means, decided from the names of the references alone.

use crate::ask::{Oid, Update};

/// The branches whose push is a deploy.
const DEPLOYED: [&str; 2] = ["refs/heads/main", "refs/heads/master"];
const BRANCHES: &str = "refs/heads/";

/// What is done with a push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is refused as a whole.
    Refuse(Refusal),
    /// Its references are stored; nothing is deployed.
    Store {
        /// Whether a branch is among them, so that its developer might expect a deploy.
        skips_build: bool,
    },
    /// This commit is deployed; the references are stored if that succeeds.
    Deploy(Deploy),
}

/// A commit to deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deploy {
    /// Full name of the branch.
    pub(crate) branch: &'static str,
    /// Where the developer believes the branch to be.
    pub(crate) old: Oid,
    pub(crate) commit: Oid,
}

/// Why a push is refused before anything is done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Both `main` and `master`: it is unclear which to deploy.
    TwoDeploys,
    /// The deployed branch would be deleted.
    DeletesDeployed(&'static str),
}

pub(crate) fn decide(updates: &[Update]) -> Decision {
    let mut deploys = updates.iter().filter_map(|update| {
        let branch = DEPLOYED.into_iter().find(|name| *name == update.name)?;
        Some(Deploy { branch, old: update.old.clone(), commit: update.new.clone() })
    });
    match (deploys.next(), deploys.next()) {
        (Some(deploy), None) if deploy.commit.is_none() => {
            Decision::Refuse(Refusal::DeletesDeployed(deploy.branch))
        }
        (Some(deploy), None) => Decision::Deploy(deploy),
        (Some(_), Some(_)) => Decision::Refuse(Refusal::TwoDeploys),
        (None, _) => Decision::Store {
            skips_build: updates
                .iter()
                .any(|update| update.name.starts_with(BRANCHES) && !update.new.is_none()),
        },
    }
}

#[cfg(test)]
mod tests;
