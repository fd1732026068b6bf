//! What `pg:info` tells of a database: the words.

use model::addon::Addon;

use crate::service::{DatabaseInfo, DatabaseService, ServiceError};

/// Most tables of a plan that does not count rows (Heroku's essential plans: 4,000).
const TABLES_MAX: u32 = 4000;

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

/// Measures an add-on's database and words it.
///
/// # Errors
/// [`InfoError`].
pub async fn look(service: &dyn DatabaseService, addon: &Addon) -> Result<Vec<Fact>, InfoError> {
    let resource = addon.resource.as_ref().ok_or(InfoError::NotYet)?;
    let info = service.measure(resource).await.map_err(InfoError::Service)?;
    Ok(facts(addon, &info))
}

/// The lines of `pg:info`, in Heroku's order.
fn facts(addon: &Addon, info: &DatabaseInfo) -> Vec<Fact> {
    let plan = addon.plan;
    let created = addon.created_at.to_api();
    let created = created.get(..16).unwrap_or(&created).replace('T', " ");
    let percent = info.bytes as f64 * 100.0 / plan.bytes as f64;
    let size = format!(
        "{} / {} ({percent:.2}%) ({})",
        size(info.bytes, 2),
        size(plan.bytes, 0),
        compliance(info.bytes <= plan.bytes),
    );
    let counted = match plan.rows {
        Some(most) => Fact::new(
            "Rows",
            format!("{}/{most} ({}) - refreshing", info.rows, compliance(info.rows <= most)),
        ),
        None => Fact::new(
            "Tables",
            format!("{}/{TABLES_MAX} ({})", info.tables, compliance(info.tables <= TABLES_MAX)),
        ),
    };
    vec![
        Fact::new("Plan", plan.human_name),
        Fact::new("Status", "Available"),
        Fact::new("Connections", format!("{}/{}", info.connections, plan.connections)),
        Fact::new("PG Version", info.version.clone()),
        Fact::new("Created", created),
        Fact::new("Data Size", size),
        counted,
        Fact::new("Fork/Follow", "Unsupported"),
        Fact::new("Rollback", "Unsupported"),
        Fact::new("Continuous Protection", "Off"),
    ]
}

impl Fact {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, values: vec![value.into()] }
    }
}

const fn compliance(holds: bool) -> &'static str {
    if holds { "In compliance" } else { "Above limits" }
}

/// `7.66 MB`.
fn size(bytes: u64, digits: usize) -> String {
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
