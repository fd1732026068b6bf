//! Apps.

use model::addon::AddonState;
use model::app::AppName;
use model::domain::Hostname;
use model::id::{AccountId, AppId};
use model::time::Timestamp;

use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::{Columns, json};
use crate::topic::Topic;

const WHAT: &str = "app";

/// An app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: AppName,
    /// Whose it is.
    pub owner: AccountId,
    /// The stack it is built on.
    pub stack: String,
    /// Buildpacks in order, as they were set, or pinned by the first successful build.
    pub buildpacks: Vec<String>,
    /// Whether the router shows the maintenance page.
    pub maintenance: bool,
    /// Whether its custom domains get certificates by themselves.
    pub acm: bool,
    /// Bytes of its git repository after the last push.
    pub repo_bytes: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it last got a release.
    pub released_at: Option<Timestamp>,
}

/// What is needed to make an app.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// Its name.
    pub name: AppName,
    /// Whose it is.
    pub owner: AccountId,
    /// The stack it is built on.
    pub stack: String,
    /// The platform's host name for it (`<name>.<domain>`).
    pub hostname: Hostname,
}

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<App, StoreError> {
    Ok(App {
        id: row.parse("id")?,
        name: row.parse("name")?,
        owner: row.parse("owner")?,
        stack: row.get("stack")?,
        buildpacks: row.json("buildpacks")?,
        maintenance: row.get("maintenance")?,
        acm: row.get("acm")?,
        repo_bytes: row.get::<Option<i64>>("repo_bytes")?.and_then(|bytes| u64::try_from(bytes).ok()),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        released_at: row.get::<Option<i64>>("released_at")?.map(Timestamp::from_micros),
    })
}

