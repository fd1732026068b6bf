//! What happened to apps with webhooks, and its way to each of them.

use model::id::{AccountId, AppId, DeliveryId, WebhookEventId, WebhookId};
use model::time::Timestamp;
use model::webhook::{
    Action, Attempt, Delivery, DeliveryStatus, DeliveryStep, Include, Level, Resource, WebhookEvent,
};

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::Columns;
use crate::topic::Topic;

const EVENT: &str = "webhook event";
const DELIVERY: &str = "webhook delivery";

/// Most events kept per app; the oldest that are through go first.
pub const EVENTS_KEPT: u32 = 1_000;
/// Most deliveries that wait for one webhook; beyond it the oldest are given up.
pub const DELIVERIES_WAITING_MAX: u32 = 1_000;

/// What there is to tell.
#[derive(Debug, Clone)]
pub struct NewWebhookEvent {
    /// Whose event it is.
    pub app: AppId,
    /// What it is asked for as.
    pub include: Include,
    /// What happened.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Who did it.
    pub actor: AccountId,
    /// The address of who did it.
    pub actor_email: String,
    /// The thing as the API shows it: a JSON object.
    pub data: String,
    /// What of it was different before: a JSON object.
    pub previous_data: String,
}

fn action(word: &str) -> Option<Action> {
    [Action::Create, Action::Update, Action::Destroy].into_iter().find(|action| action.as_str() == word)
}

