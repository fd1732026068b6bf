//! The one region: the machine the platform runs on.
//!
//! It is called like Heroku's default region, because clients print any other name beside every app.

use crate::call::Call;
use crate::error::Problem;
use crate::identity::{fixed, fixed_ref};
use crate::reply::{Answer, Reply};

const KIND: &str = "region";
const NAME: &str = "us";
/// Constants of the platform have no time of their own.
pub(crate) const EPOCH: &str = "1970-01-01T00:00:00Z";

pub(crate) fn region_ref() -> wire::Ref {
    fixed_ref(KIND, NAME)
}

/// Refuses any other region: an app must not land where its owner did not want it.
pub(crate) fn check(name: &str) -> Result<(), Problem> {
    if is_ours(name) {
        return Ok(());
    }
    Err(Problem::Invalid(format!(
        "Region `{name}` is not available. This platform has one region, `{NAME}`: the machine it runs on."
    )))
}

fn is_ours(name: &str) -> bool {
    name == NAME || name == fixed(KIND, NAME)
}

fn show(call: &Call) -> wire::Region {
    let domain = call.server.cx.site.domain.to_string();
    wire::Region {
        country: "Unknown".to_owned(),
        created_at: EPOCH.to_owned(),
        description: format!("The machine of {domain}"),
        id: fixed(KIND, NAME),
        locale: "Unknown".to_owned(),
        name: NAME.to_owned(),
        private_capable: false,
        provider: wire::Provider { name: "hokku".to_owned(), region: domain },
        updated_at: EPOCH.to_owned(),
    }
}

/// Every region.
pub(crate) async fn list(call: Call) -> Answer {
    call.list(vec![show(&call)], &["name", "id"])
}

/// One region.
pub(crate) async fn info(call: Call) -> Answer {
    if is_ours(call.param("region")) {
        Ok(Reply::ok(&show(&call)))
    } else {
        Err(Problem::NotFound { resource: "region" })
    }
}
