//! Config vars: the present ones of each app. What a release was made with is kept with the release.

use std::collections::BTreeMap;

use model::config_var::{ConfigKey, ConfigVars, Secret};
use model::id::{AppId, AttachmentId};

use crate::database::Tx;
use crate::error::StoreError;

const WHAT: &str = "config var";

/// A change of config vars: a value to set, or none to remove.
pub type ConfigChange = BTreeMap<ConfigKey, Option<Secret>>;

fn place(app: AppId, key: &ConfigKey) -> String {
    format!("config_vars/{app}/{key}")
}

fn platform_key(text: &str) -> Result<ConfigKey, StoreError> {
    ConfigKey::of_platform(text).map_err(|error| StoreError::Broken { what: WHAT, detail: error.to_string() })
}

impl Tx<'_> {
    /// An app's present config vars, add-on values included.
    ///
    /// # Errors
    /// Only the store's own; also when a value cannot be unsealed.
    pub fn config_vars(&self, app: AppId) -> Result<ConfigVars, StoreError> {
        let query = "SELECT key, value FROM config_vars WHERE app = ?1";
        self.rows(WHAT, query, &[&app.to_string()], |tx, row| {
            let key = platform_key(&row.get::<String>("key")?)?;
            let sealed: Vec<u8> = row.get("value")?;
            let value = tx.sealer.open_sealed(&place(app, &key), &sealed)?;
            Ok((key, Secret::new(value)))
        })
        .map(|pairs| pairs.into_iter().collect())
    }

    /// The keys that belong to add-ons, with the attachment that owns each.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn attached_keys(&self, app: AppId) -> Result<BTreeMap<ConfigKey, AttachmentId>, StoreError> {
        let query = "SELECT key, attachment FROM config_vars WHERE app = ?1 AND attachment IS NOT NULL";
        self.rows(WHAT, query, &[&app.to_string()], |_, row| {
            Ok((platform_key(&row.get::<String>("key")?)?, row.parse("attachment")?))
        })
        .map(|pairs| pairs.into_iter().collect())
    }

    /// Sets and removes config vars. `owner` is the attachment they belong to, none for a user's own.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn change_config_vars(
        &self,
        app: AppId,
        change: &ConfigChange,
        owner: Option<AttachmentId>,
    ) -> Result<(), StoreError> {
        let owner = owner.map(|id| id.to_string());
        for (key, value) in change {
            let Some(value) = value else {
                self.execute(
                    "remove a config var",
                    "DELETE FROM config_vars WHERE app = ?1 AND key = ?2",
                    &[&app.to_string(), &key.as_str()],
                )?;
                continue;
            };
            let sealed = self.sealer.seal(&place(app, key), value.expose_secret())?;
            self.execute(
                "set a config var",
                "INSERT INTO config_vars (app, key, value, attachment) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (app, key) DO UPDATE SET value = excluded.value, attachment = excluded.attachment",
                &[&app.to_string(), &key.as_str(), &sealed, &owner],
            )?;
        }
        Ok(())
    }

    /// Replaces a user's own vars by those of `config`, keeping what belongs to add-ons (a rollback).
    ///
    /// # Errors
    /// Only the store's own.
    pub fn replace_own_config_vars(&self, app: AppId, config: &ConfigVars) -> Result<(), StoreError> {
        let attached = self.attached_keys(app)?;
        self.execute(
            "replace config vars",
            "DELETE FROM config_vars WHERE app = ?1 AND attachment IS NULL",
            &[&app.to_string()],
        )?;
        let own: ConfigChange = config
            .iter()
            .filter(|(key, _)| !attached.contains_key(*key))
            .map(|(key, value)| (key.clone(), Some(value.clone())))
            .collect();
        self.change_config_vars(app, &own, None)
    }
}
