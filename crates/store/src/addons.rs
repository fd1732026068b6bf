//! Add-ons and their attachments.

use model::addon::{Addon, AddonState, Attachment, Plan, plan};
use model::config_var::Secret;
use model::id::{AddonId, AppId, AttachmentId};

use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::Columns;
use crate::topic::Topic;

const WHAT: &str = "add-on";

fn place(id: AddonId) -> String {
    format!("addons/{id}/resource")
}

fn read(tx: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Addon, StoreError> {
    let id: AddonId = row.parse("id")?;
    let sealed: Option<Vec<u8>> = row.get("resource")?;
    let resource = sealed.map(|sealed| tx.sealer.open_sealed(&place(id), &sealed)).transpose()?;
    Ok(Addon {
        id,
        name: row.get("name")?,
        app: row.parse("app")?,
        plan: row.word("plan", plan)?,
        state: row.word("state", AddonState::from_word)?,
        resource: resource.map(Secret::new),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn read_attachment(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Attachment, StoreError> {
    Ok(Attachment {
        id: row.parse("id")?,
        addon: row.parse("addon")?,
        app: row.parse("app")?,
        name: row.get("name")?,
        created_at: row.time("created_at")?,
    })
}

impl Tx<'_> {
    /// Asks for an add-on; its stage provisions it.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is in use.
    pub fn create_addon(&self, app: AppId, name: &str, plan: &Plan) -> Result<Addon, StoreError> {
        let id = AddonId::new();
        self.sql
            .execute(
                "INSERT INTO addons (id, name, app, plan, state, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                (
                    id.to_string(),
                    name,
                    app.to_string(),
                    plan.full_name(),
                    AddonState::Provisioning.as_str(),
                    self.now().as_micros(),
                ),
            )
            .map_err(unique("Name", "ask for an add-on"))?;
        self.touch(Topic::Addons);
        self.addon(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// An add-on by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn addon(&self, id: AddonId) -> Result<Option<Addon>, StoreError> {
        self.row(WHAT, "SELECT * FROM addons WHERE id = ?1", &[&id.to_string()], read)
    }

    /// An add-on by its id or name.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn addon_by_identity(&self, identity: &str) -> Result<Option<Addon>, StoreError> {
        self.row(WHAT, "SELECT * FROM addons WHERE id = ?1 OR name = ?1", &[&identity], read)
    }

    /// Every add-on, oldest first; also those that outlive their app while they are being removed.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn addons(&self) -> Result<Vec<Addon>, StoreError> {
        self.rows(WHAT, "SELECT * FROM addons ORDER BY created_at, id", &[], read)
    }

    /// The add-ons an app owns, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn addons_of(&self, app: AppId) -> Result<Vec<Addon>, StoreError> {
        self.rows(
            WHAT,
            "SELECT * FROM addons WHERE app = ?1 ORDER BY created_at, id",
            &[&app.to_string()],
            read,
        )
    }

    /// The add-ons attached to an app, its own or another's, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn addons_attached_to(&self, app: AppId) -> Result<Vec<Addon>, StoreError> {
        let query = "SELECT * FROM addons WHERE id IN (SELECT addon FROM attachments WHERE app = ?1)
                     ORDER BY created_at, id";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Keeps what a service needs to find the add-on again, credentials included.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_addon_resource(&self, id: AddonId, resource: &Secret) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(&place(id), resource.expose_secret())?;
        self.execute(
            "keep an add-on's resource",
            "UPDATE addons SET resource = ?2, updated_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &sealed, &self.now().as_micros()],
        )?;
        self.touch(Topic::Addons);
        Ok(())
    }

    /// Gives an add-on another name.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is in use.
    pub fn rename_addon(&self, id: AddonId, name: &str) -> Result<(), StoreError> {
        self.sql
            .execute(
                "UPDATE addons SET name = ?2, updated_at = ?3 WHERE id = ?1",
                (id.to_string(), name, self.now().as_micros()),
            )
            .map_err(unique("Name", "rename an add-on"))?;
        self.touch(Topic::Addons);
        Ok(())
    }

    /// Gives an add-on another plan of its service; its stage makes the service hold it to that.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_addon_plan(&self, id: AddonId, plan: &Plan) -> Result<(), StoreError> {
        self.execute(
            "change an add-on's plan",
            "UPDATE addons SET plan = ?2, updated_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &plan.full_name(), &self.now().as_micros()],
        )?;
        self.touch(Topic::Addons);
        Ok(())
    }

    /// Moves an add-on to `provisioned` or `deprovisioning`; asking for what is so already changes nothing.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_addon_state(&self, id: AddonId, state: AddonState) -> Result<(), StoreError> {
        // Nothing leads out of `deprovisioning`.
        self.execute(
            "change an add-on's state",
            "UPDATE addons SET state = ?2, updated_at = ?3 WHERE id = ?1 AND state <> 'deprovisioning'",
            &[&id.to_string(), &state.as_str(), &self.now().as_micros()],
        )?;
        self.touch(Topic::Addons);
        Ok(())
    }

    /// Forgets an add-on whose resource is gone; its attachments and config vars go with it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_addon(&self, id: AddonId) -> Result<(), StoreError> {
        self.execute("forget an add-on", "DELETE FROM addons WHERE id = ?1", &[&id.to_string()])?;
        self.touch(Topic::Addons);
        Ok(())
    }

    /// Attaches an add-on to an app under a name.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the app has an attachment of that name.
    pub fn create_attachment(
        &self,
        addon: AddonId,
        app: AppId,
        name: &str,
    ) -> Result<Attachment, StoreError> {
        let id = AttachmentId::new();
        self.sql
            .execute(
                "INSERT INTO attachments (id, addon, app, name, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                (id.to_string(), addon.to_string(), app.to_string(), name, self.now().as_micros()),
            )
            .map_err(unique("Attachment name", "attach an add-on"))?;
        self.touch(Topic::Addons);
        self.attachment(id)?.ok_or(StoreError::Missing { what: "attachment" })
    }

    /// An attachment by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn attachment(&self, id: AttachmentId) -> Result<Option<Attachment>, StoreError> {
        self.row("attachment", "SELECT * FROM attachments WHERE id = ?1", &[&id.to_string()], read_attachment)
    }

    /// Every attachment, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn attachments(&self) -> Result<Vec<Attachment>, StoreError> {
        self.rows("attachment", "SELECT * FROM attachments ORDER BY created_at, id", &[], read_attachment)
    }

    /// What is attached to an app, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn attachments_to(&self, app: AppId) -> Result<Vec<Attachment>, StoreError> {
        let query = "SELECT * FROM attachments WHERE app = ?1 ORDER BY created_at, id";
        self.rows("attachment", query, &[&app.to_string()], read_attachment)
    }

    /// Where an add-on is attached, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn attachments_of(&self, addon: AddonId) -> Result<Vec<Attachment>, StoreError> {
        let query = "SELECT * FROM attachments WHERE addon = ?1 ORDER BY created_at, id";
        self.rows("attachment", query, &[&addon.to_string()], read_attachment)
    }

    /// Detaches; the config vars it owned go with it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_attachment(&self, id: AttachmentId) -> Result<(), StoreError> {
        self.execute("detach an add-on", "DELETE FROM attachments WHERE id = ?1", &[&id.to_string()])?;
        self.touch(Topic::Addons);
        Ok(())
    }
}
