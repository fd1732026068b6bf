//! One delivery to a webhook: what is sent, signed how, and what the answer means.

use std::error::Error;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::config_var::Secret;
use model::id::AttemptId;
use model::time::Timestamp;
use model::webhook::{Attempt, Delivery, DeliveryStep, Webhook, WebhookEvent, after_failure};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, StatusCode};
use ring::hmac;
use url::Url;

use crate::drain::{causes, certificate};
use crate::outside::{NotATarget, Outside};

/// How long a receiver may take to answer.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// The signature of the body, base64 of HMAC-SHA256.
const SIGNATURE: &str = "Heroku-Webhook-Hmac-SHA256";
const AGENT: &str = concat!("Hokku-Webhooks/", env!("CARGO_PKG_VERSION"));

/// All that one delivery needs.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) delivery: Delivery,
    pub(crate) webhook: Webhook,
    pub(crate) event: WebhookEvent,
}

/// What an attempt brought, for the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) step: DeliveryStep,
    pub(crate) attempt: Attempt,
    pub(crate) next: Option<Timestamp>,
}

/// Why an attempt failed; the words are those of `error_class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Redirect,
    ClientError,
    ServerError,
    Timeout,
    Certificate,
    Connection,
    NotAllowed,
}

/// Tries once.
pub(crate) async fn attempt(
    outside: &Outside,
    client: &Client,
    parcel: &Parcel,
    clock: &(dyn Fn() -> Timestamp + Send + Sync),
) -> Outcome {
    let id = AttemptId::new();
    let result = post(outside, client, parcel, id).await;
    let now = clock();
    let (code, failure) = match result {
        Ok(status) => (Some(status.as_u16()), failure(status)),
        Err(failure) => (None, Some(failure)),
    };
    let attempt = Attempt { id, code, error: failure.map(|failure| format!("{failure:?}")), at: now };
    if failure.is_none() {
        return Outcome { step: DeliveryStep::Succeed, attempt, next: None };
    }
    // The level as it was when the event happened: a later change is for later events.
    let next =
        after_failure(parcel.delivery.level, parcel.delivery.attempts + 1, parcel.event.created_at, now);
    let step = if next.is_some() { DeliveryStep::Retry } else { DeliveryStep::Fail };
    Outcome { step, attempt, next }
}

fn failure(status: StatusCode) -> Option<Failure> {
    match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(Failure::Redirect),
        400..=499 => Some(Failure::ClientError),
        _ => Some(Failure::ServerError),
    }
}

async fn post(
    outside: &Outside,
    client: &Client,
    parcel: &Parcel,
    id: AttemptId,
) -> Result<StatusCode, Failure> {
    let Webhook { url, secret, authorization, .. } = &parcel.webhook;
    let mut url: Url = url.expose_secret().parse().map_err(|_| Failure::NotAllowed)?;
    if authorization.is_some() {
        // A user in the URL would make a second header of the same name.
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| Failure::NotAllowed)?;
    }
    outside.check(&url).map_err(|_| Failure::NotAllowed)?;
    let body = body(parcel, id);
    let mut request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, AGENT)
        .header(SIGNATURE, sign(secret, &body));
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization.expose_secret());
    }
    match request.body(body).send().await {
        // Nobody wants the answer's body; dropping it closes the connection if there is one.
        Ok(response) => Ok(response.status()),
        Err(error) => Err(reason(&error)),
    }
}

fn reason(error: &reqwest::Error) -> Failure {
    let error = error as &(dyn Error + 'static);
    let is_timeout = error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout);
    let is_forbidden = causes(error).any(|cause| cause.is::<NotATarget>());
    match certificate(error) {
        Some(_) => Failure::Certificate,
        None if is_forbidden => Failure::NotAllowed,
        None if is_timeout => Failure::Timeout,
        None => Failure::Connection,
    }
}

fn sign(secret: &Secret, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}

fn body(parcel: &Parcel, attempt: AttemptId) -> Vec<u8> {
    let Parcel { delivery, webhook, event } = parcel;
    let at = event.created_at.to_api();
    let id = |id: String| wire::IdRef { id };
    let notice = wire::WebhookNotice {
        created_at: at.clone(),
        id: event.id.to_string(),
        payload: wire::WebhookPayload {
            action: event.action.as_str().to_owned(),
            actor: wire::UserRef { email: event.actor_email.clone(), id: event.actor.to_string() },
            data: serde_json::from_str(&event.data).unwrap_or_default(),
            previous_data: serde_json::from_str(&event.previous_data).unwrap_or_default(),
            resource: event.resource.as_str().to_owned(),
            version: wire::WebhookPayload::VERSION.to_owned(),
        },
        published_at: at.clone(),
        sequence: event.sequence.to_string(),
        updated_at: at,
        webhook_metadata: wire::WebhookMetadata {
            attempt: id(attempt.to_string()),
            delivery: id(delivery.id.to_string()),
            event: wire::WebhookEventRef { id: event.id.to_string(), include: event.include.to_string() },
            webhook: id(webhook.id.to_string()),
        },
    };
    serde_json::to_vec(&notice)
        .unwrap_or_else(|_| unreachable!("wire's types have text keys and no failing parts"))
}

#[cfg(test)]
mod tests;
