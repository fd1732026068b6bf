//! Databases: what is kept of a Postgres add-on besides the add-on.

use model::addon::plan;
use model::config_var::Secret;
use model::database::{Database, Reset, ResetEvent, Rotation, RotationEvent, Standing};
use model::id::{AddonId, ReleaseId};
use model::time::Timestamp;

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::Columns;
use crate::topic::Topic;

const WHAT: &str = "database";
const NO_RESET: &str = "none";
const RESET_WANTED: &str = "wanted";

fn place(id: AddonId, column: &str) -> String {
    format!("databases/{id}/{column}")
}

fn read(tx: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Database, StoreError> {
    let addon: AddonId = row.parse("addon")?;
    let unseal = |column: &'static str| {
        let sealed: Option<Vec<u8>> = row.get(column)?;
        let open = |sealed: Vec<u8>| tx.sealer.open_sealed(&place(addon, column), &sealed).map(Secret::new);
        sealed.map(open).transpose()
    };
    let equipped: Option<String> = row.get("equipped")?;
    let standing: String = row.get("standing")?;
    let since = row.get::<Option<i64>>("over_since")?.map(Timestamp::from_micros);
    let reset: String = row.get("reset")?;
    Ok(Database {
        addon,
        equipped: equipped.as_deref().and_then(plan),
        rotation: row.word("rotation", Rotation::from_word)?,
        next: unseal("next")?,
        retiring: unseal("retiring")?,
        rotated_at: row.get::<Option<i64>>("rotated_at")?.map(Timestamp::from_micros),
        reset: match reset.as_str() {
            NO_RESET => Reset::None,
            RESET_WANTED => Reset::Wanted,
            other => Reset::Begun { identity: other.parse().map_err(|_| row.broken("reset", other))? },
        },
        standing: Standing::from_word(&standing, since).ok_or_else(|| row.broken("standing", &standing))?,
    })
}

impl Tx<'_> {
    /// What is kept of an add-on's database; nothing is being done to one of which nothing is kept.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn database(&self, addon: AddonId) -> Result<Database, StoreError> {
        let found =
            self.row(WHAT, "SELECT * FROM databases WHERE addon = ?1", &[&addon.to_string()], read)?;
        Ok(found.unwrap_or_else(|| Database::new(addon)))
    }

    /// Keeps what is known of a database.
    ///
    /// # Errors
    /// Only the store's own; also when its add-on is gone.
    pub fn set_database(&self, database: &Database) -> Result<(), StoreError> {
        let id = database.addon;
        let seal = |column: &str, secret: &Option<Secret>| {
            let seal = |secret: &Secret| self.sealer.seal(&place(id, column), secret.expose_secret());
            secret.as_ref().map(seal).transpose()
        };
        let reset = match &database.reset {
            Reset::None => NO_RESET.to_owned(),
            Reset::Wanted => RESET_WANTED.to_owned(),
            Reset::Begun { identity } => identity.to_string(),
        };
        self.execute(
            "keep a database's state",
            "INSERT INTO databases (addon, equipped, rotation, next, retiring, rotated_at, reset, standing, over_since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (addon) DO UPDATE SET equipped = excluded.equipped, rotation = excluded.rotation,
               next = excluded.next, retiring = excluded.retiring, rotated_at = excluded.rotated_at,
               reset = excluded.reset, standing = excluded.standing, over_since = excluded.over_since",
            &[
                &id.to_string(),
                &database.equipped.map(model::addon::Plan::full_name),
                &database.rotation.as_str(),
                &seal("next", &database.next)?,
                &seal("retiring", &database.retiring)?,
                &database.rotated_at.map(Timestamp::as_micros),
                &reset,
                &database.standing.as_str(),
                &database.standing.since().map(Timestamp::as_micros),
            ],
        )?;
        self.touch(Topic::Addons);
        Ok(())
    }

    /// Asks for other credentials, which the add-on's stage makes.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn ask_rotation(&self, addon: AddonId, forced: bool) -> Result<(), StoreError> {
        let database = self.database(addon)?;
        let rotation = database.rotation.on(RotationEvent::Ask { forced })?;
        self.set_database(&Database { rotation, ..database })
    }

    /// Asks for an empty database in place of what is there, which the add-on's stage makes.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn ask_reset(&self, addon: AddonId) -> Result<(), StoreError> {
        let database = self.database(addon)?;
        let reset = database.reset.clone().on(ResetEvent::Ask)?;
        self.set_database(&Database { reset, ..database })
    }

    /// Has the add-on's stage hold a database to its plan again, and look at it: another one has taken its place.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn recheck_database(&self, addon: AddonId) -> Result<(), StoreError> {
        let database = self.database(addon)?;
        self.set_database(&Database { equipped: None, ..database })
    }

    /// Whether a release gives its dynos this value by an add-on's config var.
    ///
    /// # Errors
    /// Only the store's own; also when the release's config cannot be unsealed.
    pub fn release_is_given(&self, release: ReleaseId, value: &Secret) -> Result<bool, StoreError> {
        let own = self.release_own_config(release)?;
        let config = self.release_config(release)?;
        Ok(config.iter().any(|(key, given)| given == value && !own.contains_key(key)))
    }
}
