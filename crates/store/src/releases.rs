//! Releases.

use std::collections::BTreeMap;

use model::config_var::{ConfigKey, ConfigVars, Secret};
use model::id::{AccountId, AppId, DynoId, ReleaseId, SlugId};
use model::release::{Release, ReleaseEvent, ReleaseStatus, ReleaseVersion};

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::{Columns, json};
use crate::topic::Topic;

const WHAT: &str = "release";

/// What is needed to make a release.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// The app.
    pub app: AppId,
    /// The code; none keeps the code of the newest usable release.
    pub slug: Option<SlugId>,
    /// What makes it, in Heroku's wording.
    pub description: String,
    /// Who makes it.
    pub user: AccountId,
    /// Whether its release command is run; not for changes that an add-on made to its own values.
    pub runs_command: bool,
}

/// A release's config, as it was when the release was made.
pub type ReleaseConfig = ConfigVars;

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Release, StoreError> {
    Ok(Release {
        id: row.parse("id")?,
        app: row.parse("app")?,
        version: ReleaseVersion(row.get("version")?),
        status: row.word("status", ReleaseStatus::from_word)?,
        slug: row.parse_opt("slug")?,
        description: row.get("description")?,
        user: row.parse("user")?,
        runs_command: row.get("runs_command")?,
        command_dyno: row.parse_opt("command_dyno")?,
        failure: row.get("failure")?,
        addon_plans: row.json("addon_plans")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn place(id: ReleaseId) -> String {
    format!("releases/{id}/config")
}

impl Tx<'_> {
    /// Makes the app's next release with its present config vars; it waits for its turn as `Queued`.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_release(&self, new: &NewRelease) -> Result<Release, StoreError> {
        let id = ReleaseId::new();
        let slug = match new.slug {
            Some(slug) => Some(slug),
            None => self.code_of(new.app)?,
        };
        let config = self.config_vars(new.app)?;
        let plain: BTreeMap<&str, &str> =
            config.iter().map(|(key, value)| (key.as_str(), value.expose_secret())).collect();
        let sealed = self.sealer.seal(&place(id), &json(&plain))?;
        let attached: Vec<String> = self.attached_keys(new.app)?.keys().map(ToString::to_string).collect();
        let addon_plans: Vec<String> =
            self.addons_attached_to(new.app)?.iter().map(|addon| addon.plan.full_name()).collect();
        let version = self.newest_release(new.app)?.map_or(1, |release| release.version.0 + 1);
        let at = self.now().as_micros();
        self.execute(
            "make a release",
            "INSERT INTO releases (id, app, version, status, slug, description, user, config, attached,
                                   runs_command, addon_plans, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
            &[
                &id.to_string(),
                &new.app.to_string(),
                &version,
                &ReleaseStatus::Queued.as_str(),
                &slug.map(|slug| slug.to_string()),
                &new.description,
                &new.user.to_string(),
                &sealed,
                &json(&attached),
                &new.runs_command,
                &json(&addon_plans),
                &at,
            ],
        )?;
        self.execute(
            "note a release",
            "UPDATE apps SET released_at = ?2, updated_at = ?2 WHERE id = ?1",
            &[&new.app.to_string(), &at],
        )?;
        self.touch(Topic::Releases);
        self.touch(Topic::Apps);
        self.release(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// The code that a release without a slug of its own runs: that of the newest release which did not fail,
    /// else of the newest of all, so that a config change can mend an app whose very first start failed.
    fn code_of(&self, app: AppId) -> Result<Option<SlugId>, StoreError> {
        let query = "SELECT slug FROM releases WHERE app = ?1 AND slug IS NOT NULL
                     ORDER BY status = 'failed', version DESC LIMIT 1";
        self.row(WHAT, query, &[&app.to_string()], |_, row| row.parse("slug"))
    }

    /// A release by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn release(&self, id: ReleaseId) -> Result<Option<Release>, StoreError> {
        self.row(WHAT, "SELECT * FROM releases WHERE id = ?1", &[&id.to_string()], read)
    }

    /// A release by its number.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn release_by_version(
        &self,
        app: AppId,
        version: ReleaseVersion,
    ) -> Result<Option<Release>, StoreError> {
        let query = "SELECT * FROM releases WHERE app = ?1 AND version = ?2";
        self.row(WHAT, query, &[&app.to_string(), &version.0], read)
    }

    /// An app's releases, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn releases(&self, app: AppId) -> Result<Vec<Release>, StoreError> {
        self.rows(WHAT, "SELECT * FROM releases WHERE app = ?1 ORDER BY version", &[&app.to_string()], read)
    }

    /// An app's newest release, whatever its status.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn newest_release(&self, app: AppId) -> Result<Option<Release>, StoreError> {
        let query = "SELECT * FROM releases WHERE app = ?1 ORDER BY version DESC LIMIT 1";
        self.row(WHAT, query, &[&app.to_string()], read)
    }

    /// What the app runs: its newest succeeded release.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn current_release(&self, app: AppId) -> Result<Option<Release>, StoreError> {
        let query =
            "SELECT * FROM releases WHERE app = ?1 AND status = 'succeeded' ORDER BY version DESC LIMIT 1";
        self.row(WHAT, query, &[&app.to_string()], read)
    }

    /// Releases of all apps that are not over, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn open_releases(&self) -> Result<Vec<Release>, StoreError> {
        let query = "SELECT * FROM releases WHERE status IN ('queued', 'command', 'rolling-out')
                     ORDER BY app, version";
        self.rows(WHAT, query, &[], read)
    }

    /// The config a release was made with.
    ///
    /// # Errors
    /// Only the store's own; also when it cannot be unsealed.
    pub fn release_config(&self, id: ReleaseId) -> Result<ReleaseConfig, StoreError> {
        let query = "SELECT config FROM releases WHERE id = ?1";
        let sealed: Vec<u8> = self
            .row(WHAT, query, &[&id.to_string()], |_, row| row.get("config"))?
            .ok_or(StoreError::Missing { what: WHAT })?;
        let text = self.sealer.open_sealed(&place(id), &sealed)?;
        let broken = |detail: String| StoreError::Broken { what: WHAT, detail };
        let plain: BTreeMap<String, String> =
            serde_json::from_str(&text).map_err(|_| broken("its config is no JSON".to_owned()))?;
        plain
            .into_iter()
            .map(|(key, value)| match ConfigKey::of_platform(&key) {
                Ok(key) => Ok((key, Secret::new(value))),
                Err(error) => Err(broken(error.to_string())),
            })
            .collect()
    }

    /// What of a release's config was the user's own: a rollback brings that back, and nothing of add-ons that may be
    /// gone since.
    ///
    /// # Errors
    /// Only the store's own; also when it cannot be unsealed.
    pub fn release_own_config(&self, id: ReleaseId) -> Result<ReleaseConfig, StoreError> {
        let query = "SELECT attached FROM releases WHERE id = ?1";
        let attached: Vec<String> = self
            .row(WHAT, query, &[&id.to_string()], |_, row| row.json("attached"))?
            .ok_or(StoreError::Missing { what: WHAT })?;
        let mut config = self.release_config(id)?;
        config.retain(|key, _| !attached.iter().any(|name| name == key.as_str()));
        Ok(config)
    }

    /// Moves a release on; returns it as it is then.
    ///
    /// # Errors
    /// [`StoreError::IllegalRelease`] when its state machine refuses.
    pub fn release_on(&self, id: ReleaseId, event: ReleaseEvent) -> Result<Release, StoreError> {
        let release = self.release(id)?.ok_or(StoreError::Missing { what: WHAT })?;
        let status = release.status.on(event)?;
        let at = self.now();
        self.execute(
            "change a release's status",
            "UPDATE releases SET status = ?2, updated_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &status.as_str(), &at.as_micros()],
        )?;
        self.touch(Topic::Releases);
        Ok(Release { status, updated_at: at, ..release })
    }

    /// Notes why a release failed, or why it stays though its dynos crashed.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_release_failure(&self, id: ReleaseId, failure: &str) -> Result<(), StoreError> {
        self.execute(
            "note a failure",
            "UPDATE releases SET failure = ?2 WHERE id = ?1",
            &[&id.to_string(), &failure],
        )?;
        self.touch(Topic::Releases);
        Ok(())
    }

    /// Notes the one-off dyno that runs a release's command.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_command_dyno(&self, id: ReleaseId, dyno: DynoId) -> Result<(), StoreError> {
        self.execute(
            "note a release's dyno",
            "UPDATE releases SET command_dyno = ?2 WHERE id = ?1",
            &[&id.to_string(), &dyno.to_string()],
        )?;
        self.touch(Topic::Releases);
        Ok(())
    }
}
