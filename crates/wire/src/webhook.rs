//! Webhooks: subscriptions, events, deliveries, and the body that a receiver gets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reference::{IdRef, UserRef};

/// A webhook of an app. Its secret and `Authorization` value are never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// When it was added.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// Which events it gets: `api:release`, …
    pub include: Vec<String>,
    /// `notify` or `sync`.
    pub level: String,
    /// When it last changed.
    pub updated_at: String,
    /// Where events go.
    pub url: String,
}

/// Adds a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRequest {
    /// What deliveries are to carry as `Authorization`.
    pub authorization: Option<String>,
    /// Which events it is to get.
    pub include: Vec<String>,
    /// `notify` or `sync`.
    pub level: String,
    /// What deliveries are to be signed with; none: one is made up.
    pub secret: Option<String>,
    /// Where events are to go.
    pub url: String,
}

/// Changes a webhook; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookChange {
    /// What deliveries are to carry as `Authorization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// Which events it is to get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    /// `notify` or `sync`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// What deliveries are to be signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Where events are to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// When it happened.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// What it is asked for as.
    pub include: String,
    /// What happened.
    pub payload: WebhookPayload,
    /// When it last changed.
    pub updated_at: String,
}

/// What happened, and how the thing is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookPayload {
    /// `create`, `update` or `destroy`.
    pub action: String,
    /// Who did it.
    pub actor: UserRef,
    /// The thing as the API shows it.
    pub data: Map<String, Value>,
    /// The properties that were different before, with their values then.
    pub previous_data: Map<String, Value>,
    /// `release`, `dyno`, …
    pub resource: String,
    /// The version of the API in which `data` is written.
    pub version: String,
}

impl WebhookPayload {
    /// The version that payloads are written in.
    pub const VERSION: &'static str = "application/vnd.heroku+json; version=3";
}

/// The body of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookNotice {
    /// When it happened.
    pub created_at: String,
    /// The event's id.
    pub id: String,
    /// What happened.
    #[serde(flatten)]
    pub payload: WebhookPayload,
    /// When it was written down.
    pub published_at: String,
    /// Grows with each event of the app; as text.
    pub sequence: String,
    /// When it last changed.
    pub updated_at: String,
    /// Which delivery this is.
    pub webhook_metadata: WebhookMetadata,
}

/// Which delivery this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookMetadata {
    /// This attempt.
    pub attempt: IdRef,
    /// The delivery: the same in every attempt.
    pub delivery: IdRef,
    /// The event.
    pub event: WebhookEventRef,
    /// The webhook.
    pub webhook: IdRef,
}

/// An event by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEventRef {
    /// Its id.
    pub id: String,
    /// What it is asked for as.
    pub include: String,
}

/// A webhook by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRef {
    /// Its id.
    pub id: String,
    /// `notify` or `sync`.
    pub level: String,
}

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// When it was made.
    pub created_at: String,
    /// What.
    pub event: WebhookEventRef,
    /// Its id.
    pub id: String,
    /// The last attempt.
    pub last_attempt: Option<WebhookAttempt>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<String>,
    /// Attempts so far.
    pub num_attempts: u32,
    /// `pending`, `retrying`, `succeeded` or `failed`.
    pub status: String,
    /// When it last changed.
    pub updated_at: String,
    /// Whither.
    pub webhook: WebhookRef,
}

/// One try to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAttempt {
    /// The HTTP status that came back.
    pub code: Option<u16>,
    /// When it was made.
    pub created_at: String,
    /// Why it failed, in one word.
    pub error_class: Option<String>,
    /// Its id.
    pub id: String,
    /// `succeeded` or `failed`.
    pub status: String,
    /// When it ended.
    pub updated_at: String,
}
