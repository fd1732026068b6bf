//! What `pg:info` tells of a database: the words.

use std::time::Duration;

use model::addon::Addon;
use model::database::{Database, Standing};
use model::time::Timestamp;

use crate::limits::{self, TABLES_MAX};
use crate::service::{DatabaseInfo, DatabaseService, ServiceError};

/// One line of `pg:info`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What is told.
    pub name: &'static str,
    /// The facts.
    pub values: Vec<String>,
}

/// Why nothing can be told of a database.
#[derive(Debug, thiserror::Error)]
pub enum InfoError {
    /// It is not there yet.
    #[error("the database is not yet provisioned")]
    NotYet,
    /// The server does not tell.
    #[error("the database could not be measured")]
    Service(#[source] ServiceError),
}

/// Measures an add-on's database and words it. `grace` is how long a database may be over its plan's limits.
///
/// # Errors
/// [`InfoError`].
pub async fn look(
    service: &dyn DatabaseService,
    addon: &Addon,
    database: &Database,
    grace: Duration,
) -> Result<Vec<Fact>, InfoError> {
    let resource = addon.resource.as_ref().ok_or(InfoError::NotYet)?;
    let info = service.measure(resource, addon.plan).await.map_err(InfoError::Service)?;
    Ok(facts(addon, &info, database.standing, grace))
}

/// The lines of `pg:info`, in Heroku's order.
fn facts(addon: &Addon, info: &DatabaseInfo, standing: Standing, grace: Duration) -> Vec<Fact> {
    let plan = addon.plan;
    let percent = info.bytes as f64 * 100.0 / plan.bytes as f64;
    let within_size = compliance(info.bytes <= plan.bytes, standing);
    let bytes = format!(
        "{} / {} ({percent:.2}%) ({within_size})",
        limits::size(info.bytes, 2),
        limits::size(plan.bytes, 0),
    );
    let counted = match plan.rows {
        Some(most) => {
            let kept = compliance(info.rows <= most, standing);
            Fact::new("Rows", format!("{}/{most} ({kept}) - refreshing", info.rows))
        }
        None => {
            let kept = if info.tables <= TABLES_MAX { "In compliance" } else { "Above limits" };
            Fact::new("Tables", format!("{}/{TABLES_MAX} ({kept})", info.tables))
        }
    };
    vec![
        Fact::new("Plan", plan.human_name),
        Fact::new("Status", status(standing, grace)),
        Fact::new("Connections", format!("{}/{}", info.connections, plan.connections)),
        Fact::new("PG Version", info.version.clone()),
        Fact::new("Created", minute(addon.created_at)),
        Fact::new("Data Size", bytes),
        counted,
        Fact::new("Fork/Follow", "Unsupported"),
        Fact::new("Rollback", "Unsupported"),
        Fact::new("Continuous Protection", "Off"),
    ]
}

fn status(standing: Standing, grace: Duration) -> String {
    match standing {
        Standing::Within => "Available".to_owned(),
        Standing::Over { since } => {
            format!("Over Plan Capacity: Action Required (until {} UTC)", minute(since.plus(grace)))
        }
        Standing::Restricted { .. } => "Over Plan Capacity: Access Restricted".to_owned(),
    }
}

/// `2024-10-19 05:39`.
pub(crate) fn minute(at: Timestamp) -> String {
    let text = at.to_api();
    let minute = text.get(..16).unwrap_or(&text);
    minute.replace('T', " ")
}

const fn compliance(holds: bool, standing: Standing) -> &'static str {
    match standing {
        _ if holds => "In compliance",
        Standing::Restricted { .. } => "Write access revoked",
        _ => "Above limits, access disruption imminent",
    }
}

impl Fact {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, values: vec![value.into()] }
    }
}

#[cfg(test)]
mod tests;
