//! Things that Heroku has and this platform has none of: clients ask for them beside what they want, and an empty
//! list is the true answer.

use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const NONE: [wire::Empty; 0] = [];

/// Teams, spaces, pipelines, SSH keys, sessions, third-party clients.
pub(crate) async fn of_account(_: Call) -> Answer {
    Ok(Reply::ok(&NONE))
}

/// Certificates, log drains, webhooks of an app that the caller may see.
pub(crate) async fn of_app(call: Call) -> Answer {
    call.read(|tx, call| {
        call.app(tx)?;
        Ok(Reply::ok(&NONE))
    })
    .await
}

/// The place of an app in a pipeline.
pub(crate) async fn pipeline_coupling(call: Call) -> Answer {
    call.read(|tx, call| {
        call.app(tx)?;
        Err(Problem::NotFound { resource: "pipeline_coupling" })
    })
    .await
}
