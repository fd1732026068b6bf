//! Scratch databases: where a dump is restored to be verified, and to take a database's place when it is right.
//!
//! Everything here may be done again after a kill. What is left of it is found by its name and thrown away by [`sweep`].

use std::collections::BTreeSet;

use model::id::TransferId;

use crate::backup::failure::TransferError;
use crate::backup::guest::Guest;
use crate::backup::workshop::Workshop;
use crate::postgres::admin::Session;

/// A scratch database.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    pub(crate) database: String,
    /// Whether everything in it is the guest's, and not somebody's whom the guest acts for.
    is_guests: bool,
}

/// Where a database stands whose place another one is to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The scratch database still stands beside it.
    Beside,
    /// The scratch database has taken its place.
    Taken,
}

impl Scratch {
    /// A new, empty one; what had its name is thrown away. It belongs to the guest, or to `owner`.
    pub(crate) async fn make(
        workshop: &Workshop,
        id: TransferId,
        guest: &Guest,
        owner: Option<&str>,
    ) -> Result<Self, TransferError> {
        let database = workshop.name("scratch", id);
        let is_guests = owner.is_none();
        let owner = owner.unwrap_or(&guest.role).to_owned();
        let admin = workshop.admin.connect(None).await?;
        drop_database(&admin, &database).await?;
        let quoted = quoted(&owner);
        let make =
            format!("CREATE DATABASE \"{database}\" OWNER {quoted} TEMPLATE template0 ENCODING 'UTF8'");
        admin.run("make a scratch database", make).await?;
        let close = format!("REVOKE ALL ON DATABASE \"{database}\" FROM PUBLIC");
        admin.run("close the scratch database", close).await?;
        let inside = workshop.admin.connect(Some(&database)).await?;
        let give = format!("ALTER SCHEMA public OWNER TO {quoted}");
        inside.run("hand over the scratch database's schema", give).await?;
        Ok(Self { database, is_guests })
    }

    /// Extensions that a role cannot make, but that the platform has put into `model` in a schema that every database has.
    /// Returns all those that are there now.
    pub(crate) async fn equip_like(
        &self,
        workshop: &Workshop,
        model: &str,
    ) -> Result<Vec<String>, TransferError> {
        let inside = workshop.admin.connect(Some(model)).await?;
        let inside_scratch = workshop.admin.connect(Some(&self.database)).await?;
        let mut there = Vec::new();
        for row in inside.all(PLATFORMS_EXTENSIONS, &[]).await? {
            let (name, quoted, schema): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            let make = format!("CREATE EXTENSION IF NOT EXISTS {quoted} WITH SCHEMA {schema}");
            inside_scratch.run("make an extension", make).await?;
            there.push(name);
        }
        Ok(there)
    }

    /// Who owns it, unquoted. His name changes with his credentials, at any time (ADR 20).
    pub(crate) async fn owner(&self, workshop: &Workshop) -> Result<String, TransferError> {
        owner_of(workshop, &self.database).await
    }

    /// After the restore: all is the owner's, also what the dump made the guest's.
    pub(crate) async fn hand_over(&self, workshop: &Workshop, guest: &Guest) -> Result<(), TransferError> {
        if self.is_guests {
            return Ok(());
        }
        let inside = workshop.admin.connect(Some(&self.database)).await?;
        let (role, owner) = (&guest.role, quoted(&self.owner(workshop).await?));
        let statements = format!("REASSIGN OWNED BY \"{role}\" TO {owner}; DROP OWNED BY \"{role}\"");
        inside.run("hand over what was restored", statements).await
    }

    /// Gives the scratch database the settings and rights of `database`, whose place it is to take. These commits are
    /// synchronous, and so is then everything that was restored before them.
    pub(crate) async fn dress_like(&self, workshop: &Workshop, database: &str) -> Result<(), TransferError> {
        let admin = workshop.admin.connect(None).await?;
        let scratch = &self.database;
        for row in admin.all(RIGHTS, &[&database]).await? {
            let (right, grantee): (String, String) = (row.get(0), row.get(1));
            let grant = format!("GRANT {right} ON DATABASE \"{scratch}\" TO {grantee}");
            admin.run("give the same rights", grant).await?;
        }
        for row in admin.all(SETTINGS, &[&database]).await? {
            let (whose, name, value): (Option<String>, String, String) = (row.get(0), row.get(1), row.get(2));
            let set = match whose {
                Some(role) => format!("ALTER ROLE {role} IN DATABASE \"{scratch}\" SET {name} TO {value}"),
                None => format!("ALTER DATABASE \"{scratch}\" SET {name} TO {value}"),
            };
            admin.run("make the same settings", set).await?;
        }
        let written = format!("COMMENT ON DATABASE \"{scratch}\" IS NULL");
        admin.run("make sure that all is written", written).await
    }
}

/// Who owns a database.
pub(crate) async fn owner_of(workshop: &Workshop, database: &str) -> Result<String, TransferError> {
    let admin = workshop.admin.connect(None).await?;
    let query =
        "SELECT rolname::text FROM pg_roles WHERE oid = (SELECT datdba FROM pg_database WHERE datname = $1)";
    let row = admin.one(query, &[&database]).await?.ok_or_else(|| crate::service::ServiceError::Missing {
        server: workshop.admin.server().to_owned(),
        database: database.to_owned(),
    })?;
    Ok(row.get(0))
}

