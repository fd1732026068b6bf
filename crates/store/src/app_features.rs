//! Features that are switched on.

use std::collections::BTreeMap;

use model::feature::AppFeature;
use model::id::AppId;
use model::time::Timestamp;

use crate::database::Tx;
use crate::error::StoreError;

const WHAT: &str = "feature";

impl Tx<'_> {
    /// The features that an app has switched on, and since when. A name that is no longer known is left out.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn app_features(&self, app: AppId) -> Result<BTreeMap<AppFeature, Timestamp>, StoreError> {
        let query = "SELECT name, created_at FROM app_features WHERE app = ?1";
        let rows = self.rows(WHAT, query, &[&app.to_string()], |_, row| {
            let name: String = row.get("name")?;
            Ok((AppFeature::from_word(&name), row.time("created_at")?))
        })?;
        Ok(rows.into_iter().filter_map(|(feature, at)| Some((feature?, at))).collect())
    }

    /// Switches a feature on or off; nothing when it is so already.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_app_feature(&self, app: AppId, feature: AppFeature, on: bool) -> Result<(), StoreError> {
        let (app, name, at) = (app.to_string(), feature.as_str(), self.now().as_micros());
        let insert = "INSERT OR IGNORE INTO app_features (app, name, created_at) VALUES (?1, ?2, ?3)";
        let delete = "DELETE FROM app_features WHERE app = ?1 AND name = ?2";
        let done = match on {
            true => self.execute("switch a feature on", insert, &[&app, &name, &at]),
            false => self.execute("switch a feature off", delete, &[&app, &name]),
        };
        done.map(drop)
    }
}
