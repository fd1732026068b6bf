//! Another user and password for a database, without a moment in which one that apps have does not work.
//!
//! ```text
//!             role A (owns the database)      role B
//!  before     u-old                           –
//!  switch     u-new  ◄── renamed ──────────   u-old, the old password; acts as A
//!  retire     u-new                           –
//! ```
//! Both steps are one transaction or can be done again. The owner stays who it is, so no table changes hands, and
//! connections that are open go on (ADR 0020).

use model::addon::Plan;
use postgres_protocol::password::scram_sha_256;

use crate::credentials::Credentials;
use crate::limits::connections_in_overlap;
use crate::postgres::databases::Databases;
use crate::service::ServiceError;

fn verifier(credentials: &Credentials) -> String {
    scram_sha_256(credentials.password().expose_secret().as_bytes())
}

pub(super) async fn switch(
    databases: &Databases,
    old: &Credentials,
    new: &Credentials,
    plan: &Plan,
) -> Result<(), ServiceError> {
    let on = databases.on(new, None).await?;
    if on.role_exists(new.user()).await? {
        return Ok(());
    }
    if !on.role_exists(old.user()).await? {
        return Err(databases.missing(old));
    }
    let now = on.one("SELECT clock_timestamp()::text AS now", &[]).await?;
    let now: String = now.map(|row| row.get("now")).unwrap_or_default();
    let (was, is) = (old.user(), new.user());
    let (connections, room) = (plan.connections, connections_in_overlap(plan));
    let (old_verifier, new_verifier) = (verifier(old), verifier(new));
    on.run(
        "change the credentials",
        &format!(
            "BEGIN;
             ALTER ROLE \"{was}\" RENAME TO \"{is}\";
             ALTER ROLE \"{is}\" PASSWORD '{new_verifier}' CONNECTION LIMIT {room};
             CREATE ROLE \"{was}\" LOGIN PASSWORD '{old_verifier}' CONNECTION LIMIT {connections} IN ROLE \"{is}\";
             ALTER ROLE \"{was}\" SET role = '{is}';
             COMMENT ON ROLE \"{was}\" IS '{now}';
             GRANT \"{was}\" TO CURRENT_USER;
             COMMIT"
        ),
    )
    .await
}

pub(super) async fn retire(
    databases: &Databases,
    old: &Credentials,
    new: &Credentials,
    plan: &Plan,
) -> Result<(), ServiceError> {
    let on = databases.on(new, None).await?;
    let (was, is) = (old.user(), new.user());
    if on.role_exists(was).await? {
        on.run("lock out the old user", &format!("ALTER ROLE \"{was}\" NOLOGIN")).await?;
        end_sessions(databases, old, new).await?;
        let inside = databases.inside(new).await?;
        let statement = format!("REASSIGN OWNED BY \"{was}\" TO \"{is}\"; DROP OWNED BY \"{was}\"");
        inside.run("take over from the old user", &statement).await?;
        on.run("drop the old user", &format!("DROP ROLE \"{was}\"")).await?;
    }
    let connections = plan.connections;
    on.run("limit the connections", &format!("ALTER ROLE \"{is}\" CONNECTION LIMIT {connections}")).await
}

/// Those of the old user, and those that the owner has had since before the switch: they were made with the old
/// password.
async fn end_sessions(
    databases: &Databases,
    old: &Credentials,
    new: &Credentials,
) -> Result<(), ServiceError> {
    let on = databases.on(new, None).await?;
    let query = "
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE usename = $1
            OR usename = $2 AND backend_start <
               (SELECT shobj_description(oid, 'pg_authid')::timestamptz FROM pg_roles WHERE rolname = $1)";
    on.one(query, &[&old.user(), &new.user()]).await.map(drop)
}

#[cfg(test)]
mod tests;
