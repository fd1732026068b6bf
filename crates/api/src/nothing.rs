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

/// Certificates, telemetry drains of an app that the caller may see.
pub(crate) async fn of_app(call: Call) -> Answer {
    call.read(|tx, call| {
        call.app(tx)?;
        Ok(Reply::ok(&NONE))
    })
    .await
}

/// A telemetry drain that someone wants.
pub(crate) async fn telemetry_drain(_: Call) -> Answer {
    Err(Problem::Invalid(
        "Telemetry drains are not supported here. For logs, use a log drain: heroku drains:add URL"
            .to_owned(),
    ))
}

/// A telemetry drain by id: there never is one.
pub(crate) async fn no_telemetry_drain(_: Call) -> Answer {
    Err(Problem::NotFound { resource: "telemetry_drain" })
}

/// The place of an app in a pipeline.
pub(crate) async fn pipeline_coupling(call: Call) -> Answer {
    call.read(|tx, call| {
        call.app(tx)?;
        Err(Problem::NotFound { resource: "pipeline_coupling" })
    })
    .await
}
