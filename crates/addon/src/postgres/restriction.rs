//! Taking away the right to add to a database, such that its owner cannot give it back.
//!
//! A table's owner may always grant itself what was revoked, so revoking alone holds nobody. A guard makes it hold: an
//! event trigger of the superuser, which revokes again at the end of every command that changes definitions, within that
//! command's transaction. What others but the owners were granted is kept as a comment on the guard's function until it is
//! given back (ADR 0021). Where we are no superuser there is no guard, only the revoking.

use crate::credentials::Credentials;
use crate::postgres::databases::Databases;
use crate::service::{Restriction, ServiceError};

impl Restriction {
    /// The privileges, as a list of SQL texts.
    const fn privileges(self) -> &'static str {
        match self {
            Self::Insert => "'INSERT'",
            Self::InsertAndUpdate => "'INSERT', 'UPDATE'",
        }
    }
}

/// Who holds which privilege on which table, or on a column of it.
const HELD: &str = "
    SELECT c.oid AS relation, NULL::name AS part, c.relowner, a.*
      FROM pg_catalog.pg_class c, LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
       AND c.relnamespace NOT IN
           (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE nspname LIKE 'pg\\_%' OR nspname = 'information_schema')
     UNION ALL
    SELECT c.oid, t.attname, c.relowner, a.*
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid, LATERAL aclexplode(t.attacl) a
     WHERE t.attacl IS NOT NULL AND c.relpersistence <> 't'";

/// Revokes from everybody who holds one of the privileges.
fn sweep(privileges: &str) -> String {
    format!(
        "FOR held IN SELECT DISTINCT relation, privilege_type, grantee FROM ({HELD}) AS all_held
                      WHERE privilege_type IN ({privileges})
         LOOP
           EXECUTE format('REVOKE %s ON %s FROM %s CASCADE', held.privilege_type, held.relation::regclass,
             CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(held.grantee)) END);
         END LOOP;"
    )
}

/// The guard's function. `pg_temp` stands last, so that nothing of the session's own stands in for the catalogue.
fn guard(privileges: &str) -> String {
    let sweep = sweep(privileges);
    format!(
        "CREATE FUNCTION pg_catalog.hokku_guard() RETURNS event_trigger LANGUAGE plpgsql
         SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
         DECLARE held record;
         BEGIN
           IF tg_tag = 'REVOKE' THEN RETURN; END IF;
           IF tg_tag IN ('CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW', 'REFRESH MATERIALIZED VIEW')
              AND EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp')
           THEN
             RAISE insufficient_privilege USING MESSAGE = 'the database is over the limits of its plan',
               HINT = 'Delete rows, or upgrade the plan: heroku addons:upgrade';
           END IF;
           {sweep}
         END $guard$"
    )
}

/// Sets up the guard where there is none, and revokes.
pub(super) async fn take(
    databases: &Databases,
    credentials: &Credentials,
    restriction: Restriction,
) -> Result<(), ServiceError> {
    let privileges = restriction.privileges();
    let on = databases.inside(credentials).await?;
    let (guard, sweep) = (guard(privileges), sweep(privileges));
    let statement = format!(
        "DO $take$
         DECLARE held record; kept text;
         BEGIN
           IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
             SELECT obj_description(oid, 'pg_proc')::json ->> 'privileges' INTO kept
               FROM pg_proc WHERE proname = 'hokku_guard' AND pronamespace = 'pg_catalog'::regnamespace;
             IF kept IS NOT NULL AND kept <> $privileges${privileges}$privileges$ THEN
               {GIVE_BACK}
               kept := NULL;
             END IF;
             IF kept IS NULL THEN
               SELECT json_build_object('privileges', $privileges${privileges}$privileges$,
                        'others', coalesce(json_agg(json_build_object('relation', relation, 'part', part,
                          'privilege', privilege_type, 'grantee', grantee, 'grantable', is_grantable)), '[]'))::text
                 INTO kept FROM ({HELD}) AS all_held
                WHERE privilege_type IN ({privileges}) AND grantee <> relowner;
               EXECUTE $make${guard}$make$;
               EXECUTE format('COMMENT ON FUNCTION pg_catalog.hokku_guard() IS %L', kept);
               CREATE EVENT TRIGGER hokku_guard ON ddl_command_end EXECUTE FUNCTION pg_catalog.hokku_guard();
             END IF;
           END IF;
           {sweep}
         END $take$"
    );
    on.run("revoke the right to add", &statement).await
}

/// Takes the guard away, and grants the owners and everybody else what they had. What came meanwhile is its owner's.
const GIVE_BACK: &str = "
    DROP EVENT TRIGGER IF EXISTS hokku_guard;
    FOR held IN
      SELECT c.oid AS relation, pg_get_userbyid(c.relowner) AS name FROM pg_class c
       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND c.relacl IS NOT NULL
         AND c.relnamespace NOT IN
             (SELECT n.oid FROM pg_namespace n WHERE nspname LIKE 'pg\\_%' OR nspname = 'information_schema')
    LOOP
      EXECUTE format('GRANT INSERT, UPDATE ON %s TO %I', held.relation::regclass, held.name);
    END LOOP;
    IF EXISTS (SELECT FROM pg_proc WHERE proname = 'hokku_guard' AND pronamespace = 'pg_catalog'::regnamespace) THEN
      FOR held IN
        SELECT k.relation, k.part, k.privilege, k.grantable,
               CASE k.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS name
          FROM pg_proc p,
               json_to_recordset(obj_description(p.oid, 'pg_proc')::json -> 'others')
                 AS k(relation oid, part name, privilege text, grantee oid, grantable boolean)
          JOIN pg_class c ON c.oid = k.relation
          LEFT JOIN pg_roles r ON r.oid = k.grantee
         WHERE p.proname = 'hokku_guard' AND p.pronamespace = 'pg_catalog'::regnamespace
           AND (k.grantee = 0 OR r.oid IS NOT NULL)
           AND (k.part IS NULL OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = k.part))
      LOOP
        EXECUTE format('GRANT %s %s ON %s TO %s %s', held.privilege,
          CASE WHEN held.part IS NULL THEN '' ELSE format('(%I)', held.part) END,
          held.relation::regclass, held.name, CASE WHEN held.grantable THEN 'WITH GRANT OPTION' ELSE '' END);
      END LOOP;
      DROP FUNCTION pg_catalog.hokku_guard();
    END IF;";

pub(super) async fn give_back(databases: &Databases, credentials: &Credentials) -> Result<(), ServiceError> {
    let on = databases.inside(credentials).await?;
    let statement = format!("DO $give$ DECLARE held record; BEGIN {GIVE_BACK} END $give$");
    on.run("give back the right to add", &statement).await
}

#[cfg(test)]
mod tests;
