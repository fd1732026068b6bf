//! Dyno sizes: the same on every platform.

use model::formation::DynoSize;

use crate::call::Call;
use crate::error::Problem;
use crate::identity::{cedar, fixed, fixed_ref};
use crate::reply::{Answer, Reply};

const KIND: &str = "dyno-size";
const FIELDS: &[&str] = &["name", "id"];

pub(crate) fn size_ref(size: DynoSize) -> wire::Ref {
    fixed_ref(KIND, size.as_str())
}

/// A size by name or id.
pub(crate) fn parse(text: &str) -> Result<DynoSize, Problem> {
    match DynoSize::ALL.into_iter().find(|size| size_ref(*size).id == text) {
        Some(size) => Ok(size),
        None => text.parse().map_err(Problem::invalid),
    }
}

fn show(size: DynoSize) -> wire::DynoSize {
    let shares = size.cpu_shares() / 1024;
    let units = u32::try_from(shares).map_or(1.0, f64::from);
    wire::DynoSize {
        architecture: std::env::consts::ARCH.to_owned(),
        compute: shares,
        cost: None,
        dedicated: false,
        generation: cedar(),
        id: fixed(KIND, size.as_str()),
        memory: u32::try_from(size.memory_mib()).map_or(0.0, f64::from) / 1024.0,
        name: size.as_str().to_owned(),
        precise_dyno_units: units,
        private_space_only: false,
    }
}

/// Every size.
pub(crate) async fn list(call: Call) -> Answer {
    call.list(DynoSize::ALL.into_iter().map(show).collect(), FIELDS)
}

/// The sizes an app may use: every one.
pub(crate) async fn available(call: Call) -> Answer {
    call.read(|tx, call| {
        call.app(tx)?;
        call.list(DynoSize::ALL.into_iter().map(show).collect(), FIELDS)
    })
    .await
}

/// One size.
pub(crate) async fn info(call: Call) -> Answer {
    let size = parse(call.param("size")).map_err(|_| Problem::NotFound { resource: "dyno size" })?;
    Ok(Reply::ok(&show(size)))
}
