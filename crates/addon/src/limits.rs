//! What a plan's limits say of a database that was measured. No clock, no I/O.

use std::time::Duration;

use model::addon::Plan;
use model::database::{IllegalStandingEvent, Standing, StandingEvent};
use model::time::Timestamp;

use crate::service::{DatabaseInfo, Restriction};

/// Most tables of a plan that does not count rows (Heroku's essential plans: 4,000). It is told, not enforced (ADR 0021).
pub(crate) const TABLES_MAX: u32 = 4000;

/// While old dynos and new ones run side by side, they need room for both.
const OVERLAP_FACTOR: u32 = 2;

/// Connections of a database whose old credentials and new ones both work.
pub(crate) const fn connections_in_overlap(plan: &Plan) -> u32 {
    plan.connections * OVERLAP_FACTOR
}

/// A limit that a database does not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    /// It has more rows than its plan gives.
    Rows { has: u64, most: u64 },
    /// It takes more bytes than its plan gives.
    Bytes { has: u64, most: u64 },
}

impl Excess {
    /// What cannot be done any more after the grace period.
    pub(crate) const fn restriction(self) -> Restriction {
        match self {
            Self::Rows { .. } => Restriction::Insert,
            Self::Bytes { .. } => Restriction::InsertAndUpdate,
        }
    }

    /// How many of how many, for people.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Rows { has, most } => format!("{has} rows of {most}"),
            Self::Bytes { has, most } => format!("{} of {}", size(has, 2), size(most, 0)),
        }
    }
}

/// The limit that a database does not keep; of two, the one with the harder consequence.
pub(crate) fn excess(plan: &Plan, info: &DatabaseInfo) -> Option<Excess> {
    if info.bytes > plan.bytes {
        return Some(Excess::Bytes { has: info.bytes, most: plan.bytes });
    }
    let most = plan.rows.filter(|most| info.rows > *most)?;
    Some(Excess::Rows { has: info.rows, most })
}

/// Where a database stands after a look at it.
pub(crate) fn judge(
    standing: Standing,
    excess: Option<Excess>,
    now: Timestamp,
    grace: Duration,
) -> Result<Standing, IllegalStandingEvent> {
    if excess.is_none() {
        return standing.on(StandingEvent::Complied);
    }
    let over = standing.on(StandingEvent::Exceeded { at: now })?;
    let is_up = over.since().is_some_and(|since| now.since(since) >= grace);
    if is_up { over.on(StandingEvent::GraceEnded) } else { Ok(over) }
}

/// `7.66 MB`.
pub(crate) fn size(bytes: u64, digits: usize) -> String {
    let mut amount = bytes as f64;
    let mut unit = "bytes";
    for larger in ["KB", "MB", "GB", "TB"] {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    format!("{amount:.digits$} {unit}")
}

#[cfg(test)]
mod tests;
