//! A role of a transfer's own: it may do what the owner of a database may, and nothing else in the server. It opens the
//! database without the tenant's credentials, which may be rotated at any time, and beside the tenant's connections.

use model::config_var::Secret;
use model::id::TransferId;
use postgres_protocol::password::scram_sha_256;
use rand::Rng;

use crate::backup::failure::TransferError;
use crate::backup::workshop::{Login, Workshop};

const PASSWORD_DIGITS: usize = 64;
/// A program and our own session, with some to spare for those that are on their way out.
const CONNECTIONS_MAX: u32 = 6;

/// A role that is there for as long as its transfer.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) role: String,
    password: Secret,
}

impl Guest {
    /// Makes the role, a member of every role that owns something in `database`. One that is there already gets a new
    /// password.
    pub(crate) async fn invite(
        workshop: &Workshop,
        id: TransferId,
        database: &str,
    ) -> Result<Self, TransferError> {
        let guest = Self { role: workshop.name("guest", id), password: password() };
        let Self { role, password } = &guest;
        let admin = workshop.admin.connect(None).await?;
        let run = |doing, statement: String| admin.run(doing, statement);
        if admin.one("SELECT FROM pg_roles WHERE rolname = $1", &[role]).await?.is_none() {
            run("make a role for the transfer", format!("CREATE ROLE \"{role}\"")).await?;
        }
        let verifier = scram_sha_256(password.expose_secret().as_bytes());
        run(
            "equip the transfer's role",
            format!(
                "ALTER ROLE \"{role}\" LOGIN CONNECTION LIMIT {CONNECTIONS_MAX} PASSWORD '{verifier}';
                 GRANT \"{role}\" TO CURRENT_USER"
            ),
        )
        .await?;
        guest.also_into(workshop, database).await?;
        Ok(guest)
    }

    /// Makes the role a member of every role that owns something in one more database.
    pub(crate) async fn also_into(&self, workshop: &Workshop, database: &str) -> Result<(), TransferError> {
        let admin = workshop.admin.connect(None).await?;
        for owner in admin.all(OWNERS, &[&database]).await? {
            let owner: String = owner.get(0);
            let grant = format!("GRANT {owner} TO \"{}\"", self.role);
            admin.run("let the transfer's role in", grant).await?;
        }
        Ok(())
    }

    /// How the guest gets into a database.
    pub(crate) fn login(&self, workshop: &Workshop, database: &str) -> Login {
        workshop.login(&self.role, &self.password, database)
    }
}

fn password() -> Secret {
    let mut rng = rand::rng();
    let digit = |_| char::from(b"0123456789abcdef"[rng.random_range(0..16)]);
    Secret::new((0..PASSWORD_DIGITS).map(digit).collect::<String>())
}

/// Whoever owns the database or something in it, quoted; never somebody who may do anything.
const OWNERS: &str = "
    SELECT quote_ident(rolname) FROM pg_roles WHERE NOT rolsuper AND oid IN (
        SELECT datdba FROM pg_database WHERE datname = $1
        UNION
        SELECT refobjid FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
          AND dbid = (SELECT oid FROM pg_database WHERE datname = $1))";