fn read_event(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<WebhookEvent, StoreError> {
    Ok(WebhookEvent {
        id: row.parse("id")?,
        app: row.parse("app")?,
        sequence: row.get::<i64>("sequence")?.unsigned_abs(),
        include: row.parse("include")?,
        action: row.word("action", action)?,
        resource: row.word("resource", Resource::from_word)?,
        actor: row.parse("actor")?,
        actor_email: row.get("actor_email")?,
        data: row.get("data")?,
        previous_data: row.get("previous_data")?,
        created_at: row.time("created_at")?,
    })
}

fn read_delivery(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Delivery, StoreError> {
    let last = match row.parse_opt("last_id")? {
        None => None,
        Some(id) => Some(Attempt {
            id,
            code: row.get("last_code")?,
            error: row.get("last_error")?,
            at: row.time("last_at")?,
        }),
    };
    Ok(Delivery {
        id: row.parse("id")?,
        sequence: row.get::<i64>("sequence")?.unsigned_abs(),
        webhook: row.parse("webhook")?,
        level: row.parse("level")?,
        event: row.parse("event")?,
        include: row.parse("include")?,
        status: row.word("status", DeliveryStatus::from_word)?,
        attempts: row.get("attempts")?,
        next_attempt_at: row.get::<Option<i64>>("next_attempt_at")?.map(Timestamp::from_micros),
        last,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// All columns of deliveries, and what their events are asked for as.
const DELIVERIES: &str =
    "SELECT d.*, e.include FROM webhook_deliveries d JOIN webhook_events e ON e.id = d.event";

impl Tx<'_> {
    /// Writes down that something happened, and a delivery to each webhook of the app that asks for it. None does:
    /// nothing is written.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_webhook_event(&self, new: &NewWebhookEvent) -> Result<(), StoreError> {
        let asking = self.webhooks(new.app)?.into_iter().filter(|it| it.include.contains(&new.include));
        let asking: Vec<(WebhookId, Level)> = asking.map(|webhook| (webhook.id, webhook.level)).collect();
        if asking.is_empty() {
            return Ok(());
        }
        let event = WebhookEventId::new().to_string();
        let at = self.now().as_micros();
        self.execute(
            "write down what happened",
            "INSERT INTO webhook_events (id, app, include, action, resource, actor, actor_email, data, previous_data,
                                         created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            &[
                &event,
                &new.app.to_string(),
                &new.include.to_string(),
                &new.action.as_str(),
                &new.resource.as_str(),
                &new.actor.to_string(),
                &new.actor_email,
                &new.data,
                &new.previous_data,
                &at,
            ],
        )?;
        for (webhook, level) in asking {
            self.execute(
                "write down a delivery",
                "INSERT INTO webhook_deliveries (id, webhook, event, level, status, attempts, next_attempt_at,
                                                 created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, 'pending', 0, ?5, ?5, ?5)",
                &[&DeliveryId::new().to_string(), &webhook.to_string(), &event, &level.as_str(), &at],
            )?;
            self.give_up_oldest(webhook)?;
        }
        self.execute(
            "forget old events",
            "DELETE FROM webhook_events WHERE app = ?1
             AND sequence <= (SELECT sequence FROM webhook_events WHERE app = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)
             AND id NOT IN (SELECT event FROM webhook_deliveries WHERE next_attempt_at IS NOT NULL)",
            &[&new.app.to_string(), &EVENTS_KEPT],
        )?;
        self.touch(Topic::Webhooks);
        Ok(())
    }

    fn give_up_oldest(&self, webhook: WebhookId) -> Result<(), StoreError> {
        self.execute(
            "give up deliveries",
            "UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL, updated_at = ?3
             WHERE webhook = ?1 AND next_attempt_at IS NOT NULL AND sequence <=
                 (SELECT sequence FROM webhook_deliveries WHERE webhook = ?1 AND next_attempt_at IS NOT NULL
                  ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",
            &[&webhook.to_string(), &DELIVERIES_WAITING_MAX, &self.now().as_micros()],
        )
        .map(drop)
    }

    /// An app's events, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn webhook_events(&self, app: AppId) -> Result<Vec<WebhookEvent>, StoreError> {
        let query = "SELECT * FROM webhook_events WHERE app = ?1 ORDER BY sequence";
        self.rows(EVENT, query, &[&app.to_string()], read_event)
    }

    /// An event by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn webhook_event(&self, id: WebhookEventId) -> Result<Option<WebhookEvent>, StoreError> {
        self.row(EVENT, "SELECT * FROM webhook_events WHERE id = ?1", &[&id.to_string()], read_event)
    }

    /// Deliveries of an app's events, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn deliveries(&self, app: AppId) -> Result<Vec<Delivery>, StoreError> {
        let query = format!("{DELIVERIES} WHERE e.app = ?1 ORDER BY d.sequence");
        self.rows(DELIVERY, &query, &[&app.to_string()], read_delivery)
    }

    /// The oldest delivery that is not over of each webhook: its turn comes before all later ones.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn next_deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        let query = format!(
            "{DELIVERIES} WHERE d.sequence IN
             (SELECT MIN(sequence) FROM webhook_deliveries WHERE next_attempt_at IS NOT NULL GROUP BY webhook)
             ORDER BY d.sequence"
        );
        self.rows(DELIVERY, &query, &[], read_delivery)
    }

    /// Notes what an attempt brought. `next` is when to try again after [`DeliveryStep::Retry`].
    ///
    /// # Errors
    /// [`StoreError::IllegalDelivery`] when it is over already, [`StoreError::Missing`] when it is gone.
    pub fn delivery_on(
        &self,
        id: DeliveryId,
        step: DeliveryStep,
        attempt: &Attempt,
        next: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let query = format!("{DELIVERIES} WHERE d.id = ?1");
        let delivery = self
            .row(DELIVERY, &query, &[&id.to_string()], read_delivery)?
            .ok_or(StoreError::Missing { what: DELIVERY })?;
        let status = delivery.status.on(step)?;
        let next = next.filter(|_| status == DeliveryStatus::Retrying);
        self.execute(
            "note an attempt",
            "UPDATE webhook_deliveries SET status = ?2, attempts = attempts + 1, next_attempt_at = ?3, last_id = ?4,
                    last_code = ?5, last_error = ?6, last_at = ?7, updated_at = ?7 WHERE id = ?1",
            &[
                &id.to_string(),
                &status.as_str(),
                &next.map(Timestamp::as_micros),
                &attempt.id.to_string(),
                &attempt.code,
                &attempt.error,
                &attempt.at.as_micros(),
            ],
        )?;
        self.touch(Topic::Webhooks);
        Ok(())
    }
}
