//! Credentials of databases. There is one, `default`: its user and password change, its name stays.

use model::addon::Addon;
use model::database::Rotation;
use store::{StoreError, Tx};

use crate::addon_desk::DatabaseLogin;
use crate::body::Json;
use crate::call::Call;
use crate::databases::find_provisioned;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const DEFAULT: &str = "default";
const FIELDS: &[&str] = &["name"];
const MISSING: Problem = Problem::NotFound { resource: "credential" };

fn show(
    tx: &Tx<'_>,
    call: &Call,
    addon: &Addon,
    with_password: bool,
) -> Result<wire::DatabaseCredential, Problem> {
    let resource =
        addon.resource.as_ref().ok_or(StoreError::Missing { what: "credentials of this add-on" })?;
    let database = tx.database(addon.id)?;
    let desk = &call.server.cx.addons;
    let active = desk.login(resource)?;
    let old = database.retiring.as_ref().map(|old| desk.login(old)).transpose()?;
    let user = |login: &DatabaseLogin, state: &str| wire::DatabaseUser {
        user: login.user.clone(),
        password: with_password.then(|| login.password.expose_secret().to_owned()),
        state: state.to_owned(),
    };
    let mut credentials = vec![user(&active, "active")];
    credentials.extend(old.map(|old| user(&old, "revoking")));
    let is_settled = database.rotation == Rotation::Settled;
    Ok(wire::DatabaseCredential {
        name: DEFAULT.to_owned(),
        state: if is_settled { "active" } else { "rotating" }.to_owned(),
        database: active.database,
        host: active.host,
        port: active.port,
        credentials,
    })
}

/// `pg:credentials`.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let addon = find_provisioned(tx, call)?;
        call.list(vec![show(tx, call, &addon, false)?], FIELDS)
    })
    .await
}

/// `pg:credentials:url`.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let addon = find_provisioned(tx, call)?;
        known(call)?;
        Ok(Reply::ok(&show(tx, call, &addon, true)?))
    })
    .await
}

/// `pg:credentials:create`: further credentials are not made here.
pub(crate) async fn create(call: Call) -> Answer {
    call.read(|tx, call| {
        let addon = find_provisioned(tx, call)?;
        Err(Problem::Invalid(format!(
            "{} has the default credential only; others cannot be made here.",
            addon.name
        )))
    })
    .await
}

/// `pg:credentials:rotate`: another user and password. The old ones work until no dyno uses them.
pub(crate) async fn rotate(call: Call, Json(asked): Json<wire::CredentialRotation>) -> Answer {
    call.write(move |tx, call, said| {
        let addon = find_provisioned(tx, call)?;
        known(call)?;
        let forced = asked.forced.is_some_and(bool::from);
        tx.ask_rotation(addon.id, forced)?;
        said.say_with(addon.app, |user| logs::event::rotation_asked(&addon.name, user));
        Ok(Reply::accepted())
    })
    .await
}

/// Refuses names of credentials that do not exist; a path without a name means all of them.
fn known(call: &Call) -> Result<(), Problem> {
    let name = call.param("credential");
    if name.is_empty() || name == DEFAULT { Ok(()) } else { Err(MISSING) }
}
