//! Webhooks, and things of their apps as they were last shown.

use model::config_var::Secret;
use model::id::{AppId, WebhookId};
use model::webhook::{Include, Level, Resource, Webhook, WebhookUrl};

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::{Columns, json};
use crate::topic::Topic;

const WHAT: &str = "webhook";

/// What a webhook is to be.
#[derive(Debug, Clone)]
pub struct WebhookWish {
    /// Where to.
    pub url: WebhookUrl,
    /// Which events.
    pub include: Vec<Include>,
    /// How hard it is tried.
    pub level: Level,
    /// What deliveries are signed with.
    pub secret: Secret,
    /// What deliveries carry as `Authorization`.
    pub authorization: Option<Secret>,
}

fn place(id: WebhookId, column: &str) -> String {
    format!("webhooks/{id}/{column}")
}

fn read(tx: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Webhook, StoreError> {
    let id: WebhookId = row.parse("id")?;
    let open = |column: &'static str, sealed: Vec<u8>| tx.sealer.open_sealed(&place(id, column), &sealed);
    let include: Vec<String> = row.json("include")?;
    let include: Result<Vec<Include>, StoreError> =
        include.iter().map(|word| word.parse().map_err(|_| row.broken("include", word))).collect();
    let authorization: Option<Vec<u8>> = row.get("authorization")?;
    Ok(Webhook {
        id,
        app: row.parse("app")?,
        url: open("url", row.get("url")?)?.parse().map_err(|_| row.broken("url", "no URL"))?,
        include: include?,
        level: row.parse("level")?,
        secret: Secret::new(open("secret", row.get("secret")?)?),
        authorization: authorization.map(|it| open("authorization", it).map(Secret::new)).transpose()?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

impl Tx<'_> {
    /// Adds a webhook to an app.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_webhook(&self, app: AppId, wish: &WebhookWish) -> Result<Webhook, StoreError> {
        let id = WebhookId::new();
        self.execute(
            "add a webhook",
            "INSERT INTO webhooks (id, app, url, include, level, secret, created_at, updated_at)
             VALUES (?1, ?2, x'', '[]', 'notify', x'', ?3, ?3)",
            &[&id.to_string(), &app.to_string(), &self.now().as_micros()],
        )?;
        self.set_webhook(id, wish)
    }

    /// Makes a webhook what it is to be.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such webhook.
    pub fn set_webhook(&self, id: WebhookId, wish: &WebhookWish) -> Result<Webhook, StoreError> {
        let seal = |column: &str, text: &str| self.sealer.seal(&place(id, column), text);
        let include: Vec<String> = wish.include.iter().map(ToString::to_string).collect();
        let authorization = wish.authorization.as_ref();
        self.execute(
            "change a webhook",
            "UPDATE webhooks SET url = ?2, include = ?3, level = ?4, secret = ?5, authorization = ?6, updated_at = ?7
             WHERE id = ?1",
            &[
                &id.to_string(),
                &seal("url", wish.url.expose_secret())?,
                &json(&include),
                &wish.level.as_str(),
                &seal("secret", wish.secret.expose_secret())?,
                &authorization.map(|it| seal("authorization", it.expose_secret())).transpose()?,
                &self.now().as_micros(),
            ],
        )?;
        self.touch(Topic::Webhooks);
        self.webhook(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// A webhook by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.row(WHAT, "SELECT * FROM webhooks WHERE id = ?1", &[&id.to_string()], read)
    }

    /// An app's webhooks, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn webhooks(&self, app: AppId) -> Result<Vec<Webhook>, StoreError> {
        let query = "SELECT * FROM webhooks WHERE app = ?1 ORDER BY created_at, id";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Removes a webhook with all that is on its way to it. With an app's last one, what was kept of the app goes too.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_webhook(&self, id: WebhookId) -> Result<(), StoreError> {
        self.execute("remove a webhook", "DELETE FROM webhooks WHERE id = ?1", &[&id.to_string()])?;
        self.forget_unwatched()?;
        self.touch(Topic::Webhooks);
        Ok(())
    }

    /// Removes the webhooks of apps that are gone, once everything was told. Returns how many.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_webhooks_of_gone_apps(&self) -> Result<usize, StoreError> {
        let removed = self.execute(
            "remove webhooks of removed apps",
            "DELETE FROM webhooks WHERE app NOT IN (SELECT id FROM apps)
             AND id NOT IN (SELECT webhook FROM webhook_deliveries WHERE next_attempt_at IS NOT NULL)",
            &[],
        )?;
        if removed > 0 {
            self.forget_unwatched()?;
        }
        Ok(removed)
    }

    /// Forgets what only an app with webhooks needs.
    fn forget_unwatched(&self) -> Result<(), StoreError> {
        for statement in [
            "DELETE FROM webhook_shown WHERE app NOT IN (SELECT app FROM webhooks)",
            "DELETE FROM webhook_events WHERE app NOT IN (SELECT app FROM webhooks)",
        ] {
            self.execute("forget what was told", statement, &[])?;
        }
        Ok(())
    }

    /// A thing as it was last shown: a JSON object.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn last_shown(&self, resource: Resource, id: &str) -> Result<Option<String>, StoreError> {
        let query = "SELECT data FROM webhook_shown WHERE resource = ?1 AND id = ?2";
        self.row(WHAT, query, &[&resource.as_str(), &id], |_, row| row.get("data"))
    }

    /// Keeps a thing as it is shown now; none when it is gone.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_last_shown(
        &self,
        app: AppId,
        resource: Resource,
        id: &str,
        data: Option<&str>,
    ) -> Result<(), StoreError> {
        let resource = resource.as_str();
        match data {
            Some(data) => self.execute(
                "keep what was shown",
                "INSERT INTO webhook_shown (resource, id, app, data) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (resource, id) DO UPDATE SET data = excluded.data",
                &[&resource, &id, &app.to_string(), &data],
            ),
            None => self.execute(
                "forget what was shown",
                "DELETE FROM webhook_shown WHERE resource = ?1 AND id = ?2",
                &[&resource, &id],
            ),
        }
        .map(drop)
    }
}