impl Tx<'_> {
    /// Makes an app with its platform domain. Its first releases are made by the caller.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name or the host name is in use.
    pub fn create_app(&self, new: &NewApp) -> Result<App, StoreError> {
        let id = AppId::new();
        self.sql
            .execute(
                "INSERT INTO apps (id, name, owner, stack, buildpacks, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, '[]', ?5, ?5)",
                (
                    id.to_string(),
                    new.name.as_str(),
                    new.owner.to_string(),
                    &new.stack,
                    self.now().as_micros(),
                ),
            )
            .map_err(unique("Name", "make an app"))?;
        self.create_domain(id, &new.hostname, model::domain::DomainKind::Platform)?;
        self.touch(Topic::Apps);
        self.app(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// An app by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn app(&self, id: AppId) -> Result<Option<App>, StoreError> {
        self.row(WHAT, "SELECT * FROM apps WHERE id = ?1", &[&id.to_string()], read)
    }

    /// An app by its id or name, as API paths give it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn app_by_identity(&self, identity: &str) -> Result<Option<App>, StoreError> {
        self.row(WHAT, "SELECT * FROM apps WHERE id = ?1 OR name = ?1", &[&identity], read)
    }

    /// Every app, by name.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn apps(&self) -> Result<Vec<App>, StoreError> {
        self.rows(WHAT, "SELECT * FROM apps ORDER BY name", &[], read)
    }

    /// An account's own apps, by name.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn apps_of(&self, owner: AccountId) -> Result<Vec<App>, StoreError> {
        self.rows(WHAT, "SELECT * FROM apps WHERE owner = ?1 ORDER BY name", &[&owner.to_string()], read)
    }

    /// Renames an app and gives it the platform's host name for the new name.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when either is in use.
    pub fn rename_app(&self, id: AppId, name: &AppName, hostname: &Hostname) -> Result<(), StoreError> {
        self.sql
            .execute("UPDATE apps SET name = ?2 WHERE id = ?1", (id.to_string(), name.as_str()))
            .map_err(unique("Name", "rename an app"))?;
        self.sql
            .execute(
                "UPDATE domains SET hostname = ?2, updated_at = ?3 WHERE app = ?1 AND custom = 0",
                (id.to_string(), hostname.as_str(), self.now().as_micros()),
            )
            .map_err(unique("Hostname", "rename an app's domain"))?;
        self.app_changed(id)
    }

    /// Gives an app to another account.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_app_owner(&self, id: AppId, owner: AccountId) -> Result<(), StoreError> {
        self.execute(
            "give an app away",
            "UPDATE apps SET owner = ?2 WHERE id = ?1",
            &[&id.to_string(), &owner.to_string()],
        )?;
        self.app_changed(id)
    }

    /// The apps that an account owns or is a collaborator of, by name.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn apps_open_to(&self, account: AccountId) -> Result<Vec<App>, StoreError> {
        let query = "SELECT * FROM apps WHERE owner = ?1
                     OR id IN (SELECT app FROM collaborators WHERE account = ?1) ORDER BY name";
        self.rows(WHAT, query, &[&account.to_string()], read)
    }

    /// Turns maintenance mode on or off.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_maintenance(&self, id: AppId, on: bool) -> Result<(), StoreError> {
        self.execute(
            "set maintenance",
            "UPDATE apps SET maintenance = ?2 WHERE id = ?1",
            &[&id.to_string(), &on],
        )?;
        self.app_changed(id)
    }

    /// Sets the list of buildpacks.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_buildpacks(&self, id: AppId, buildpacks: &[String]) -> Result<(), StoreError> {
        self.execute(
            "set buildpacks",
            "UPDATE apps SET buildpacks = ?2 WHERE id = ?1",
            &[&id.to_string(), &json(&buildpacks)],
        )?;
        self.app_changed(id)
    }

    /// Notes the size of the app's git repository.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_repo_bytes(&self, id: AppId, bytes: u64) -> Result<(), StoreError> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.execute(
            "note a size",
            "UPDATE apps SET repo_bytes = ?2 WHERE id = ?1",
            &[&id.to_string(), &bytes],
        )
        .map(drop)
    }

    /// Removes an app and all that hangs on it. Its add-ons must be on their way out; they outlive the app until
    /// what they hold is gone too.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when an add-on still belongs to it.
    pub fn delete_app(&self, id: AppId) -> Result<(), StoreError> {
        if self.addons_of(id)?.iter().any(|addon| addon.state != AddonState::Deprovisioning) {
            return Err(StoreError::InUse { what: WHAT, by: "add-on" });
        }
        let id = id.to_string();
        // Slugs and releases point at each other across the cascade, so they go in the order of use.
        for (doing, statement) in [
            ("delete an app's dynos", "DELETE FROM dynos WHERE app = ?1"),
            ("delete an app's builds", "DELETE FROM builds WHERE app = ?1"),
            ("delete an app's releases", "DELETE FROM releases WHERE app = ?1"),
            ("delete an app's slugs", "DELETE FROM slugs WHERE app = ?1"),
            ("delete an app", "DELETE FROM apps WHERE id = ?1"),
        ] {
            self.execute(doing, statement, &[&id])?;
        }
        for topic in [
            Topic::Apps,
            Topic::Builds,
            Topic::Releases,
            Topic::Formation,
            Topic::Dynos,
            Topic::Drains,
            Topic::Webhooks,
        ] {
            self.touch(topic);
        }
        Ok(())
    }

    /// The number of the app's next one-off dyno: 1 to 9999, then again from 1.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such app.
    pub fn next_run_number(&self, id: AppId) -> Result<u32, StoreError> {
        let id = id.to_string();
        let number: i64 = self
            .row(WHAT, "SELECT next_run FROM apps WHERE id = ?1", &[&id], |_, row| row.get("next_run"))?
            .ok_or(StoreError::Missing { what: WHAT })?;
        self.execute("count a dyno", "UPDATE apps SET next_run = next_run % 9999 + 1 WHERE id = ?1", &[&id])?;
        u32::try_from(number)
            .map_err(|_| StoreError::Broken { what: WHAT, detail: format!("next_run {number}") })
    }

    fn app_changed(&self, id: AppId) -> Result<(), StoreError> {
        self.execute(
            "note a change",
            "UPDATE apps SET updated_at = ?2 WHERE id = ?1",
            &[&id.to_string(), &self.now().as_micros()],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }
}