/// How far a change of places is that may have been broken off at any moment.
pub(crate) async fn place(workshop: &Workshop, id: TransferId) -> Result<Place, TransferError> {
    let admin = workshop.admin.connect(None).await?;
    let stands = exists(&admin, &workshop.name("scratch", id)).await?;
    let has_left = exists(&admin, &workshop.name("old", id)).await?;
    Ok(if stands && !has_left { Place::Beside } else { Place::Taken })
}

/// The scratch database takes the place of `database`: both names change in one transaction, so that whoever connects
/// finds the one or the other. Sessions of the old one end; who comes in the middle waits, and is told to come again.
pub(crate) async fn take_place(
    workshop: &Workshop,
    id: TransferId,
    database: &str,
) -> Result<(), TransferError> {
    let (scratch, old) = (workshop.name("scratch", id), workshop.name("old", id));
    let admin = workshop.admin.connect(None).await?;
    let statements = format!(
        "BEGIN;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{database}', '{scratch}');
         ALTER DATABASE \"{database}\" RENAME TO \"{old}\";
         ALTER DATABASE \"{scratch}\" RENAME TO \"{database}\";
         COMMIT"
    );
    admin.run("put the restored data in the database's place", statements).await
}

/// Throws away whatever transfers have left in the server, sessions included, except those in `kept`.
pub(crate) async fn sweep(workshop: &Workshop, kept: &BTreeSet<TransferId>) -> Result<(), TransferError> {
    let admin = workshop.admin.connect(None).await?;
    let kept: Vec<String> = kept.iter().map(|id| workshop.name("", *id)).collect();
    let ids: Vec<&str> = kept.iter().filter_map(|name| name.rsplit_once('_').map(|(_, id)| id)).collect();
    let is_left = |name: &str| !ids.iter().any(|id| name.ends_with(id));
    let pattern = format!("{}%", workshop.prefix().replace('_', "\\_"));
    let names = async |query: &str| -> Result<Vec<String>, TransferError> {
        let rows = admin.all(query, &[&pattern]).await?;
        Ok(rows.iter().map(|row| row.get(0)).filter(|name: &String| is_left(name)).collect())
    };
    let roles = names("SELECT rolname::text FROM pg_roles WHERE rolname LIKE $1").await?;
    for role in &roles {
        // A program that its server has lost still reads or writes.
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1";
        admin.all(end, &[role]).await?;
    }
    for database in names("SELECT datname::text FROM pg_database WHERE datname LIKE $1").await? {
        drop_database(&admin, &database).await?;
    }
    for role in roles {
        admin.run("remove a transfer's role", format!("DROP ROLE IF EXISTS \"{role}\"")).await?;
    }
    Ok(())
}

/// When the server was started: another time after a failure means that it is the failure's cause.
pub(crate) async fn started_at(workshop: &Workshop) -> Result<String, TransferError> {
    let admin = workshop.admin.connect(None).await?;
    let row =
        admin.one("SELECT pg_postmaster_start_time()::text", &[]).await?.ok_or(TransferError::Silent)?;
    Ok(row.get(0))
}

/// Extensions that the server offers, with whether an ordinary role may make them.
pub(crate) async fn offered(workshop: &Workshop) -> Result<super::contents::Offered, TransferError> {
    let admin = workshop.admin.connect(None).await?;
    let query = "SELECT name::text, bool_or(trusted) FROM pg_available_extension_versions GROUP BY 1";
    let rows = admin.all(query, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, Option<bool>>(1).unwrap_or(false))).collect())
}

async fn exists(admin: &Session, database: &str) -> Result<bool, TransferError> {
    Ok(admin.one("SELECT FROM pg_database WHERE datname = $1", &[&database]).await?.is_some())
}

async fn drop_database(admin: &Session, database: &str) -> Result<(), TransferError> {
    let statement = format!("DROP DATABASE IF EXISTS \"{database}\" WITH (FORCE)");
    admin.run("drop a scratch database", statement).await
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Name, quoted name and quoted schema of extensions that only a superuser can have made.
const PLATFORMS_EXTENSIONS: &str = "
    SELECT e.extname::text, quote_ident(e.extname), quote_ident(n.nspname)
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE n.nspname IN ('public', 'pg_catalog') AND e.extname <> 'plpgsql'
      AND NOT EXISTS (SELECT FROM pg_available_extension_versions v WHERE v.name = e.extname AND v.trusted)
    ORDER BY e.oid";

/// What others than its owner may do with a database.
const RIGHTS: &str = "
    SELECT a.privilege_type, quote_ident(r.rolname)
    FROM pg_database d, aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.datname = $1 AND a.grantee <> d.datdba";

/// Settings of a database, or of a role in it, as they are written in SQL. A list keeps its commas.
const SETTINGS: &str = "
    SELECT quote_ident(r.rolname), quote_ident(split_part(c, '=', 1)),
           CASE WHEN split_part(c, '=', 1) IN ('search_path', 'temp_tablespaces', 'session_preload_libraries')
                THEN substr(c, strpos(c, '=') + 1) ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
         LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
    WHERE d.datname = $1";
